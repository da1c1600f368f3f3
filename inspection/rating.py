"""Rating: a policy over the facts known at one moment gives each institution a score, a grade, and the reasons.

Points are whole hundredths, so that no order of adding changes a score. Every pass is over all institutions
at once; only
the reasons are put together one by one. The same policy, facts and moment always give the same rating, to the letter of
its explanation.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from ingest.reading import from_us, to_us
from inspection.evidence import DAY_US, NEVER, Evidence, Facts, select
from inspection.rating_policy import BaseLevel, Indicator, RatingPolicy, Section, Veto

_MISSING: Final = -1  # in place of an index: the points are for a record that is not there

Points = NDArray[np.int64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Institutions:
    """Who is rated, by ascending id, and since when each is registered (µs)."""

    ids: NDArray[np.int32]
    since_us: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rating:
    """One institution's rating. `score` is in hundredths, `explanation` JSON with sorted keys: `base`,
    `indicators` with a
    line for each record that counted, `bounded`, `vetoes`."""

    institution_id: int
    score: int
    grade: str
    explanation: bytes

    @property
    def sha256(self) -> bytes:
        """Of the explanation."""
        return hashlib.sha256(self.explanation).digest()


@dataclass(frozen=True, slots=True)
class _Lines:
    """What one indicator gives: a row a record that could count, ordered by place and time. `full` is what
    it would give
    without a limit."""

    indicator: Indicator
    facts: Facts | None
    index: NDArray[np.intp]
    place: Places
    full: Points
    points: Points
    at_us: NDArray[np.int64]
    factor: NDArray[np.float64]
    times: NDArray[np.int64]


def rate(policy: RatingPolicy, facts: Mapping[str, Facts], institutions: Institutions, as_of: datetime) -> list[Rating]:
    """Everybody's rating as of `as_of`, by institution id."""
    as_of_us, count = to_us(as_of), len(institutions.ids)
    base, base_why = _base(policy, facts, institutions, as_of_us)
    lines = [_count(each, facts, institutions, as_of_us) for each in policy.indicators]
    lines = [each for section in policy.sections for each in _limited(section, lines, count)]
    total = base.copy()
    for each in lines:
        np.add.at(total, each.place, each.points)
    score = np.clip(total, policy.score_min, policy.score_max)
    by_score = _by_score(policy, score)
    lowered, vetoes = _vetoed(policy, facts, institutions, as_of_us, by_score)
    told = _told(lines, count)
    return [
        Rating(
            int(number),
            int(score[place]),
            policy.grades[lowered[place]].id,
            _json(
                {
                    "base": base_why[place],
                    "indicators": told[place],
                    "bounded": int(score[place] - total[place]),
                    "by_score": policy.grades[by_score[place]].id,
                    "vetoes": vetoes[place],
                }
            ),
        )
        for place, number in enumerate(institutions.ids)
    ]


def _base(
    policy: RatingPolicy, facts: Mapping[str, Facts], institutions: Institutions, as_of_us: int
) -> tuple[Points, list[dict[str, Any]]]:
    """The points each institution starts from, and the record that says so."""
    base = np.full(len(institutions.ids), policy.base, np.int64)
    why: list[dict[str, Any]] = [{"points": policy.base, "level": None, "record": None} for _ in institutions.ids]
    held = np.full(len(institutions.ids), -1, np.int64)
    for number, level in enumerate(policy.base_levels):
        evidence, place = _placed(level, facts, institutions, as_of_us)
        for row, where in enumerate(place):
            if level.score >= held[where]:  # of the same level the newest record
                held[where] = base[where] = level.score
                record = _record(evidence.facts, evidence.index[row], evidence.at_us[row])
                why[where] = {"points": level.score, "level": number, "record": record}
    return base, why


def _placed(
    what: BaseLevel | Indicator | Veto, facts: Mapping[str, Facts], institutions: Institutions, as_of_us: int
) -> tuple[Evidence, Places]:
    """The evidence about those who are rated, and the place of each record's institution among them."""
    evidence = select(what.query, facts, as_of_us)
    place = np.searchsorted(institutions.ids, evidence.institution_id)
    known = place < len(institutions.ids)
    known[known] = institutions.ids[place[known]] == evidence.institution_id[known]
    if not known.all():
        evidence = Evidence(
            evidence.facts, evidence.index[known], evidence.institution_id[known], evidence.at_us[known],
            evidence.amount[known], evidence.repaired_us[known],
        )  # fmt: skip
        place = place[known]
    return evidence, place


def _count(indicator: Indicator, facts: Mapping[str, Facts], institutions: Institutions, as_of_us: int) -> _Lines:
    """What an indicator gives, up to its own cap."""
    evidence, place = _placed(indicator, facts, institutions, as_of_us)
    if indicator.wanted:
        return _missing(indicator, place, institutions, as_of_us)
    factor = np.ones(len(evidence))
    age_us = as_of_us - evidence.at_us
    for step in indicator.decay:
        factor[age_us >= round(step.after_days * DAY_US)] = step.factor
    if indicator.repair:
        good_us = np.where(evidence.repaired_us == NEVER, 0, as_of_us - evidence.repaired_us)
        good = (evidence.repaired_us <= as_of_us) & (good_us >= round(indicator.repair.after_days * DAY_US))
        factor[good] = np.minimum(factor[good], indicator.repair.factor)
    times = np.ones(len(evidence), np.int64)
    if indicator.per is not None:
        times = np.floor(evidence.amount / indicator.per).astype(np.int64)
    full = np.rint(indicator.points * indicator.weight * factor * times).astype(np.int64)
    full[_rank(place) < indicator.free] = 0
    points = full if indicator.cap is None else _up_to(indicator.cap, place, full)
    return _Lines(indicator, evidence.facts, evidence.index, place, full, points, evidence.at_us, factor, times)


def _missing(indicator: Indicator, found: Places, institutions: Institutions, as_of_us: int) -> _Lines:
    """What is missing from the number that is wanted. Who is registered for less than the time has not failed yet."""
    short = indicator.wanted - np.bincount(found, minlength=len(institutions.ids))
    asked = institutions.since_us <= as_of_us - round(indicator.query.days * DAY_US)
    place = np.flatnonzero((short > 0) & asked)
    full = np.rint(indicator.points * indicator.weight * short[place]).astype(np.int64)
    points = full if indicator.cap is None else _up_to(indicator.cap, place, full)
    count = len(place)
    return _Lines(
        indicator, None, np.full(count, _MISSING, np.intp), place, full, points, np.full(count, NEVER), np.ones(count),
        short[place].astype(np.int64),
    )  # fmt: skip


def _rank(place: Places) -> Places:
    """The number of each record among those of its place, from 0; `place` ascends.

    >>> _rank(np.array([0, 0, 2, 2, 2])).tolist()
    [0, 1, 0, 1, 2]
    """
    return np.arange(len(place)) - np.searchsorted(place, place, "left")


def _up_to(limit: int, place: Places, points: Points) -> Points:
    """`points`, all of one sign, cut where those of a place reach `limit`: the earlier records fill it.
    `place` ascends.

    >>> _up_to(500, np.array([0, 0, 0, 1]), np.array([-300, -300, -300, -400])).tolist()
    [-300, -200, 0, -400]
    """
    size = np.abs(points)
    summed = np.cumsum(size)
    first = np.searchsorted(place, place, "left")
    upto = summed - (summed - size)[first]  # of the place, this record included
    kept: Points = np.sign(points) * (np.minimum(upto, limit) - np.minimum(upto - size, limit))
    return kept


def _limited(section: Section, lines: Sequence[_Lines], count: int) -> list[_Lines]:
    """The section's lines, its deductions and its additions each cut at its limit: the earlier indicators fill it."""
    found = []
    left = {
        -1: np.full(count, NEVER if section.deduct_max is None else section.deduct_max, np.int64),
        1: np.full(count, NEVER if section.add_max is None else section.add_max, np.int64),
    }
    for each in lines:
        if each.indicator.section != section.id:
            continue
        room = left[1 if each.indicator.points > 0 else -1]
        size = np.abs(each.points)
        summed = np.cumsum(size)
        first = np.searchsorted(each.place, each.place, "left")
        upto = summed - (summed - size)[first]
        kept = np.minimum(upto, room[each.place]) - np.minimum(upto - size, room[each.place])
        np.subtract.at(room, each.place, kept)
        found.append(
            _Lines(
                each.indicator, each.facts, each.index, each.place, each.full, np.sign(each.points) * kept, each.at_us,
                each.factor, each.times,
            )
        )  # fmt: skip
    return found


def _by_score(policy: RatingPolicy, score: Points) -> Places:
    """The index of each score's grade; 0 is the best."""
    minima = np.array([each.score_min for each in policy.grades], np.int64)
    return len(minima) - np.searchsorted(minima[::-1], score, "right")


def _vetoed(
    policy: RatingPolicy, facts: Mapping[str, Facts], institutions: Institutions, as_of_us: int, grade: Places
) -> tuple[Places, list[list[dict[str, Any]]]]:
    """The grades after the vetoes: first all steps down, then no better than the worst grade a veto names."""
    count, last = len(institutions.ids), len(policy.grades) - 1
    names = [each.id for each in policy.grades]
    steps, floor = np.zeros(count, np.intp), np.zeros(count, np.intp)
    why: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for veto in policy.vetoes:
        evidence, place = _placed(veto, facts, institutions, as_of_us)
        hit = np.bincount(place, minlength=count) >= veto.count_min
        steps[hit] += veto.steps
        if veto.to is not None:
            floor[hit] = np.maximum(floor[hit], names.index(veto.to))
        for where in np.flatnonzero(hit):
            rows = np.flatnonzero(place == where)
            records = [_record(evidence.facts, evidence.index[row], evidence.at_us[row]) for row in rows]
            why[where].append({"id": veto.id, "steps": veto.steps, "to": veto.to, "records": records})
    return np.maximum(np.minimum(grade + steps, last), floor), why


def _told(lines: Sequence[_Lines], count: int) -> list[list[dict[str, Any]]]:
    """Each institution's indicators with what they gave and the records behind it. Records that a limit has
    left nothing
    of are counted in `unused`, those within the free number too."""
    told: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for each in lines:
        sums = np.zeros(count, np.int64)
        np.add.at(sums, each.place, each.points)
        unused = np.bincount(each.place[each.points == 0], minlength=count)
        rows: dict[int, list[dict[str, Any]]] = {}
        for row in np.flatnonzero(each.points):
            rows.setdefault(int(each.place[row]), []).append(_line(each, int(row)))
        for place in sorted(rows.keys() | set(np.flatnonzero(unused).tolist())):
            told[place].append(
                {
                    "id": each.indicator.id,
                    "points": int(sums[place]),
                    "lines": rows.get(place, []),
                    "unused": int(unused[place]),
                }
            )
    return told


def _line(lines: _Lines, row: int) -> dict[str, Any]:
    """One record's points, and what they would have been without a limit."""
    record = None
    if lines.facts is not None:
        record = _record(lines.facts, lines.index[row], lines.at_us[row])
    return {
        "record": record,
        "points": int(lines.points[row]),
        "full": int(lines.full[row]),
        "factor": round(float(lines.factor[row]), 4),
        "times": int(lines.times[row]),
    }


def _record(facts: Facts, index: np.intp, at_us: np.int64) -> dict[str, Any]:
    return {"table": facts.table, "id": facts.record[index], "at": from_us(int(at_us)).isoformat()}


def _json(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
