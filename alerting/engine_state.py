"""What the engine remembers, and the patch that turns one moment's memory into the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from alerting.alert import Alert, AlertEvent, Key, Verb
from alerting.confirm import Standing
from alerting.detect import DETECTORS
from alerting.detect.detector import Columns
from alerting.latch import NEVER, Latch
from alerting.plan import GROUPS, Plan
from alerting.supervise import Presence
from ingest.reading import Float32, Int32, Int64

Place = tuple[int, str]  # a zone's id and a combination's
Stray = tuple[Key, str]  # the place of an alarm that no point stands for, and its rule (alerting/unclaimed.py)
_K = TypeVar("_K")
_V = TypeVar("_V")


SLOT: Final = np.dtype([("last_us", "i8"), ("skew_us", "i8"), ("last_value", "f4"), ("busy", "?")], align=True)


@dataclass(slots=True)
class State:
    """All that the engine remembers; sized by the plan, never by the stream.

    Columns that are always used together lie side by side, a record a row, so that a row is one access to memory:
    slots: SLOT[s], see the properties. rows: of each detector, the columns it asked for, one row a watch.
    told_us: one row a zone; up to when time's part in its combinations has been told. standing: the combinations of
    which some rule holds.
    """

    plan: Plan
    slots: NDArray[np.void]
    latch: Latch
    rows: tuple[NDArray[np.void], ...]
    presence: Presence
    told_us: Int64
    listening: bool = True
    standing: dict[Place, Standing] = field(default_factory=dict)
    alerts: dict[Key, Alert] = field(default_factory=dict)  # the open ones
    strays_us: dict[Stray, int] = field(default_factory=dict)  # when such an alarm last came; no more than are open

    @classmethod
    def begin(cls, plan: Plan, now_us: int) -> "State":
        """A state that has seen nothing, listening since `now_us`."""
        slots = np.zeros(len(plan.point_id), SLOT)
        slots["last_us"] = NEVER
        return cls(
            plan,
            slots,
            Latch.begin(plan.watch_total),
            tuple(
                _records(DETECTORS[name].begin(group.count), group.count)
                for name, group in zip(GROUPS, plan.groups, strict=True)
            ),
            Presence.begin(plan, now_us),
            np.full(len(plan.zone_id), NEVER, np.int64),
        )

    @property
    def last_us(self) -> Int64:
        """When the last reading judged of each slot was measured, NEVER where there was none."""
        return self.slots["last_us"]

    @property
    def last_value(self) -> Float32:
        """What it said."""
        return self.slots["last_value"]

    @property
    def skew_us(self) -> Int64:
        """How far its arrival lay behind it."""
        return self.slots["skew_us"]

    @property
    def busy(self) -> NDArray[np.bool_]:
        """False only where all watches of the slot are idle."""
        return self.slots["busy"]

    @property
    def detectors(self) -> tuple[Columns, ...]:
        """The detectors' columns."""
        return tuple(columns(rows) for rows in self.rows)


def _records(begun: Columns, count: int) -> NDArray[np.void]:
    """A detector's columns side by side; the widest first, and each row a whole number of words: numpy works through
    columns that straddle words by copying them first."""
    names = sorted(begun, key=lambda name: -begun[name].itemsize)
    rows = np.zeros(count, np.dtype([(name, begun[name].dtype) for name in names], align=True))
    for name in names:
        rows[name] = begun[name]
    return rows


def put(into: NDArray[np.void], which: NDArray[np.integer], rows: NDArray[np.void]) -> None:
    """Write `rows` over those of `into`. As plain bytes: numpy copies records field by field."""
    plain = np.dtype((np.void, into.itemsize))
    into.view(plain).put(which, rows.view(plain))


def columns(rows: NDArray[np.void]) -> Columns:
    """The columns of records, as views of them."""
    return {name: rows[name] for name in rows.dtype.names or ()}


@dataclass(slots=True)
class Patch:
    """Changed rows of a state: `readings` is one row a slot of `slots`, the latch one a watch of `watches`. None where
    nothing of that sort changed."""

    slots: NDArray[np.integer] | None = None
    readings: NDArray[np.void] = field(default_factory=lambda: np.empty(0, SLOT))
    watches: NDArray[np.integer] | None = None
    latch: Latch | None = None
    rows: list[tuple[int, Int64, NDArray[np.void]]] = field(default_factory=list)  # detector, which rows, the rows
    heard: tuple[Int32, Int64] | None = None  # device rows, and when each was heard
    presence: Presence | None = None
    listening: bool | None = None
    told_us: dict[int, int] = field(default_factory=dict)  # by zone (row)
    standing: dict[Place, Standing | None] = field(default_factory=dict)  # None: nothing of it holds any more
    alerts: dict[Key, Alert] = field(default_factory=dict)
    strays_us: dict[Stray, int | None] = field(default_factory=dict)  # None: it is over


@dataclass(slots=True)
class Verdict:
    """What was decided: the events, in order, and the patch that makes them the engine's own past."""

    events: list[AlertEvent]
    patch: Patch


class Change(NamedTuple):
    """A watch whose condition began or ended; `since_us` is when it began to be beyond its setpoint."""

    watch: int
    verb: Verb
    at_us: int
    since_us: int
    value: float
    score: float


def carry_over(before: State, after: State) -> None:
    """Give `after`, a fresh state of another plan, what `before` remembers of the points, watches and devices that both
    know: a change of rules or registry forgets nothing else."""
    old, new = before.plan, after.plan
    _, was, now = np.intersect1d(old.point_id, new.point_id, assume_unique=True, return_indices=True)
    after.slots[now] = before.slots[was]
    row_of = {key: row for row, key in enumerate(old.watch_keys())}
    pairs = [(row_of[key], row) for row, key in enumerate(new.watch_keys()) if key in row_of]
    if pairs:
        was, now = np.array(pairs, np.int64).T
        after.latch.put(now, before.latch.take(was))
        _carry_detectors(before, after, was, now)
        mark_busy(after)
    _, was, now = np.intersect1d(old.device_id, new.device_id, assume_unique=True, return_indices=True)
    after.presence.seen_us[now] = before.presence.seen_us[was]
    after.presence = replace(after.presence, since_us=before.presence.since_us)
    after.listening = before.listening
    _, was, now = np.intersect1d(old.zone_id, new.zone_id, assume_unique=True, return_indices=True)
    after.told_us[now] = before.told_us[was]
    after.standing = dict(before.standing)
    after.strays_us = dict(before.strays_us)


def mark_busy(state: State) -> None:
    """Say of every slot with a watch that is not idle that it is busy, after the latch was changed by other than a
    patch."""
    state.busy[state.plan.slot[state.latch.busy()]] = True


def _carry_detectors(before: State, after: State, was: Int64, now: Int64) -> None:
    """The detectors' rows of watches `was` to `now`, where the rule still asks for the same detector."""
    old, new = before.plan, after.plan
    same = old.group[was] == new.group[now]
    for number in range(len(GROUPS)):
        chosen = same & (new.group[now] == number)
        after.rows[number][new.group_row[now[chosen]]] = before.rows[number][old.group_row[was[chosen]]]


def adopt(state: State, patch: Patch) -> None:
    """Put `patch` into `state`, in place."""
    if patch.slots is not None:
        put(state.slots, patch.slots, patch.readings)
    if patch.watches is not None and patch.latch is not None:
        state.latch.put(patch.watches, patch.latch)
    for group, which, rows in patch.rows:
        put(state.rows[group], which, rows)
    if patch.presence is not None:
        state.presence = patch.presence
    if patch.heard is not None:
        _hear(state.presence.seen_us, *patch.heard)
    if patch.listening is not None:
        state.listening = patch.listening
    for zone, told_us in patch.told_us.items():
        state.told_us[zone] = told_us
    _replace(state.standing, patch.standing)
    _replace(state.strays_us, patch.strays_us)
    _replace(state.alerts, {key: alert if alert.open else None for key, alert in patch.alerts.items()})


def _replace(held: dict[_K, _V], changed: Mapping[_K, _V | None]) -> None:
    """Put what changed into `held`; None takes away."""
    for key, value in changed.items():
        if value is None:
            held.pop(key, None)
        else:
            held[key] = value


def _hear(seen_us: Int64, device: Int32, at_us: Int64) -> None:
    """The latest of what was known and what was heard. The readings of a message stand together and are one hearing. Of
    several times for one device numpy keeps any when it assigns, so what is later than what was kept is assigned until
    nothing is."""
    if not len(device):
        return
    begins = np.ones(len(device), np.bool_)
    np.not_equal(device[1:], device[:-1], out=begins[1:])
    first = begins.nonzero()[0]
    device, at_us = device[first].astype(np.intp), np.maximum.reduceat(at_us, first)
    later = (at_us > seen_us[device]).nonzero()[0]
    while len(later):
        seen_us[device[later]] = at_us[later]
        later = later[at_us[later] > seen_us[device[later]]]
