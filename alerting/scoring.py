"""Scoring: a batch of readings through the detectors and the latch, a vectorised pass over at most one reading a point.

Readings of a point that come together are judged in turns. Each turn gathers the rows it touches from the state (or,
after the first, from the copies it has made), scores them detector by detector, and looks closer only where a watch is
not idle or its score is beyond the setpoint: of a thousand watches perhaps one. The plain setpoints of a point are not
even touched while all its watches are idle and its value is within the most sensitive of them.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerting import latch
from alerting.alert import Verb
from alerting.detect import DETECTORS
from alerting.detect.detector import Float64
from alerting.engine_state import Change, Patch, State, columns, put
from alerting.latch import NEVER, Bool, Int64, Latch
from alerting.plan import GROUPS

_SETPOINT = GROUPS.index("setpoint")


def judge(state: State, patch: Patch, slots: NDArray[Any], value: Float64, at_us: Int64) -> list[Change]:
    """Score and latch at most one reading a slot of `slots`; the rows that changed go into `patch`."""
    plan = state.plan
    profile = plan.profile[slots].astype(np.intp)
    busy = state.busy[slots]
    near = (value >= plan.setpoint_above[profile]) | (value <= plan.setpoint_below[profile]) | busy
    count = np.where(near, plan.watch_count[profile], plan.scored_count[profile])
    reading, watches = expand(count, plan.watch_first[slots])
    patch.readings["busy"] = False
    return _turn(_Once(state, patch, busy), watches, reading, value, at_us)


def judge_in_turns(
    state: State, patch: Patch, slots: NDArray[Any], row: Int64, turn: Int64, value: Float64, at_us: Int64
) -> list[Change]:
    """The same for readings of which `row` says which of `slots` they belong to, and `turn` in which turn they come."""
    plan = state.plan
    count = plan.watch_count[plan.profile[slots]]
    slot_row, watches = expand(count, plan.watch_first[slots])
    first = np.cumsum(count) - count
    work = _Copies(state, watches)
    changes: list[Change] = []
    for number in range(int(turn.max()) + 1):
        chosen = np.flatnonzero(turn == number)
        reading, place = expand(count[row[chosen]], first[row[chosen]])
        work.at(place)
        changes += _turn(work, watches[place], chosen[reading], value, at_us)
    work.into(patch)
    patch.readings["busy"] = False
    patch.readings["busy"][slot_row[work.all_busy()]] = True
    return changes


def expand(count: NDArray[Any], first: NDArray[Any]) -> tuple[Int64, Int64]:
    """For each row its run of `count` numbers from `first` on: (row, number), run after run.

    >>> expand(np.array([2, 0, 1]), np.array([10, 20, 30]))
    (array([0, 0, 2]), array([10, 11, 30]))
    """
    row = np.repeat(np.arange(len(count)), count)
    end = np.cumsum(count)
    return row, np.arange(len(row)) + (first - (end - count))[row]


def _turn(work: "_Once | _Copies", watches: Int64, reading: Int64, value: Float64, at_us: Int64) -> list[Change]:
    """One turn. `watches` are those that have a reading, `reading` says which: a row of `value` and `at_us`."""
    plan = work.state.plan
    # numpy turns an index into intp each time it is used: these are used many times.
    rule = plan.rule[watches].astype(np.intp)
    group = plan.group_by_rule[rule]
    order = np.argsort(group, kind="stable")
    bounds = np.r_[0, np.cumsum(np.bincount(group, minlength=len(GROUPS)))]
    score = value[reading]  # the score of a setpoint is the value; the other detectors write theirs over it
    onset_us: Int64 | None = None  # where some detector knows it
    for number, name in enumerate(GROUPS):
        place = order[bounds[number] : bounds[number + 1]]
        if number == _SETPOINT or not len(place):
            continue
        which = plan.group_row[watches[place]].astype(np.intp)
        rows = work.rows(number, which)
        held, of = columns(rows), reading[place]
        state = dict(held)
        parameters = plan.groups[number].parameters_of(rule[place])
        score[place] = DETECTORS[name].score(state, parameters, at_us[of], value[of])
        if "onset_us" in state:
            onset_us = at_us[reading] if onset_us is None else onset_us
            onset_us[place] = state["onset_us"]
        for column, values in state.items():
            if values is not held[column]:
                rows[column] = values
        work.put_rows(number, which, rows)
    sign = plan.sign_by_rule  # turns "at or below" into "at or above"
    beyond = score * sign[rule] >= (plan.limits_by_rule.raise_at * sign)[rule]
    todo = np.flatnonzero(beyond | work.maybe_busy(reading))
    todo = todo[beyond[todo] | work.busy(watches, todo)]
    if not len(todo):
        return []
    part = work.latch(watches, todo)
    before, of = part.since_us, reading[todo]
    begun_us = None if onset_us is None else onset_us[todo]
    told = latch.update(part, plan.limits(watches[todo]), at_us[of], score[todo], begun_us)
    work.put_latch(watches, todo, part)
    work.note_busy(of[part.active | (part.samples > 0)])
    return _changes(told, watches[todo], before, part.since_us, value[of], score[todo])


def _changes(
    told: list[tuple[Verb, Bool, Int64]], watches: Int64, before: Int64, after: Int64, value: Float64, score: Float64
) -> list[Change]:
    found = []
    for verb, which, when_us in told:
        for row in np.flatnonzero(which).tolist():
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

    def busy(self, watches: Int64, todo: Int64) -> Bool:
        """Which of the watches are not idle."""
        held, chosen = self.state.latch, watches[todo]
        busy: Bool = held.active[chosen] | (held.samples[chosen] > 0)
        return busy

    def latch(self, watches: Int64, todo: Int64) -> Latch:
        """A copy of the watches' rows."""
        return self.state.latch.take(watches[todo])

    def put_latch(self, watches: Int64, todo: Int64, part: Latch) -> None:
        """What became of them."""
        self.patch.watches, self.patch.latch = watches[todo], part

    def note_busy(self, reading: Int64) -> None:
        """The slots of these readings have watches that are not idle."""
        self.patch.readings["busy"][reading] = True


@dataclass(slots=True)
class _Copies:
    """The rows of several turns: copied once from the state, changed turn by turn, and then given to the patch."""

    state: State
    watches: Int64
    _latch: Latch = field(init=False)
    _touched: Bool = field(init=False)
    _which: list[Int64] = field(init=False)
    _rows: list[NDArray[np.void]] = field(init=False)
    _place: Int64 = field(init=False)  # the rows of this turn among the copies

    def __post_init__(self) -> None:
        plan = self.state.plan
        self._latch = self.state.latch.take(self.watches)
        self._touched = np.zeros(len(self.watches), np.bool_)
        group = plan.group[self.watches]
        # Ascending, so that a turn finds its rows among them by bisection.
        self._which = [
            np.sort(plan.group_row[self.watches[group == number]]).astype(np.intp) for number in range(len(GROUPS))
        ]
        self._rows = [rows.take(which) for rows, which in zip(self.state.rows, self._which, strict=True)]

    def at(self, place: Int64) -> None:
        """The turn is about these rows."""
        self._place = place

    def rows(self, group: int, which: Int64) -> NDArray[np.void]:
        """Copies of a detector's rows."""
        return self._rows[group].take(np.searchsorted(self._which[group], which))

    def put_rows(self, group: int, which: Int64, rows: NDArray[np.void]) -> None:
        """What became of them."""
        put(self._rows[group], np.searchsorted(self._which[group], which), rows)

    def maybe_busy(self, reading: Int64) -> Bool:
        """Which watches of these readings may not be idle: any."""
        return np.ones(len(reading), np.bool_)

    def busy(self, watches: Int64, todo: Int64) -> Bool:  # noqa: ARG002 - the turn knows its rows
        """Which of the watches are not idle."""
        place = self._place[todo]
        busy: Bool = self._latch.active[place] | (self._latch.samples[place] > 0)
        return busy

    def latch(self, watches: Int64, todo: Int64) -> Latch:  # noqa: ARG002
        """A copy of the watches' rows."""
        return self._latch.take(self._place[todo])

    def put_latch(self, watches: Int64, todo: Int64, part: Latch) -> None:  # noqa: ARG002
        """What became of them."""
        self._latch.put(self._place[todo], part)
        self._touched[self._place[todo]] = True

    def note_busy(self, reading: Int64) -> None:
        """Told by all_busy at the end."""

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
