"""What somebody did on a phone (手机离线作业), perhaps hours before it arrives, and what it meets there.

Every act has an id the phone made: sent twice it happens once. It says which event of the inspection or hazard was the
last the phone knew; where others have changed the same thing since, nothing is overwritten: it is a conflict, kept as
it was meant, and the person chooses.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from alerting.people import Right
from inspection import hazard, visit
from inspection.canonical import sha256
from inspection.hazard import HazardEvent
from inspection.visit import Answer, VisitEvent


class Verb(StrEnum):
    """What can be done on a phone. `keep` settles a conflict in favour of the others: one's own goes on record."""

    BEGIN = "begin"
    ANSWER = "answer"
    FIND = "find"
    CONCLUDE = "conclude"
    RECHECK = "recheck"
    REPORT = "report"
    KEEP = "keep"


RIGHT_OF: Final[Mapping[Verb, Right]] = {
    Verb.BEGIN: Right.INSPECT,
    Verb.ANSWER: Right.INSPECT,
    Verb.FIND: Right.INSPECT,
    Verb.CONCLUDE: Right.INSPECT,
    Verb.RECHECK: Right.RECHECK_HAZARD,
    Verb.REPORT: Right.REPORT_HAZARD,
    Verb.KEEP: Right.COMMENT,
}


class Outcome(StrEnum):
    """What came of an act. `same`: it was so already, and nothing had to be done."""

    DONE = "done"
    SAME = "same"
    CONFLICT = "conflict"


class Position(NamedTuple):
    """Where the phone was, in WGS 84 degrees; None where it did not know."""

    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None


NOWHERE: Final = Position()


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and where a photo was taken, by the phone's clock. `place_missing` says why there is no place."""

    taken_at: datetime
    sent_at: datetime
    position: Position = NOWHERE
    place_missing: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One act; `body` holds what the verb needs, as JSON. `subject_id` is the inspection or hazard it is about, None
    for a report. `based_on` is the number of the last event the phone knew: of the item for an answer, else of the
    whole. Raises ValueError for a time without a zone."""

    id: uuid.UUID
    person_id: int
    verb: Verb
    subject_id: uuid.UUID | None
    based_on: int
    body: Mapping[str, Any]
    done_at: datetime
    sent_at: datetime
    position: Position = NOWHERE
    settles: uuid.UUID | None = None

    def __post_init__(self) -> None:
        if self.done_at.tzinfo is None or self.sent_at.tzinfo is None:
            raise ValueError("the time of an act needs a time zone")

    @property
    def digest(self) -> bytes:
        """The SHA-256 of what is done, so that the same id cannot stand for something else."""
        subject, settles = str(self.subject_id or ""), str(self.settles or "")
        return bytes.fromhex(sha256([self.verb.value, subject, self.based_on, settles, dict(self.body)]))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the server made of an act: `seq` the event it became, `theirs` the events it met."""

    outcome: Outcome
    institution_id: int
    inspection_id: uuid.UUID | None = None
    hazard_id: uuid.UUID | None = None
    seq: int | None = None
    theirs: tuple[int, ...] = field(default=())


def done_by_our_clock(done_at: datetime, sent_at: datetime, received_at: datetime) -> datetime:
    """When something was done, whatever the phone's clock says: as long before it arrived as the phone counted between
    doing and sending.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    >>> done_by_our_clock(at, at + timedelta(hours=2), datetime(2026, 3, 2, 12, tzinfo=UTC)).hour
    10
    """
    return received_at - max(sent_at - done_at, timedelta(0))


class Meeting(StrEnum):
    """What an act meets, and why that is or is no conflict."""

    NOTHING = "nothing"  # nobody has changed it since
    OWN = "own"  # the same person did: the later word counts
    SAME = "same"  # somebody else found the same
    OTHERS = "others"  # somebody else found something else


def answer_meets(before: Answer | None, outcome: visit.Outcome, note: str, person_id: int, based_on: int) -> Meeting:
    """What an answer of `person_id` to an item meets, who knew the answer of event `based_on`, 0 for none."""
    if before is None or before.seq == based_on:
        return Meeting.NOTHING
    if before.person_id == person_id:
        return Meeting.OWN
    alike = before.outcome is outcome and before.note.strip() == note.strip()
    return Meeting.SAME if alike and outcome is not visit.Outcome.FAIL else Meeting.OTHERS


def conclusion_meets(entries: Sequence[tuple[int, VisitEvent]], person_id: int, based_on: int) -> tuple[int, ...]:
    """The numbers of what others found after `based_on`, which the leader has not seen and would sign."""
    return tuple(
        seq
        for seq, event in entries
        if seq > based_on
        and event.verb in (visit.Verb.ANSWER, visit.Verb.FIND)
        and event.by.person_id != person_id
    )  # fmt: skip


_QUIET: Final = frozenset({hazard.Verb.COMMENT, hazard.Verb.REMIND, hazard.Verb.ESCALATE})


def recheck_meets(entries: Sequence[tuple[int, HazardEvent]], based_on: int) -> tuple[int, ...]:
    """The numbers of what changed the hazard after `based_on`. A remark, a reminder or an escalation changes nothing of
    what was looked at."""
    return tuple(seq for seq, event in entries if seq > based_on and event.verb not in _QUIET)


_KEPT: Final = {
    "zh": ("离线时做的、未采用的版本", "；"),
    "en": ("Done without signal and not chosen", "; "),
}
_WORDS: Final = {
    "zh": {"pass": "合格", "fail": "不合格", "not_applicable": "不适用", "passed": "复查通过", "failed": "复查不通过"},
    "en": {"pass": "pass", "fail": "fail", "not_applicable": "not applicable", "passed": "recheck passed",
           "failed": "recheck failed"},
}  # fmt: skip


def words_of(verb: Verb, body: Mapping[str, Any], language: str, length_max: int) -> str:
    """An act that was not chosen, in words for the history.

    >>> words_of(Verb.ANSWER, {"outcome": "fail", "title": "插座", "note": "烧黑"}, "zh", 2000)
    '离线时做的、未采用的版本：不合格；插座；烧黑'
    """
    lead, between = _KEPT[language]
    named = _WORDS[language]
    parts = [named[body["outcome"]]] if verb is Verb.ANSWER else []
    if verb is Verb.RECHECK:
        parts = [named["passed" if body["passed"] else "failed"]]
    parts += [str(body[name]) for name in ("title", "note", "conclusion") if body.get(name)]
    colon = "：" if language == "zh" else ": "
    return f"{lead}{colon}{between.join(parts)}"[:length_max]
