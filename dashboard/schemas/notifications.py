"""Who was told of an alert, and who is next."""

from alerting.next_call import Reason as NextReason
from alerting.people import Role
from alerting.suppression import Reason as QuietReason
from alerting.told_store import Progress
from dashboard.schemas.base import Moment, Shape


class NotifiedPerson(Shape):
    """Who was told."""

    id: int
    name: str
    role: Role


class Notification(Shape):
    """One way of telling one person of an alert; no channel yet while it is held back to go with others."""

    person: NotifiedPerson
    channel: str | None
    step: int
    state: Progress
    at: Moment
    attempts: int
    error: str | None


class NextCall(Shape):
    """Who is told next unless somebody acknowledges; `again`: they have been told before."""

    at: Moment
    step: int
    again: bool
    people: list[NotifiedPerson]


class Notifications(Shape):
    """Who was told of an alert, in the order in which they were called; who is next, or the reason why nobody is.

    `ends_at` is when the calling ends without an acknowledgement; `ends_in_alert`: that is then an alert of its own.
    """

    items: list[Notification]
    next: NextCall | None
    reason: NextReason | QuietReason | None
    ends_at: Moment | None
    ends_in_alert: bool
