"""Scoring: a batch of readings through the detectors and the latch, a vectorised pass over at most one reading a point.

Readings of a point that come together are judged in turns. Each turn gathers the rows it touches from the state (or,
after the first, from the copies it has made), scores them detector by detector, and looks closer only where a watch is
not idle or its score is beyond the setpoint: of a thousand watches perhaps one.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerting import latch
from alerting.alert import Verb
from alerting.detect import DETECTORS
from alerting.detect.detector import Columns, Float64
from alerting.engine_state import Change, Patch, State
from alerting.latch import NEVER, Bool, Int64, Latch
from alerting.plan import GROUPS

_SETPOINT = GROUPS.index("setpoint")


def judge(state: State, patch: Patch, slots: NDArray[Any], value: Float64, at_us: Int64) -> list[Change]:
    """Score and latch at most one reading a slot of `slots`; the rows that changed go into `patch`."""
    count = state.plan.watch_count[slots]
    reading, watches = expand(count, state.plan.watch_first[slots])
    return _turn(_Once(state, patch), watches, reading, value, at_us)


def judge_in_turns(
    state: State, patch: Patch, slots: NDArray[Any], row: Int64, turn: Int64, value: Float64, at_us: Int64
) -> list[Change]:
    """The same for readings of which `row` says which of `slots` they belong to, and `turn` in which turn they come."""
    plan = state.plan
    count = plan.watch_count[slots]
    _, watches = expand(count, plan.watch_first[slots])
    first = np.cumsum(count) - count
    work = _Copies(state, watches)
    changes: list[Change] = []
    for number in range(int(turn.max()) + 1):
        chosen = np.flatnonzero(turn == number)
        reading, place = expand(count[row[chosen]], first[row[chosen]])
        work.at(place)
        changes += _turn(work, watches[place], chosen[reading], value, at_us)
    work.into(patch)
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
    group = plan.group[watches]
    order = np.argsort(group, kind="stable")
    bounds = np.r_[0, np.cumsum(np.bincount(group, minlength=len(GROUPS)))]
    score = value[reading]  # the score of a setpoint is the value; the other detectors write theirs over it
    for number, name in enumerate(GROUPS):
        place = order[bounds[number] : bounds[number + 1]]
        if number == _SETPOINT or not len(place):
            continue
        rows = plan.group_row[watches[place]].astype(np.intp)
        columns = work.columns(number, rows)
        of = reading[place]
        parameters = plan.groups[number].parameters_of(rule[place])
        score[place] = DETECTORS[name].score(columns, parameters, at_us[of], value[of])
        work.put_columns(number, rows, columns)
    sign = plan.sign_by_rule  # turns "at or below" into "at or above"
    beyond = score * sign[rule] >= (plan.limits_by_rule.raise_at * sign)[rule]
    todo = np.flatnonzero(beyond | work.busy(watches))
    if not len(todo):
        return []
    part = work.latch(watches, todo)
    before, of = part.since_us, reading[todo]
    told = latch.update(part, plan.limits(watches[todo]), at_us[of], score[todo])
    work.put_latch(watches, todo, part)
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

    def columns(self, group: int, rows: Int64) -> Columns:
        """Copies of a detector's rows."""
        return {name: column[rows] for name, column in self.state.detectors[group].items()}

    def put_columns(self, group: int, rows: Int64, columns: Columns) -> None:
        """What became of them."""
        self.patch.detectors.append((group, rows, columns))

    def busy(self, watches: Int64) -> Bool:
        """Which watches are not idle."""
        held = self.state.latch
        busy: Bool = held.active[watches] | (held.samples[watches] > 0)
        return busy

    def latch(self, watches: Int64, todo: Int64) -> Latch:
        """A copy of the watches' rows."""
        return self.state.latch.take(watches[todo])

    def put_latch(self, watches: Int64, todo: Int64, part: Latch) -> None:
        """What became of them."""
        self.patch.watches, self.patch.latch = watches[todo], part


@dataclass(slots=True)
class _Copies:
    """The rows of several turns: copied once from the state, changed turn by turn, and then given to the patch."""

    state: State
    watches: Int64
    _latch: Latch = field(init=False)
    _touched: Bool = field(init=False)
    _columns: list[Columns] = field(init=False)
    _rows: list[Int64] = field(init=False)
    _place: Int64 = field(init=False)  # the rows of this turn among the copies

    def __post_init__(self) -> None:
        plan = self.state.plan
        self._latch = self.state.latch.take(self.watches)
        self._touched = np.zeros(len(self.watches), np.bool_)
        group = plan.group[self.watches]
        # Ascending, so that a turn finds its rows among them by bisection.
        self._rows = [np.sort(plan.group_row[self.watches[group == number]]).astype(np.intp) for number in range(len(GROUPS))]
        self._columns = [
            {name: column[rows] for name, column in self.state.detectors[number].items()}
            for number, rows in enumerate(self._rows)
        ]

    def at(self, place: Int64) -> None:
        """The turn is about these rows."""
        self._place = place

    def columns(self, group: int, rows: Int64) -> Columns:
        """Copies of a detector's rows."""
        place = np.searchsorted(self._rows[group], rows)
        return {name: column[place] for name, column in self._columns[group].items()}

    def put_columns(self, group: int, rows: Int64, columns: Columns) -> None:
        """What became of them."""
        place = np.searchsorted(self._rows[group], rows)
        for name, column in columns.items():
            self._columns[group][name][place] = column

    def busy(self, watches: Int64) -> Bool:  # noqa: ARG002 - the turn knows its rows
        """Which watches are not idle."""
        busy: Bool = self._latch.active[self._place] | (self._latch.samples[self._place] > 0)
        return busy

    def latch(self, watches: Int64, todo: Int64) -> Latch:  # noqa: ARG002
        """A copy of the watches' rows."""
        return self._latch.take(self._place[todo])

    def put_latch(self, watches: Int64, todo: Int64, part: Latch) -> None:  # noqa: ARG002
        """What became of them."""
        self._latch.put(self._place[todo], part)
        self._touched[self._place[todo]] = True

    def into(self, patch: Patch) -> None:
        """Give everything to `patch`."""
        touched = np.flatnonzero(self._touched)
        patch.watches, patch.latch = self.watches[touched], self._latch.take(touched)
        patch.detectors = [
            (number, rows, columns)
            for number, (rows, columns) in enumerate(zip(self._rows, self._columns, strict=True))
            if columns and len(rows)
        ]
