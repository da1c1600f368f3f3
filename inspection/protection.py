"""The nine protections of GB 38600-2019 (九项防护): whether an institution conforms, by what inspections found.

There is one door: a concluded inspection, of the bureau or of the institution itself, that answered the items of the
checklist `gb38600-protections`. What it found wrong opened a hazard, and stands until that hazard is closed or
withdrawn, whoever answers what later; from its closing on it counts as put right. Everything else is decided by the
newest answer, for as long as the policy says. Every answer is a record that nothing changes, so how things stood at
any past moment is worked out in the same way.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from inspection.checklist import get
from inspection.protection_policy import Policy
from inspection.visit import Kind, Outcome

CHECKLIST: Final = "gb38600-protections"
COUNTY_DIGITS: Final = 6  # of a region code
MONTHS_MAX: Final = 36


class Verdict(StrEnum):
    """What is known of one protection."""

    CONFORMING = "conforming"
    NOT_CONFORMING = "not_conforming"
    NOT_APPLICABLE = "not_applicable"
    EXPIRED = "expired"
    UNASSESSED = "unassessed"


class Because(StrEnum):
    """What a verdict rests on."""

    ANSWERED = "answered"
    RECTIFIED = "rectified"  # the hazard that was found is closed
    HAZARD_OPEN = "hazard_open"
    TOO_OLD = "too_old"
    NEVER_ANSWERED = "never_answered"
    OWN_CHECK_ONLY = "own_check_only"  # the policy wants somebody from outside


class Standing(StrEnum):
    """Where an institution stands with all nine."""

    CONFORMING = "conforming"
    NOT_CONFORMING = "not_conforming"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one concluded inspection found of one protection. `at` is when its leader signed; the hazard is that which a
    failed item opened. Raises ValueError for a failure without a hazard."""

    institution_id: int
    protection: str
    outcome: Outcome
    at: datetime
    inspection_id: UUID
    own: bool
    hazard_id: UUID | None = None
    hazard_no: int | None = None
    hazard_closed_at: datetime | None = None
    hazard_withdrawn_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("an assessment's time needs a time zone")
        if (self.outcome is Outcome.FAIL) != (self.hazard_id is not None):
            raise ValueError("what failed has opened a hazard, and nothing else has")

    def withdrawn(self, at: datetime) -> bool:
        """Whether it had turned out to be a mistake by then."""
        return self.hazard_withdrawn_at is not None and self.hazard_withdrawn_at <= at

    def rectified(self, at: datetime) -> bool:
        """Whether what it found was put right by then."""
        return self.hazard_closed_at is not None and self.hazard_closed_at <= at

    def since(self, at: datetime) -> datetime:
        """From when on it says what it says at `at`."""
        return self.hazard_closed_at if self.hazard_closed_at is not None and self.rectified(at) else self.at


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an assessment rests on: which inspection, who answered, the note, and how many photos were taken."""

    inspection_no: int
    kind: Kind
    by: str
    note: str
    photos: int


@dataclass(frozen=True, slots=True)
class Found:
    """One protection of one institution: the verdict, why, the record it rests on, and until when it holds."""

    protection: str
    verdict: Verdict
    because: Because
    basis: Assessment | None = None
    until: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing is missing here."""
        return self.verdict in (Verdict.CONFORMING, Verdict.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Conformity:
    """An institution and its nine protections, in the order of the list. `verified`: it conforms, and not one of them
    rests on its own word."""

    institution_id: int
    standing: Standing
    verified: bool
    found: tuple[Found, ...]
    until: datetime | None

    @property
    def missing(self) -> tuple[Found, ...]:
        """What keeps it from conforming."""
        return tuple(each for each in self.found if not each.holds)


@dataclass(frozen=True, slots=True)
class Share:
    """How many institutions conform: of `total`, `assessed` are those of which is known whether they do, `verified`
    those of the conforming ones that do not rest on their own word."""

    total: int = 0
    conforming: int = 0
    verified: int = 0
    not_conforming: int = 0

    @property
    def assessed(self) -> int:
        """Conforming or not, but known."""
        return self.conforming + self.not_conforming

    @property
    def incomplete(self) -> int:
        """Of these it is not known."""
        return self.total - self.assessed

    @property
    def percent(self) -> int:
        """The share of all, rounded down: a target is reached, or it is not."""
        return 100 * self.conforming // self.total if self.total else 0

    def reaches(self, target_percent: int) -> bool:
        """Whether the target is reached; nobody reaches one without institutions."""
        return self.total > 0 and 100 * self.conforming >= target_percent * self.total

    def short_of(self, target_percent: int) -> int:
        """How many more have to conform."""
        return max(-(-target_percent * self.total // 100) - self.conforming, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """An institution that is looked at by the list: its region code, and since when it is known (registered, or first
    inspected where the records are older than that)."""

    institution_id: int
    region: str
    known_since: datetime


def protections() -> tuple[str, ...]:
    """The ids of the nine, in the order of the list."""
    return tuple(each.id for each in get(CHECKLIST).items)


def assess(protection: str, records: Iterable[Assessment], at: datetime, policy: Policy) -> Found:
    """What was known of a protection at `at`, of all records of it."""
    known = [each for each in records if each.at <= at and not each.withdrawn(at)]
    still_open = [each for each in known if each.outcome is Outcome.FAIL and not each.rectified(at)]
    if still_open:
        newest = max(still_open, key=lambda each: (each.at, each.inspection_id))
        return Found(protection, Verdict.NOT_CONFORMING, Because.HAZARD_OPEN, newest)
    known.sort(key=lambda each: (each.since(at), each.inspection_id))
    counted = [each for each in known if policy.own_checks_count or not each.own]
    if not counted:
        because = Because.OWN_CHECK_ONLY if known else Because.NEVER_ANSWERED
        return Found(protection, Verdict.UNASSESSED, because, known[-1] if known else None)
    newest = counted[-1]
    until = newest.since(at) + timedelta(days=policy.valid_days)
    if until <= at:
        return Found(protection, Verdict.EXPIRED, Because.TOO_OLD, newest, until)
    if newest.outcome is Outcome.NOT_APPLICABLE:
        return Found(protection, Verdict.NOT_APPLICABLE, Because.ANSWERED, newest, until)
    because = Because.RECTIFIED if newest.outcome is Outcome.FAIL else Because.ANSWERED
    return Found(protection, Verdict.CONFORMING, because, newest, until)


def conformity(institution_id: int, records: Iterable[Assessment], at: datetime, policy: Policy) -> Conformity:
    """Where an institution stood at `at`, of all its records. It conforms when every protection that applies to it
    does, and one does apply."""
    found = tuple(assess(name, known, at, policy) for name, known in _by_protection(records).items())
    standing, verified = _judge(found)
    conforms = standing is Standing.CONFORMING
    until = min((each.until for each in found if each.until is not None), default=None) if conforms else None
    return Conformity(institution_id, standing, verified, found, until)


def _by_protection(records: Iterable[Assessment]) -> dict[str, list[Assessment]]:
    """The records of each of the nine; an older list may have had others."""
    found: dict[str, list[Assessment]] = {each: [] for each in protections()}
    for record in records:
        if record.protection in found:
            found[record.protection].append(record)
    return found


def _judge(found: Collection[Found]) -> tuple[Standing, bool]:
    """The standing, and whether it conforms without resting on its own word. What is found alike counts once: nothing
    here depends on how often."""
    if any(each.verdict is Verdict.NOT_CONFORMING for each in found):
        return Standing.NOT_CONFORMING, False
    if not all(each.holds for each in found) or not any(each.verdict is Verdict.CONFORMING for each in found):
        return Standing.INCOMPLETE, False
    return Standing.CONFORMING, not any(each.basis is not None and each.basis.own for each in found)


def share(known: Iterable[Conformity]) -> Share:
    """How many of them conform."""
    return _count((each.standing, each.verified) for each in known)


def _count(judged: Iterable[tuple[Standing, bool]]) -> Share:
    standings = list(judged)
    return Share(
        total=len(standings),
        conforming=sum(standing is Standing.CONFORMING for standing, _ in standings),
        verified=sum(verified for _, verified in standings),
        not_conforming=sum(standing is Standing.NOT_CONFORMING for standing, _ in standings),
    )


def counties(known: Mapping[int, Conformity], places: Iterable[Place]) -> dict[str, Share]:
    """The share of every county, by its code; the one furthest from conforming first."""
    of_county: dict[str, list[Conformity]] = {}
    for each in places:
        of_county.setdefault(each.region[:COUNTY_DIGITS], []).append(known[each.institution_id])
    shares = {code: share(members) for code, members in of_county.items()}
    return dict(sorted(shares.items(), key=lambda each: (each[1].percent, each[0])))


def trend(
    places: Sequence[Place], records: Mapping[int, Sequence[Assessment]], ends: Iterable[datetime], policy: Policy
) -> list[tuple[datetime, Share]]:
    """The share at each of `ends`, of the institutions that were known by then.

    Most visits answer all nine alike: protections whose records say the same at the same times are assessed once.
    """
    apart = {each.institution_id: _apart(records.get(each.institution_id, ())) for each in places}
    return [
        (
            at,
            _count(
                _judge([assess("", alike, at, policy) for alike in apart[each.institution_id]])
                for each in places
                if each.known_since <= at
            ),
        )
        for at in ends
    ]


def _apart(records: Iterable[Assessment]) -> list[list[Assessment]]:
    """The records of the nine protections, those alone that differ in what a verdict depends on."""
    return list(
        {
            tuple(
                (one.outcome, one.at, one.inspection_id, one.own, one.hazard_closed_at, one.hazard_withdrawn_at)
                for one in known
            ): known
            for known in _by_protection(records).values()
        }.values()
    )
