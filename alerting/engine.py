"""The judging core: readings in, events out, nothing else touched.

`step` and `tick` are pure: they answer with a verdict — events, and a patch of the rows they changed — and `adopt`
puts the patch into the state once the events are safe. A verdict that is never adopted leaves no trace. A batch with
several readings of a point is judged in turns, each one vectorised pass over at most one reading a point
(alerting/scoring.py).
"""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alerting import confirm, evidence, latch, scoring, supervise
from alerting.alert import AlertEvent, Condition, Kind, Source, Verb, alert_id, engine_event, fold, key_of
from alerting.confirm import Held, Standing
from alerting.engine_state import SLOT, Change, Patch, State, Verdict, adopt, carry_over
from alerting.latch import NEVER, Bool
from alerting.plan import Plan
from alerting.rules import Combination
from alerting.zone_conditions import ZoneConditions
from ingest.reading import GOOD, Int32, Int64, ReadingBatch

__all__ = [
    "INSTITUTION_OFFLINE_RULE", "OFFLINE_RULE", "Patch", "State", "Verdict", "adopt", "begin_now", "carry_over",
    "combine", "say", "step", "tick",
]  # fmt: skip

Notes = Mapping[tuple[int, int], Mapping[str, Any]]  # (point, when measured in µs) → evidence

_NO_NOTES: Final[Notes] = {}
OFFLINE_RULE: Final = "supervision.offline"
INSTITUTION_OFFLINE_RULE: Final = "supervision.institution"


def step(state: State, batch: ReadingBatch, notes: Notes = _NO_NOTES) -> Verdict:
    """Judge `batch`. Readings of unknown points, of doubtful quality, or no later than the last
    one of their point (duplicates and latecomers) are not judged, but show that their device lives, unless they are a
    gateway's word that it cannot be reached.

    `notes` say more of readings (by point and time of measurement); what one raises has them in its evidence."""
    plan = state.plan
    sites = _sites(plan, batch.point_id)
    known = sites["slot"] >= 0
    if not known.any():
        return Verdict([], Patch())
    if not known.all():
        batch, sites = batch.take(known), sites[known]
    patch = Patch(heard=_heard(plan, sites, batch))
    slot = sites["slot"].astype(np.intp)
    before = state.slots.take(slot)
    fresh = (batch.quality == GOOD) & np.isfinite(batch.value) & (batch.measured_at_us > before["last_us"])
    if not fresh.any():
        return Verdict([], patch)
    if not fresh.all():
        batch, sites, slot, before = batch.take(fresh), sites[fresh], slot[fresh], before[fresh]
    if _repeated(slot, len(plan.point_id)):
        changes = _judge_turns(state, patch, batch, sites)
    else:
        changes = _judge_once(state, patch, batch, sites, slot, before["busy"])
    return Verdict(_events(state, patch, changes, notes=notes), patch)


def _heard(plan: Plan, sites: NDArray[np.void], batch: ReadingBatch) -> tuple[Int32, Int64]:
    """The devices (rows) that readings at `sites` show to live, and when each was heard."""
    device, at_us = sites["device"], batch.received_at_us
    if plan.of_presence is None:
        return device, at_us
    lives = ~plan.of_presence[sites["slot"]] | (batch.value > 0)
    return (device, at_us) if lives.all() else (device[lives], at_us[lives])


def _sites(plan: Plan, point_id: Int32) -> NDArray[np.void]:
    """The site of each point; its slot is -1 where the point is unknown."""
    if len(point_id) and point_id.min() >= 0 and point_id.max() < len(plan.sites):
        return plan.sites.take(point_id)
    inside = (point_id >= 0) & (point_id < len(plan.sites))
    sites = plan.sites.take(np.where(inside, point_id, 0))
    sites["slot"][~inside] = -1
    return sites


def _repeated(slots: Int64, count: int) -> bool:
    """Whether one of `count` slots stands twice: then fewer are marked than there are marks."""
    marked = np.zeros(count, np.bool_)
    marked[slots] = True
    return bool(np.count_nonzero(marked) != len(slots))


def _judge_once(
    state: State, patch: Patch, batch: ReadingBatch, sites: NDArray[np.void], slot: Int64, busy: Bool
) -> list[Change]:
    """Judge `batch`, at most one reading of a slot."""
    patch.slots, patch.readings = slot, _latest(batch)
    return scoring.judge(state, patch, sites, busy, batch.value.astype(np.float64), batch.measured_at_us)


def _judge_turns(state: State, patch: Patch, batch: ReadingBatch, sites: NDArray[np.void]) -> list[Change]:
    """Judge `batch`, several readings of a slot, each slot's in the order of time and each time of it once."""
    slots = sites["slot"]
    order = np.lexsort((batch.measured_at_us, slots))
    at_us, slots = batch.measured_at_us[order], slots[order]
    again = np.r_[False, (slots[1:] == slots[:-1]) & (at_us[1:] == at_us[:-1])]
    batch, sites, slots = batch.take(order[~again]), sites[order[~again]], slots[~again]
    unique, first, row = np.unique(slots, return_index=True, return_inverse=True)
    patch.slots, patch.readings = unique, _latest(batch.take(np.r_[first[1:], len(slots)] - 1))
    turn, value = np.arange(len(slots)) - first[row], batch.value.astype(np.float64)
    return scoring.judge_in_turns(state, patch, sites, row, turn, value, batch.measured_at_us)


def _latest(batch: ReadingBatch) -> NDArray[np.void]:
    """What the state remembers of these readings."""
    latest = np.empty(len(batch), SLOT)
    latest["last_us"] = batch.measured_at_us
    latest["last_value"] = batch.value
    latest["skew_us"] = batch.received_at_us - batch.measured_at_us
    return latest


def tick(state: State, now_us: int, *, listening: bool, caught_up: bool) -> Verdict:
    """What time alone brings about: delays and holds that ran out, and silence. While we are not `listening` (no
    broker), silence says nothing about the devices; until we have `caught_up` with what was sent meanwhile, neither
    does a delay that seems to have run out: a reading that still waits may have ended it before."""
    plan = state.plan
    patch = Patch()
    events = _events(state, patch, _expire(state, patch, now_us), now_us) if caught_up else []
    presence = state.presence
    if listening != state.listening:
        patch.listening = listening
        presence = presence.listening_again(now_us)
    if listening:
        presence, silence = supervise.supervise(plan, presence, now_us)
        events += _silence_events(state, patch, silence, now_us)
    patch.presence = presence
    return Verdict(events, patch)


def _expire(state: State, patch: Patch, now_us: int) -> list[Change]:
    """Delays and holds that have run out by `now_us`; the watches' new rows go into `patch`."""
    plan = state.plan
    busy = state.latch.busy()
    if not len(busy):
        return []
    working = state.latch.take(busy)
    # Delays run by the clock of the device, which stands behind ours by its skew, network included.
    told = latch.expire(working, plan.limits(busy), now_us - state.skew_us[plan.slot[busy]])
    rows = np.flatnonzero(told[0][1] | told[1][1])
    changes = []
    if len(rows):
        patch.watches, patch.latch = busy[rows], working.take(rows)
    for verb, which, due_us in told:
        for row in np.flatnonzero(which).tolist():
            watch = int(busy[row])
            value = float(state.last_value[plan.slot[watch]])
            since_us, score = int(state.latch.since_us[watch]), float(working.score[row])
            changes.append(Change(watch, verb, int(due_us[row]), since_us, value, score))
    return changes


def begin_now(state: State, patch: Patch, watches: NDArray[Any], now_us: int) -> list[AlertEvent]:
    """Events that say of `watches`, whose conditions hold already, that they hold; into `patch` go the alerts."""
    plan, events = state.plan, []
    for watch in watches.tolist():
        since_us = int(state.latch.beyond_us[watch])
        value = float(state.last_value[plan.slot[watch]])
        change = Change(watch, Verb.RAISE, now_us, since_us, value, float(state.latch.score[watch]))
        events += _rule_event(state, patch, change)
    return events


def _events(
    state: State, patch: Patch, changes: Iterable[Change], now_us: int | None = None, notes: Notes = _NO_NOTES
) -> list[AlertEvent]:
    """Events of the changes in an order that does not depend on the order of devices in the batch, with those of the
    combinations they make or break; at a tick (`now_us`) those whose delay has run out, too."""
    plan, zones = state.plan, ZoneConditions(state, patch)
    events = []
    # Stable: what began first ends first. Among the rules of a point the file's order counts.
    for change in sorted(changes, key=lambda each: (each.at_us, plan.slot[each.watch], plan.rule[each.watch])):
        if not plan.counts[plan.rule[change.watch]]:
            events += _rule_event(state, patch, change, notes)
            continue
        zone = plan.zone_of(change.watch)
        events += _run_out(state, patch, zones, zone, change.at_us)
        events += _rule_event(state, patch, change, notes)
        events += _recombine(state, patch, zones, change.watch, change.verb, change.at_us)
    if now_us is not None:
        for zone in _zones_waiting(state):
            events += _run_out(state, patch, zones, zone, now_us - _skew_us(state, zone))
    return events


def _zones_waiting(state: State) -> list[int]:
    """The zones (rows) in which something stands alone and will count as the whole in time: of all that stands, and in
    the morning that is much, nothing else is brought about by time."""
    delayed = {each.id: each for each in state.plan.rule_set.combinations if each.alone_delay_s}
    if not delayed:
        return []
    waiting = {
        zone_id
        for (zone_id, name), standing in state.standing.items()
        if name in delayed
        and zone_id in state.plan.registry.zones
        and confirm.due_us(delayed[name], standing) is not None
    }
    return sorted(int(np.searchsorted(state.plan.zone_id, zone_id)) for zone_id in waiting)


def _run_out(state: State, patch: Patch, zones: ZoneConditions, zone: int, until_us: int) -> list[AlertEvent]:
    """What time has brought about in a zone's combinations by `until_us`."""
    events = []
    for due_us, watch, verb in zones.due(zone, until_us):
        events += _stood_alone(state, patch, zones, zone, due_us)
        events += _recombine(state, patch, zones, watch, verb, due_us)
    return events + _stood_alone(state, patch, zones, zone, until_us)


def _recombine(
    state: State, patch: Patch, zones: ZoneConditions, watch: int, verb: Verb, at_us: int
) -> list[AlertEvent]:
    """What the change of a watch makes of its zone's combinations."""
    plan, events = state.plan, []
    zone, rule = plan.zone_of(watch), plan.rule_of(watch).id
    zones.change(zone, watch, verb)
    held = zones.held(zone)
    for combination in plan.rule_set.combinations:
        if rule in combination.rules:
            after = confirm.judge(combination, _standing(state, patch, zone, combination), held, at_us)
            events += combine(state, patch, zone, combination, after, held, at_us)
    return events


def _rule_event(state: State, patch: Patch, change: Change, notes: Notes = _NO_NOTES) -> list[AlertEvent]:
    rule = state.plan.rule_of(change.watch)
    if rule.sign:
        return []
    source = _device_source(state.plan, int(state.plan.device[state.plan.slot[change.watch]]))
    since_us = change.since_us if change.since_us != NEVER else change.at_us
    told = evidence.of_rule(rule, value=change.value, score=change.score, since_us=since_us)
    if notes and change.verb is Verb.RAISE:
        told |= notes.get((int(state.plan.point_id[state.plan.slot[change.watch]]), change.at_us), {})
    return say(state, patch, source, rule.condition, change.verb, change.at_us, since_us, told)


def _standing(state: State, patch: Patch, zone: int, combination: Combination) -> Standing | None:
    place = int(state.plan.zone_id[zone]), combination.id
    return patch.standing[place] if place in patch.standing else state.standing.get(place)


def _stood_alone(state: State, patch: Patch, zones: ZoneConditions, zone: int, until_us: int) -> list[AlertEvent]:
    """Events of the zone's combinations that have stood alone for their delay by `until_us`."""
    events = []
    for combination in state.plan.rule_set.combinations:
        before = _standing(state, patch, zone, combination)
        due_us = None if before is None else confirm.due_us(combination, before)
        if before is not None and due_us is not None and due_us <= until_us:
            after = confirm.stood_alone(before)
            events += combine(state, patch, zone, combination, after, zones.held(zone), due_us)
    return events


def _skew_us(state: State, zone: int) -> int:
    """How far the clocks of the zone's devices stand behind ours, the network included: of the points that count."""
    slots = state.plan.slot[state.plan.members(zone)]
    heard = slots[state.last_us[slots] != NEVER]
    return int(np.median(state.skew_us[heard])) if len(heard) else 0


def combine(
    state: State,
    patch: Patch,
    zone: int,
    combination: Combination,
    after: Standing | None,
    held: list[Held],
    at_us: int,
) -> list[AlertEvent]:
    """Let `combination` stand as `after` in the zone (row) from `at_us` on: into `patch`, and the event if it began or
    ended to hold as a whole."""
    plan = state.plan
    before = _standing(state, patch, zone, combination)
    if after != before:
        patch.standing[int(plan.zone_id[zone]), combination.id] = after
    held_before = before is not None and before.reason is not None
    held_now = after is not None and after.reason is not None
    carrier = after if held_now else before
    if held_before == held_now or carrier is None:
        return []
    row = int(np.searchsorted(plan.device_id, carrier.device_id))
    if row == len(plan.device_id) or plan.device_id[row] != carrier.device_id:
        return []
    rules = {rule.id: rule for rule in plan.rule_set.rules}
    members = [
        (plan.registry.devices[each.device_id].name, rules[each.rule].title_zh, rules[each.rule].title_en)
        for each in held
        if each.rule in combination.rules
    ]
    alone = carrier.reason is confirm.Reason.ALONE
    told = evidence.of_combination(combination, members, since_us=carrier.since_us, alone=alone)
    verb = Verb.RAISE if held_now else Verb.CLEAR
    return say(state, patch, _device_source(plan, row), combination.condition, verb, at_us, carrier.since_us, told)


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
            events += say(state, patch, source, whole, verb, now_us, since_us, told)
    for rows, verb in ((silence.device_lost, Verb.RAISE), (silence.device_back, Verb.CLEAR)):
        for row in rows.tolist():
            since_us = int(silence.quiet_since_us[row])
            told = evidence.of_silence(
                quiet_since_us=since_us,
                limit_s=int(plan.offline_us[row]) / 1e6,
                supervision=supervision,
                whole_institution=False,
            )
            events += say(state, patch, _device_source(plan, row), single, verb, now_us, since_us, told)
    return events


def _device_source(plan: Plan, row: int) -> Source:
    device = plan.registry.devices[int(plan.device_id[row])]
    return Source(device.institution_id, device.zone_id, device.id)


def say(
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
    key = key_of(source, condition.kind)
    standing = patch.alerts.get(key) or state.alerts.get(key)
    if standing is not None and not standing.open:
        standing = None
    if verb is Verb.CLEAR and (standing is None or condition.rule not in standing.rules):
        return []
    number: uuid.UUID = standing.id if standing is not None else alert_id(key, onset_us)
    event = engine_event(number, verb, at_us, onset_us, source, condition, told)
    patch.alerts[key] = fold(standing, event)
    return [event]
