"""From a decision to its messages without a detour: what can leave at once is put on record as being sent together with
the decision, so that after that one commit it is sent, and nothing has to be looked for and marked first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerting import delivery
from alerting.acknowledge_link import NewLink
from alerting.book import Directory
from alerting.delivery import Delivery, Push
from alerting.outbox import Taken, new_link, url_of
from alerting.outbox_store import Job
from alerting.sender import Senders
from alerting.settings import NotifySettings


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What becomes of a decision's pushes: `deliveries` and `links` are to be put on record, then `taken` are sent."""

    deliveries: tuple[Delivery, ...]
    links: tuple[NewLink, ...]
    taken: tuple[Taken, ...]

    def waiting(self, now: datetime) -> set[str]:
        """The channels with something that is due but could not leave at once."""
        return {each.channel for each in self.deliveries if each.due(now)}

    def send(self, senders: Senders) -> None:
        """Hand over what is on record now."""
        for each in self.taken:
            senders.deliver(each)

    def drop(self, senders: Senders) -> None:
        """It did not get on record: give back the places."""
        for each in self.taken:
            senders.release(each.job.delivery)


def dispatch(
    pushes: Iterable[Push], directory: Directory, senders: Senders, settings: NotifySettings, now: datetime
) -> Dispatch:
    """Plan the deliveries of new pushes, and keep places with the senders for as many as can leave at once, in the
    order of `pushes`. `send` or `drop` has to follow."""
    deliveries: list[Delivery] = []
    links: list[NewLink] = []
    taken: list[Taken] = []
    for push in pushes:
        ways = directory.contacts[push.person_id]
        addresses = {contact.id: contact.address for contact in ways}
        for planned in delivery.plan(push, ways, directory.policy.delivery):
            if not planned.due(now) or not senders.reserve(planned):
                deliveries.append(planned)
                continue
            job = Job(delivery.claim(planned, now, settings.lease_s), push, addresses[planned.contact_id])
            link = new_link(job, now, settings)
            links += [link] if link else []
            taken.append(Taken(job, url_of(link, settings)))
            deliveries.append(job.delivery)
    return Dispatch(tuple(deliveries), tuple(links), tuple(taken))
