"""What the nightly ratings bring before a decision: who meets a criterion, and which breach of who is listed is new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import takewhile
from typing import Any

from inspection.credit_criteria import ADVERSE, Criteria, Criterion, ListKind
from inspection.credit_list import End, Entry


@dataclass(frozen=True, slots=True)
class Record:
    """A record that a veto of a rating rests on."""

    table: str
    id: str
    at: datetime

    @property
    def key(self) -> str:
        """Its name among the grounds of an entry."""
        return f"{self.table}:{self.id}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A veto that lowered a rating, and what it rests on."""

    veto: str
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Night:
    """One institution's rating of one night; `hits` are read only for criteria that name vetoes."""

    run_id: int
    as_of: datetime
    policy: str  # its id: grades of different policies are not one row of grades
    grade: str
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Grounds:
    """That a criterion is met: `keys` name what it rests on, `at` is when the newest of it came about, `facts` is what
    people are shown (JSON)."""

    criterion: Criterion
    keys: frozenset[str]
    at: datetime
    facts: Mapping[str, Any] = field(compare=False)


class Reason(StrEnum):
    """Why somebody is proposed, or not."""

    PROPOSES = "proposes"
    NOT_MET = "not_met"
    OPEN_ALREADY = "open_already"
    ADVERSE_STANDS = "adverse_stands"  # a worse list comes first
    KNOWN = "known"  # it rests on nothing that an earlier entry did not rest on


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reason, and what is proposed by which grounds."""

    reason: Reason
    grounds: Grounds | None = None


def matches(criterion: Criterion, night: Night) -> bool:
    """Whether this one night's rating is of the kind the criterion asks for."""
    return (not criterion.grades or night.grade in criterion.grades) and (
        not criterion.vetoes or any(each.veto in criterion.vetoes for each in night.hits)
    )


def met(criterion: Criterion, nights: Sequence[Night]) -> Grounds | None:
    """The grounds where the newest nights in a row (`nights`: newest first) meet the criterion often enough."""
    row = _row(criterion, nights)
    if len(row) < criterion.ratings_min:
        return None
    newest, oldest = row[0], row[-1]
    records = {
        each.key: each for hit in newest.hits if hit.veto in criterion.vetoes for each in hit.records
    }  # a record of two vetoes is one
    keys = frozenset(records) or frozenset({_grade_key(criterion, oldest.as_of)})
    return Grounds(
        criterion,
        keys,
        max((each.at for each in records.values()), default=oldest.as_of),
        {
            "run": newest.run_id,
            "as_of": newest.as_of.isoformat(),
            "policy": newest.policy,
            "grade": newest.grade,
            "ratings": len(row),
            "since": oldest.as_of.isoformat(),
            "vetoes": sorted({hit.veto for hit in newest.hits if hit.veto in criterion.vetoes}),
            "records": [
                {"table": each.table, "id": each.id, "at": each.at.isoformat()}
                for each in sorted(records.values(), key=lambda one: (one.at, one.key))
            ],
        },
    )


def kept_out(kind: ListKind, entries: Sequence[Entry]) -> Reason | None:
    """Why somebody with these entries cannot be proposed for a list whatever their ratings; None where they can."""
    if any(each.open and each.kind is kind for each in entries):
        return Reason.OPEN_ALREADY
    if any(each.open and _outweighs(each.kind, kind) for each in entries):
        return Reason.ADVERSE_STANDS
    return None


def proposal(
    criterion: Criterion, nights: Sequence[Night], entries: Sequence[Entry], criteria: Criteria
) -> Verdict:  # fmt: skip
    """Whether an institution with these nights (newest first) and these entries of any list is to be proposed.

    What has been decided once is not asked again: a veto needs a record that no earlier entry of the list rested on,
    and grades count from the end of the last entry, after a decision against the listing from `quiet_days` later.
    """
    if (reason := kept_out(criterion.kind, entries)) is not None:
        return Verdict(reason)
    earlier = [each for each in entries if each.kind is criterion.kind]
    if not criterion.vetoes:
        counted_from = [_counted_from(each, criteria) for each in earlier]
        nights = [each for each in nights if all(each.as_of > moment for moment in counted_from)]
    grounds = met(criterion, nights)
    if grounds is None:
        return Verdict(Reason.NOT_MET)
    if grounds.keys <= frozenset().union(*(each.grounds for each in earlier)):
        return Verdict(Reason.KNOWN)
    return Verdict(Reason.PROPOSES, grounds)


def breach(criterion: Criterion, nights: Sequence[Night], entry: Entry) -> Grounds | None:
    """The new breach of who is listed, None where there is none: a record that the entry does not rest on yet, or a
    row of grades that began after the listing. `nights` are all since the proposal, the newest first."""
    if entry.listed_at is None or entry.kind not in ADVERSE:
        return None
    grounds = met(criterion, nights)
    if grounds is None:
        return None
    if criterion.vetoes:
        new = [each for each in grounds.facts["records"] if f"{each['table']}:{each['id']}" not in entry.grounds]
        times = [datetime.fromisoformat(each["at"]) for each in new]
        late = [each for each in times if each > entry.listed_at]
        return Grounds(criterion, grounds.keys, max(late), grounds.facts) if late else None
    # Another policy breaks a row, but who had such a grade under the one before has not fallen to it anew.
    lasting = list(takewhile(partial(matches, criterion), nights))
    began_at = lasting[-1].as_of
    keys = frozenset({_grade_key(criterion, began_at)})
    if len(lasting) == len(nights) or began_at <= entry.listed_at or keys <= entry.grounds:
        return None
    return Grounds(criterion, keys, began_at, grounds.facts)


def _grade_key(criterion: Criterion, since: datetime) -> str:
    """The name of a row of grades among the grounds of an entry."""
    return f"grade:{criterion.id}:{since.isoformat()}"


def _row(criterion: Criterion, nights: Sequence[Night]) -> list[Night]:
    """The newest nights in a row that match, by one policy."""
    found: list[Night] = []
    for each in nights:
        if each.policy != nights[0].policy or not matches(criterion, each):
            break
        found.append(each)
    return found


def _outweighs(open_kind: ListKind, kind: ListKind) -> bool:
    """Whether an open entry of one list keeps another list from being proposed."""
    return open_kind is not kind and (
        (kind is ListKind.RED and open_kind in ADVERSE) or (kind is ListKind.WATCH and open_kind is ListKind.BLACK)
    )


def _counted_from(entry: Entry, criteria: Criteria) -> datetime:
    ended_at = entry.ended_at or entry.changed_at
    quiet = entry.end in (End.DECISION, End.APPEAL)
    return ended_at + timedelta(days=criteria.quiet_days) if quiet else ended_at
