"""Handing a duty desk over between shifts (交接班): one writes down what the next must know, the other signs for it.

A desk is a scope: one institution's, or that of a region's duty centre. Both signatures are records of their own that
nobody changes: what was wrong in a note is put right by a note that replaces it, and it is seen that it did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from alerting.people import Scope

SHIFT_MAX: Final = timedelta(hours=24)  # of which the facts are gathered where nobody took over for longer


class State(StrEnum):
    """Where a note stands."""

    WAITING = "waiting"
    TAKEN_OVER = "taken_over"
    REPLACED = "replaced"  # by a later note of the same hand


class Since(StrEnum):
    """From what a shift is counted."""

    TAKEN_OVER = "taken_over"
    WRITTEN = "written"  # the note before this one, which nobody took over
    A_DAY = "a_day"  # neither, or longer ago than SHIFT_MAX


class Refusal(StrEnum):
    """Why a signature cannot be."""

    ANOTHER_DESK = "another_desk"
    TAKE_OVER_FIRST = "take_over_first"
    NOT_WAITING = "not_waiting"
    SAME_NAME = "same_name"


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The second signature; `name` is of whoever sits down at the desk, `actor` of whose session it was."""

    at: datetime
    actor: str
    name: str
    remark: str


@dataclass(frozen=True, slots=True)
class Handover:
    """A note and what became of it. `facts` are those of the shift since `since_at`, as they stood when written."""

    id: int
    desk: Scope
    since_at: datetime
    written_at: datetime
    actor: str
    name: str
    note: str
    facts: Mapping[str, Any]
    replaces: int | None = None
    replaced_by: int | None = None
    take_over: TakeOver | None = None

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.take_over is not None:
            return State.TAKEN_OVER
        return State.WAITING if self.replaced_by is None else State.REPLACED


def shift_start(last: Handover | None, now: datetime) -> tuple[datetime, Since]:
    """Since when the shift that ends at `now` has run: from the last take-over of the desk, where there is one, but no
    longer than SHIFT_MAX; and how that was found.

    >>> from datetime import UTC
    >>> shift_start(None, datetime(2026, 11, 28, 8, tzinfo=UTC))
    (datetime.datetime(2026, 11, 27, 8, 0, tzinfo=datetime.timezone.utc), <Since.A_DAY: 'a_day'>)
    """
    longest = now - SHIFT_MAX
    if last is None:
        return longest, Since.A_DAY
    if last.state is State.WAITING and last.written_at >= longest:
        return last.since_at, Since.WRITTEN  # a note that is put right covers the shift of the one it replaces
    at, how = (last.take_over.at, Since.TAKEN_OVER) if last.take_over else (last.written_at, Since.WRITTEN)
    return (at, how) if at >= longest else (longest, Since.A_DAY)


def why_not_write(last: Handover | None, actor: str) -> Refusal | None:
    """Why `actor` cannot leave a note at the desk whose last note is `last`: a note that waits is replaced by its own
    writer only; anybody else takes over first, so that none is passed over unread."""
    if last is not None and last.state is State.WAITING and last.actor != actor:
        return Refusal.TAKE_OVER_FIRST
    return None


def why_not_take_over(waiting: Handover, desk: Scope, name: str) -> Refusal | None:
    """Why somebody called `name`, whose own desk is `desk`, cannot take over. It is names that must differ, not
    accounts: in a small home the whole desk shares one."""
    if waiting.desk != desk:
        return Refusal.ANOTHER_DESK
    if waiting.state is not State.WAITING:
        return Refusal.NOT_WAITING
    return Refusal.SAME_NAME if _folded(name) == _folded(waiting.name) else None


def _folded(name: str) -> str:
    """A name without what does not tell people apart: spaces and case."""
    return "".join(name.split()).casefold()
