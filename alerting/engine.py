"""The judging core: readings in, events out, nothing else touched.

`step` and `tick` are pure: they answer with a verdict — events, and a patch of the rows they changed — and `adopt`
puts the patch into the state once the events are safe. A verdict that is never adopted leaves no trace. A batch with
several readings of a point is judged in rounds, each one vectorised pass over at most one reading a point.
"""

import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerting import evidence, latch, supervise
from alerting.alert import Alert, AlertEvent, Condition, Key, Kind, Source, Verb, alert_id, engine_event, fold
from alerting.detect import DETECTORS
from alerting.detect.detector import Columns
from alerting.latch import NEVER, Latch
from alerting.plan import GROUPS, Plan
from alerting.supervise import Presence
from ingest.reading import GOOD, Int64, ReadingBatch

OFFLINE_RULE: Final = "supervision.offline"
INSTITUTION_OFFLINE_RULE: Final = "supervision.institution"


@dataclass(slots=True)
class State:
    """All that the engine remembers; sized by the plan, never by the stream.

    last_us, last_value, skew_us: one row a slot; the last reading judged, and how far its arrival lay behind it.
    """

    plan: Plan
    last_us: Int64
    last_value: NDArray[np.float32]
    skew_us: Int64
    latch: Latch
    detectors: tuple[Columns, ...]
    presence: Presence
    listening: bool = True
    alerts: dict[Key, Alert] = field(default_factory=dict)  # the open ones

    @classmethod
    def begin(cls, plan: Plan, now_us: int) -> "State":
        """A state that has seen nothing, listening since `now_us`."""
        slots = len(plan.point_id)
        return cls(
            plan,
            np.full(slots, NEVER, np.int64),
            np.zeros(slots, np.float32),
            np.zeros(slots, np.int64),
            Latch.begin(plan.watch_total),
            tuple(DETECTORS[name].begin(len(group.watch)) for name, group in zip(GROUPS, plan.groups, strict=True)),
            Presence.begin(plan, now_us),
        )


@dataclass(slots=True)
class Patch:
    """Changed rows of a state; `last_us` and its fellows are one row a slot of `slots`, the latch one a watch of
    `watches`. None where nothing of that sort changed."""

    slots: Int64 | None = None
    last_us: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    last_value: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    skew_us: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    watches: Int64 | None = None
    latch: Latch | None = None
    detectors: tuple[tuple[Int64, Columns], ...] = ()
    heard: tuple[NDArray[np.int32], Int64] | None = None  # device rows, and when each was heard
    presence: Presence | None = None
    listening: bool | None = None
    alerts: dict[Key, Alert] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """What was decided: the events, in order, and the patch that makes them the engine's own past."""

    events: list[AlertEvent]
    patch: Patch


class _Change(NamedTuple):
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
    for name in ("last_us", "last_value", "skew_us"):
        getattr(after, name)[now] = getattr(before, name)[was]
    row_of = {key: row for row, key in enumerate(old.watch_keys())}
    pairs = [(row_of[key], row) for row, key in enumerate(new.watch_keys()) if key in row_of]
    if pairs:
        was, now = np.array(pairs, np.int64).T
        after.latch.put(now, before.latch.take(was))
        _carry_detectors(before, after, was, now)
    _, was, now = np.intersect1d(old.device_id, new.device_id, assume_unique=True, return_indices=True)
    after.presence.seen_us[now] = before.presence.seen_us[was]
    after.presence = replace(after.presence, since_us=before.presence.since_us)
    after.listening = before.listening


def _carry_detectors(before: State, after: State, was: Int64, now: Int64) -> None:
    """The detectors' rows of watches `was` to `now`, where the rule still asks for the same detector."""
    old, new = before.plan, after.plan
    same = old.group[was] == new.group[now]
    for number in range(len(GROUPS)):
        chosen = same & (new.group[now] == number)
        for name, column in after.detectors[number].items():
            column[new.group_row[now[chosen]]] = before.detectors[number][name][old.group_row[was[chosen]]]


def adopt(state: State, patch: Patch) -> None:
    """Put `patch` into `state`, in place."""
    if patch.slots is not None:
        state.last_us[patch.slots] = patch.last_us
        state.last_value[patch.slots] = patch.last_value
        state.skew_us[patch.slots] = patch.skew_us
    if patch.watches is not None and patch.latch is not None:
        state.latch.put(patch.watches, patch.latch)
    for columns, (rows, changed) in zip(state.detectors, patch.detectors, strict=False):
        for name, values in changed.items():
            columns[name][rows] = values
    if patch.presence is not None:
        state.presence = patch.presence
    if patch.heard is not None:
        np.maximum.at(state.presence.seen_us, *patch.heard)
    if patch.listening is not None:
        state.listening = patch.listening
    for key, alert in patch.alerts.items():
        if alert.open:
            state.alerts[key] = alert
        else:
            state.alerts.pop(key, None)


def step(state: State, batch: ReadingBatch) -> Verdict:
    """Judge `batch`. Readings of unknown points, of doubtful quality, or no later than the last
    one of their point (duplicates and latecomers) are not judged, but show that their device lives."""
    plan = state.plan
    slot = _slots(plan, batch.point_id)
    known = slot >= 0
    patch = Patch(heard=(plan.device[slot[known]], batch.received_at_us[known]))
    at_us = batch.measured_at_us
    fresh = known & (batch.quality == GOOD)
    fresh[fresh] = at_us[fresh] > state.last_us[slot[fresh]]
    rows = np.flatnonzero(fresh)
    if not len(rows):
        return Verdict([], patch)
    rows = rows[np.lexsort((at_us[rows], slot[rows]))]
    repeated = np.r_[False, (slot[rows][1:] == slot[rows][:-1]) & (at_us[rows][1:] == at_us[rows][:-1])]
    rows = rows[~repeated]
    slots, first, inverse = np.unique(slot[rows], return_index=True, return_inverse=True)
    patch.slots = slots.astype(np.int64)
    latest = np.r_[first[1:], len(rows)] - 1
    patch.last_us = at_us[rows[latest]]
    patch.last_value = batch.value[rows[latest]]
    patch.skew_us = batch.received_at_us[rows[latest]] - patch.last_us
    changes = _judge(state, patch, batch.value[rows].astype(np.float64), at_us[rows], inverse, first)
    return Verdict(_events(state, patch, changes), patch)


def _slots(plan: Plan, point_id: NDArray[np.int32]) -> Int64:
    inside = (point_id >= 0) & (point_id < len(plan.slot_of_point))
    return np.where(inside, plan.slot_of_point[np.where(inside, point_id, 0)], -1).astype(np.int64)


def _judge(
    state: State, patch: Patch, value: NDArray[np.float64], at_us: Int64, slot_row: Int64, first: Int64
) -> list[_Change]:
    """Score and latch the readings, sorted by slot and time; `slot_row` is the row of a reading's slot in
    `patch.slots`, `first` the first reading of each. The watches' new rows go into `patch`."""
    plan, slots = state.plan, patch.slots
    if slots is None:
        return []
    count = plan.watch_count[slots]
    watches = np.repeat(plan.watch_first[slots] - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
    local_first = np.cumsum(count) - count
    patch.watches = watches
    patch.latch = working = state.latch.take(watches)
    limits = plan.limits.take(watches)
    group = plan.group[watches]
    members = [np.flatnonzero(group == number) for number in range(len(GROUPS))]
    rows = [plan.group_row[watches[each]] for each in members]
    columns = [
        {name: column[row] for name, column in state.detectors[number].items()} for number, row in enumerate(rows)
    ]
    place = np.zeros(len(watches), np.int64)
    for each in members:
        place[each] = np.arange(len(each))

    changes: list[_Change] = []
    nth = np.arange(len(slot_row)) - first[slot_row]
    for turn in range(int(nth.max()) + 1):
        reading = np.flatnonzero(nth == turn) if turn or int(nth.max()) else np.arange(len(slot_row))
        repeat = count[slot_row[reading]]
        of = np.repeat(reading, repeat)
        watch = np.repeat(local_first[slot_row[reading]] - (np.cumsum(repeat) - repeat), repeat) + np.arange(len(of))
        score = np.empty(len(watch))
        for number, name in enumerate(GROUPS):
            mine = np.flatnonzero(group[watch] == number)
            if len(mine):
                score[mine] = _score(
                    name, columns[number], plan.groups[number].parameters, rows[number], place[watch[mine]],
                    at_us[of[mine]], value[of[mine]],
                )  # fmt: skip
        before = working.since_us[watch]
        part = working.take(watch)
        told = latch.update(part, limits.take(watch), at_us[of], score)
        working.put(watch, part)
        for verb, which, when_us in told:
            for row in np.flatnonzero(which).tolist():
                onset = before[row] if before[row] != NEVER else part.since_us[row]
                since_us = int(onset) if verb is Verb.RAISE else int(before[row])
                reading = of[row]
                changes.append(
                    _Change(int(watches[watch[row]]), verb, int(when_us[row]), since_us, value[reading], score[row])
                )
    patch.detectors = tuple(zip(rows, columns, strict=True))
    return changes


def _score(
    name: str,
    columns: Columns,
    parameters: Columns,
    group_rows: Int64,
    place: Int64,
    at_us: Int64,
    value: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Scores of one detector's watches at `place` in the working `columns`, which are brought up to date."""
    part = {each: column[place] for each, column in columns.items()}
    chosen = {each: column[group_rows[place]] for each, column in parameters.items()}
    score = DETECTORS[name].score(part, chosen, at_us, value)
    for each, column in part.items():
        columns[each][place] = column
    return score


def tick(state: State, now_us: int, *, listening: bool, caught_up: bool) -> Verdict:
    """What time alone brings about: delays and holds that ran out, and silence. While we are not `listening` (no
    broker), silence says nothing about the devices; until we have `caught_up` with what was sent meanwhile, neither
    does a delay that seems to have run out: a reading that still waits may have ended it before."""
    plan = state.plan
    patch = Patch()
    events = _events(state, patch, _expire(state, patch, now_us)) if caught_up else []
    presence = state.presence
    if listening != state.listening:
        patch.listening = listening
        presence = presence.listening_again(now_us)
    if listening:
        presence, silence = supervise.supervise(plan, presence, now_us)
        events += _silence_events(state, patch, silence, now_us)
    patch.presence = presence
    return Verdict(events, patch)


def _expire(state: State, patch: Patch, now_us: int) -> list[_Change]:
    """Delays and holds that have run out by `now_us`; the watches' new rows go into `patch`."""
    plan = state.plan
    working = state.latch.take(np.arange(plan.watch_total))
    # Delays run by the clock of the device, which stands behind ours by its skew, network included.
    told = latch.expire(working, plan.limits, now_us - state.skew_us[plan.slot])
    rows = np.flatnonzero(told[0][1] | told[1][1])
    changes = []
    if len(rows):
        patch.watches, patch.latch = rows, working.take(rows)
    for verb, which, due_us in told:
        for row in np.flatnonzero(which).tolist():
            value = float(state.last_value[plan.slot[row]])
            since_us, score = int(state.latch.since_us[row]), float(working.score[row])
            changes.append(_Change(row, verb, int(due_us[row]), since_us, value, score))
    return changes


def begin_now(state: State, patch: Patch, watches: Int64, now_us: int) -> list[AlertEvent]:
    """Events that say of `watches`, whose conditions hold already, that they hold; into `patch` go the alerts."""
    changes = []
    for watch in watches.tolist():
        since_us = int(state.latch.beyond_us[watch])
        value = float(state.last_value[state.plan.slot[watch]])
        changes.append(_Change(watch, Verb.RAISE, now_us, since_us, value, float(state.latch.score[watch])))
    return _events(state, patch, changes)


def _events(state: State, patch: Patch, changes: list[_Change]) -> list[AlertEvent]:
    """Events of the changes in an order that does not depend on the order of devices in the batch."""
    plan = state.plan
    events = []
    for change in sorted(changes, key=lambda each: (each.at_us, each.watch)):  # stable: what began first ends first
        rule = plan.rule_of(change.watch)
        source = _device_source(plan, int(plan.device[plan.slot[change.watch]]))
        since_us = change.since_us if change.since_us != NEVER else change.at_us
        told = evidence.of_rule(rule, value=change.value, score=change.score, since_us=since_us)
        events += _say(state, patch, source, rule.condition, change.verb, change.at_us, since_us, told)
    return events


def _silence_events(state: State, patch: Patch, silence: supervise.Changes, now_us: int) -> list[AlertEvent]:
    plan, supervision = state.plan, state.plan.rule_set.supervision
    events: list[AlertEvent] = []
    whole = Condition(INSTITUTION_OFFLINE_RULE, Kind.OFFLINE, supervision.institution_priority, latching=False)
    single = Condition(OFFLINE_RULE, Kind.OFFLINE, supervision.priority, latching=False)
    for rows, verb in ((silence.institution_lost, Verb.RAISE), (silence.institution_back, Verb.CLEAR)):
        for row in rows.tolist():
            since_us = int(silence.institution_quiet_since_us[row])
            limit_s = int(plan.institution_offline_us[row]) / 1e6
            told = evidence.of_silence(
                quiet_since_us=since_us, limit_s=limit_s, supervision=supervision, whole_institution=True
            )
            source = Source(int(plan.institution_id[row]), None, None)
            events += _say(state, patch, source, whole, verb, now_us, since_us, told)
    for rows, verb in ((silence.device_lost, Verb.RAISE), (silence.device_back, Verb.CLEAR)):
        for row in rows.tolist():
            since_us = int(silence.quiet_since_us[row])
            told = evidence.of_silence(
                quiet_since_us=since_us,
                limit_s=int(plan.offline_us[row]) / 1e6,
                supervision=supervision,
                whole_institution=False,
            )
            events += _say(state, patch, _device_source(plan, row), single, verb, now_us, since_us, told)
    return events


def _device_source(plan: Plan, row: int) -> Source:
    device = plan.registry.devices[int(plan.device_id[row])]
    return Source(device.institution_id, device.zone_id, device.id)


def _say(
    state: State,
    patch: Patch,
    source: Source,
    condition: Condition,
    verb: Verb,
    at_us: int,
    onset_us: int,
    told: dict[str, Any],
) -> list[AlertEvent]:
    """The event, on the alert that is open in its place or on a new one; nothing where there is nothing to clear."""
    key = Key(source.institution_id, source.device_id, condition.kind)
    standing = patch.alerts.get(key) or state.alerts.get(key)
    if standing is not None and not standing.open:
        standing = None
    if verb is Verb.CLEAR and (standing is None or condition.rule not in standing.rules):
        return []
    number: uuid.UUID = standing.id if standing is not None else alert_id(key, onset_us)
    event = engine_event(number, verb, at_us, onset_us, source, condition, told)
    patch.alerts[key] = fold(standing, event)
    return [event]
