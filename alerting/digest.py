"""Noise control: what one person is sent now, and what waits to go together with more.

A life-safety alarm goes at once and alone, as long as few have. The first message about an institution goes at once;
what follows within `group_s` is gathered. When a person would get more messages than the bound, one digest names
everything. Nothing is ever left out: what does not go now is held and goes later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from alerting.alert import Alert, Kind, Priority
from alerting.delivery import Form
from alerting.escalation import Grouping
from alerting.ladder import Telling
from alerting.suppression import LIFE_SAFETY

MINUTE: Final = timedelta(seconds=60)
RESERVE_COUNT: Final = 2  # digests beyond the bound that life-safety alarms may still make
CRITICAL_ALONE_COUNT: Final = 2  # critical alarms that still go alone after others have used up that bound
ITEMS_COUNT_MAX: Final = 5000  # in one message
_KIND_ORDER: Final = {kind: number for number, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Item:
    """One alert that a person is to know of. `gather_s` > 0: its route lets it wait for others."""

    telling: Telling
    alert: Alert
    gather_s: float = 0.0

    @property
    def life_safety(self) -> bool:
        """Whether a life is at stake."""
        return self.alert.kind in LIFE_SAFETY


@dataclass(frozen=True, slots=True)
class Sent:
    """A message the person was sent lately; `institution_id` is None for a digest too."""

    at: datetime
    form: Form
    institution_id: int | None
    zone_id: int | None


@dataclass(frozen=True, slots=True)
class Message:
    """Items that go together, the most urgent first."""

    form: Form
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes now, and what is held back until when."""

    messages: tuple[Message, ...]
    held: tuple[tuple[Item, datetime], ...]


def urgency(item: Item) -> tuple[int, int, datetime, str]:
    """Sorts items: by priority, fire before the others, oldest first."""
    alert = item.alert
    return alert.priority.rank, _KIND_ORDER[alert.kind], alert.called_at, str(alert.id)


def bundle(items: Iterable[Item], recent: Sequence[Sent], grouping: Grouping, now: datetime) -> Bundle:
    """What to send a person of `items`, new and held ones alike, who was sent `recent` in the last minutes."""
    window = timedelta(seconds=grouping.group_s)
    recent = [each for each in recent if each.at > now - max(window, MINUTE)]
    messages: list[Message] = []
    rest: list[Item] = []
    held: list[tuple[Item, datetime]] = []
    alone_left = grouping.alone_per_minute_max - _alone_count(recent, now)
    for item in sorted(items, key=urgency):
        places = {(each.institution_id, each.zone_id) for each in recent if each.at > now - window}
        until = item.telling.hold_until
        reserve = CRITICAL_ALONE_COUNT if item.alert.priority is Priority.CRITICAL else 0
        if item.life_safety and alone_left + reserve > 0 and not _crowded(item, places, messages):
            messages.append(Message(Form.ALONE, (item,)))
            alone_left -= 1
        elif until is None and item.gather_s:
            held.append((item, now + timedelta(seconds=item.gather_s)))
        elif until is not None and until > now:
            held.append((item, until))
        else:
            rest.append(item)
    ready = _ready(rest, [*recent, *(_sent(each, now) for each in messages)], held, window, now)
    others = sum(each.at > now - MINUTE and each.form is not Form.ALONE for each in recent)
    left = grouping.messages_per_minute_max - others
    groups = _groups(ready)
    if len(groups) <= left:
        messages += groups
    elif left > 0 or (left > -RESERVE_COUNT and any(item.life_safety for item in ready)):
        messages.append(Message(Form.DIGEST, tuple(ready)))
    elif ready:
        oldest = min((each.at for each in recent if each.at > now - MINUTE), default=now)
        held += [(item, max(oldest + MINUTE, now + timedelta(seconds=1))) for item in ready]
    return Bundle(tuple(part for message in messages for part in _parts(message)), tuple(held))


def _alone_count(recent: Sequence[Sent], now: datetime) -> int:
    return sum(each.at > now - MINUTE and each.form is Form.ALONE for each in recent)


def _crowded(item: Item, places: set[tuple[int | None, int | None]], messages: Sequence[Message]) -> bool:
    """Whether the person has just been told of something in the same zone. Of what nobody has registered the zone is
    not known, and never the same."""
    source = item.alert.source
    if source.unclaimed is not None:
        return False
    told = {(each.items[0].alert.source.institution_id, each.items[0].alert.source.zone_id) for each in messages}
    return (source.institution_id, source.zone_id) in places | told


def _ready(
    rest: Sequence[Item], recent: Sequence[Sent], held: list[tuple[Item, datetime]], window: timedelta, now: datetime
) -> list[Item]:
    """Those of `rest` that have waited, or about whose institution nothing went within the window; the others are added
    to `held`."""
    latest: dict[int | None, datetime] = {}
    for each in recent:
        if each.form is not Form.DIGEST:
            latest[each.institution_id] = max(each.at, latest.get(each.institution_id, each.at))
    ready = []
    for item in rest:
        end = latest.get(item.alert.source.institution_id, now - window) + window
        if end > now and item.telling.hold_until is None:  # what has waited once does not wait for others again
            held.append((item, end))
        else:
            ready.append(item)
    return ready


def _sent(message: Message, now: datetime) -> Sent:
    source = message.items[0].alert.source
    return Sent(now, message.form, source.institution_id, source.zone_id)


def _groups(ready: Sequence[Item]) -> list[Message]:
    """One message for each institution."""

    def institution(item: Item) -> int:
        return item.alert.source.institution_id or 0

    found = []
    for _, members in groupby(sorted(ready, key=institution), key=institution):
        items = tuple(sorted(members, key=urgency))
        same = len({item.alert.id for item in items}) == 1
        found.append(Message(Form.SINGLE if same else Form.GROUP, items))
    return sorted(found, key=lambda message: urgency(message.items[0]))


def _parts(message: Message) -> list[Message]:
    """The message, cut where it would hold too many items."""
    items = message.items
    return [
        Message(message.form, items[start : start + ITEMS_COUNT_MAX])
        for start in range(0, len(items), ITEMS_COUNT_MAX)
    ]  # fmt: skip
