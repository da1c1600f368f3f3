"""Scoring: a batch of readings through the detectors and the latch, a vectorised pass over at most one reading a point.

Readings of a point that come together are judged in turns. Each turn gathers the rows it touches from the state (or,
after the first, from the copies it has made), scores them detector by detector, and looks closer only where a watch is
not idle or its score is beyond the setpoint: of a thousand watches perhaps one. The plain setpoints of a point are not
even touched while all its watches are idle and its value is within the most sensitive of them.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alerting import latch
from alerting.alert import Verb
from alerting.detect import DETECTORS
from alerting.detect.detector import Float64
from alerting.engine_state import Change, Patch, State, columns, put
from alerting.latch import NEVER, Bool, Int64, Latch
from alerting.plan import GROUPS, Plan, expand

_SETPOINT = GROUPS.index("setpoint")


def judge(
    state: State, patch: Patch, sites: NDArray[np.void], busy: Bool, value: Float64, at_us: Int64
) -> list[Change]:
    """Score and latch readings at `sites` (one row a reading), each another; `busy` says which of these slots are. The
    rows that changed go into `patch`."""
    plan, place = state.plan, _Places.of(state.plan, sites)
    near = (value >= plan.setpoint_above[place.profile]) | (value <= plan.setpoint_below[place.profile]) | busy
    count = np.where(near, plan.line_count[place.profile], plan.scored_count[place.profile])
    reading, line = expand(count, plan.line_first[place.profile])
    patch.readings["busy"] = False
    return _turn(_Once(state, patch, busy), place, reading, line, value, at_us)


def judge_in_turns(
    state: State, patch: Patch, sites: NDArray[np.void], row: Int64, turn: Int64, value: Float64, at_us: Int64
) -> list[Change]:
    """The same for several readings at a site: `row` says to which row of `patch.readings` each belongs, and `turn` in
    which turn it comes."""
    plan, place = state.plan, _Places.of(state.plan, sites)
    count, first = plan.line_count[place.profile], plan.line_first[place.profile]
    once = np.flatnonzero(turn == 0)  # each site's first reading
    nth, line = expand(count[once], first[once])
    work = _Copies(state, place.watches(once[nth], line))
    changes: list[Change] = []
    for number in range(int(turn.max()) + 1):
        chosen = (turn == number).nonzero()[0]
        nth, line = expand(count[chosen], first[chosen])
        changes += _turn(work, place, chosen[nth], line, value, at_us)
    work.into(patch)
    patch.readings["busy"] = False
    slot_row, _ = expand(count[once], first[once])
    patch.readings["busy"][row[once[slot_row[work.all_busy()]]]] = True
    return changes


@dataclass(slots=True)
class _Places:
    """Where the watches of readings stand; one row a reading."""

    plan: Plan
    slot: NDArray[np.int32]
    profile: Int64
    nth: Int64

    @classmethod
    def of(cls, plan: Plan, sites: NDArray[np.void]) -> "_Places":
        """Of readings at `sites`."""
        # numpy turns an index into intp each time it is used: these are used many times.
        return cls(plan, sites["slot"], sites["profile"].astype(np.intp), sites["nth"].astype(np.intp))

    def watches(self, reading: Int64, line: Int64) -> Int64:
        """The watches of these lines at these readings."""
        first = self.plan.watch_first[self.slot[reading]]
        watch: Int64 = first + line - self.plan.line_first[self.profile[reading]]
        return watch

    def group_rows(self, reading: Int64, line: Int64) -> Int64:
        """Their rows within their groups."""
        row: Int64 = self.plan.lines.group_first[line] + self.nth[reading] * self.plan.lines.group_step[line]
        return row


def _turn(
    work: "_Once | _Copies", place: _Places, reading: Int64, line: Int64, value: Float64, at_us: Int64
) -> list[Change]:
    """One turn. Each `line` is judged by a `reading`: a row of `place`, `value` and `at_us`."""
    plan = work.state.plan
    rule, group = plan.lines.rule[line], plan.lines.group[line]
    score = value[reading]  # the score of a setpoint is the value; the other detectors write theirs over it
    onset_us: Int64 | None = None  # where some detector knows it
    for number, name in enumerate(GROUPS):
        if number == _SETPOINT or not plan.groups[number].count:
            continue
        mine = (group == number).nonzero()[0]
        if not len(mine):
            continue
        of = reading[mine]
        which = place.group_rows(of, line[mine])
        rows = work.rows(number, which)
        held = columns(rows)
        state = dict(held)
        parameters = plan.groups[number].parameters_of(rule[mine])
        score[mine] = DETECTORS[name].score(state, parameters, at_us[of], value[of])
        if "onset_us" in state:
            onset_us = at_us[reading] if onset_us is None else onset_us
            onset_us[mine] = state["onset_us"]
        for column, values in state.items():
            if values is not held[column]:
                rows[column] = values
        work.put_rows(number, which, rows)
    sign = plan.sign_by_rule  # turns "at or below" into "at or above"
    beyond = score * sign[rule] >= (plan.limits_by_rule.raise_at * sign)[rule]
    todo = (beyond | work.maybe_busy(reading)).nonzero()[0]
    watches = place.watches(reading[todo], line[todo])
    chosen = beyond[todo] | work.busy(watches)
    todo, watches = todo[chosen], watches[chosen]
    if not len(todo):
        return []
    part = work.latch(watches)
    before, of = part.since_us, reading[todo]
    begun_us = None if onset_us is None else onset_us[todo]
    told = latch.update(part, plan.limits(watches), at_us[of], score[todo], begun_us)
    work.put_latch(watches, part)
    work.note_busy(of[part.active | (part.samples > 0)])
    return _changes(told, watches, before, part.since_us, value[of], score[todo])


def _changes(
    told: list[tuple[Verb, Bool, Int64]], watches: Int64, before: Int64, after: Int64, value: Float64, score: Float64
) -> list[Change]:
    found = []
    for verb, which, when_us in told:
        for row in which.nonzero()[0].tolist():
            onset = before[row] if before[row] != NEVER else after[row]
            since_us = int(onset) if verb is Verb.RAISE else int(before[row])
            found.append(
                Change(int(watches[row]), verb, int(when_us[row]), since_us, float(value[row]), float(score[row]))
            )
    return found


@dataclass(slots=True)
class _Once:
    """The rows of a single turn: taken from the state, given to the patch."""

    state: State
    patch: Patch
    slot_busy: Bool  # one a reading

    def rows(self, group: int, which: Int64) -> NDArray[np.void]:
        """Copies of a detector's rows."""
        return self.state.rows[group].take(which)

    def put_rows(self, group: int, which: Int64, rows: NDArray[np.void]) -> None:
        """What became of them."""
        self.patch.rows.append((group, which, rows))

    def maybe_busy(self, reading: Int64) -> Bool:
        """Which watches of these readings may not be idle."""
        return self.slot_busy[reading]

    def busy(self, watches: Int64) -> Bool:
        """Which of the watches are not idle."""
        held = self.state.latch
        busy: Bool = held.active[watches] | (held.samples[watches] > 0)
        return busy

    def latch(self, watches: Int64) -> Latch:
        """A copy of the watches' rows."""
        return self.state.latch.take(watches)

    def put_latch(self, watches: Int64, part: Latch) -> None:
        """What became of them."""
        self.patch.watches, self.patch.latch = watches, part

    def note_busy(self, reading: Int64) -> None:
        """The slots of these readings have watches that are not idle."""
        self.patch.readings["busy"][reading] = True


@dataclass(slots=True)
class _Copies:
    """The rows of several turns: copied once from the state, changed turn by turn, and then given to the patch."""

    state: State
    watches: Int64  # in any order
    _order: Int64 = field(init=False)
    _latch: Latch = field(init=False)
    _touched: Bool = field(init=False)
    _which: list[Int64] = field(init=False)
    _rows: list[NDArray[np.void]] = field(init=False)

    def __post_init__(self) -> None:
        plan = self.state.plan
        self._order = np.argsort(self.watches)
        self._latch = self.state.latch.take(self.watches)
        self._touched = np.zeros(len(self.watches), np.bool_)
        group = plan.group[self.watches]
        # Ascending, so that a turn finds its rows among them by bisection.
        self._which = [
            np.sort(plan.group_row[self.watches[group == number]]).astype(np.intp) for number in range(len(GROUPS))
        ]
        self._rows = [rows.take(which) for rows, which in zip(self.state.rows, self._which, strict=True)]

    def rows(self, group: int, which: Int64) -> NDArray[np.void]:
        """Copies of a detector's rows."""
        return self._rows[group].take(np.searchsorted(self._which[group], which))

    def put_rows(self, group: int, which: Int64, rows: NDArray[np.void]) -> None:
        """What became of them."""
        put(self._rows[group], np.searchsorted(self._which[group], which), rows)

    def maybe_busy(self, reading: Int64) -> Bool:
        """Which watches of these readings may not be idle: any."""
        return np.ones(len(reading), np.bool_)

    def busy(self, watches: Int64) -> Bool:
        """Which of the watches are not idle."""
        place = self._place(watches)
        busy: Bool = self._latch.active[place] | (self._latch.samples[place] > 0)
        return busy

    def latch(self, watches: Int64) -> Latch:
        """A copy of the watches' rows."""
        return self._latch.take(self._place(watches))

    def put_latch(self, watches: Int64, part: Latch) -> None:
        """What became of them."""
        place = self._place(watches)
        self._latch.put(place, part)
        self._touched[place] = True

    def note_busy(self, reading: Int64) -> None:
        """Told by all_busy at the end."""

    def _place(self, watches: Int64) -> Int64:
        """Where among all the watches these stand."""
        place: Int64 = self._order[np.searchsorted(self.watches, watches, sorter=self._order)]
        return place

    def all_busy(self) -> Bool:
        """Which of all the watches are not idle."""
        busy: Bool = self._latch.active | (self._latch.samples > 0)
        return busy

    def into(self, patch: Patch) -> None:
        """Give everything to `patch`."""
        touched = np.flatnonzero(self._touched)
        patch.watches, patch.latch = self.watches[touched], self._latch.take(touched)
        patch.rows = [
            (number, which, rows)
            for number, (which, rows) in enumerate(zip(self._which, self._rows, strict=True))
            if number != _SETPOINT and len(which)
        ]
