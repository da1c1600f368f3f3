"""The plan: registry × rules compiled to arrays, so that judging a batch needs no look-up by name.

A *slot* is a point's row, a *watch* a point under one rule; the watches of a slot stand together. Watches of one
detector are numbered again within their *group*, where the detector keeps its state. Slots with the same rules share a
*profile*, whose rules are its *lines*: the watches of one line stand in the order of their slots, at even distances, so
that where a watch is can be worked out from its line and its slot. What depends on the rule or the line alone stands
once: such tables stay in the processor's cache, and a reading touches one row of `sites` for all the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect import DETECTORS
from alerting.detect.detector import Columns
from alerting.latch import Limits
from alerting.rules import Rule, RuleSet
from ingest.reading import Int16, Int32, Int64
from ingest.registry import Registry

GROUPS: Final = tuple(DETECTORS)
SETPOINT: Final = "setpoint"
PRESENCE: Final = "alive"  # the quantity by which a gateway says whether it reaches a device
# What a reading needs to know of its point, side by side: the slot (-1 where there is no such point), the device's row,
# the profile, and how many slots of the same profile stand before it. Sixteen bytes, which numpy gathers fastest.
SITE: Final = np.dtype([("slot", "i4"), ("device", "i4"), ("profile", "i4"), ("nth", "i4")])


@dataclass(frozen=True, slots=True)
class Group:
    """The watches of one detector: how many there are, and its parameters by rule; of length 1 where all of its rules
    agree."""

    count: int
    parameters: Columns

    def parameters_of(self, rule: NDArray[Any]) -> Columns:
        """The parameters for watches of these rules."""
        return {name: column if len(column) == 1 else column[rule] for name, column in self.parameters.items()}


@dataclass(frozen=True, slots=True)
class Lines:
    """The rules of every profile, profile after profile: those with a detector that must see every reading first, then
    the plain setpoints. A slot's row within the group of line l is group_first[l] + nth · group_step[l]."""

    rule: Int64
    group: NDArray[np.int8]
    group_first: Int64
    group_step: Int64


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about points, devices and institutions that judging needs, as arrays.

    slots: point_id int32[s] ascending, device, watch_first int32[s] (rows); of_presence bool[s]: whether a 0 says that
    the device is out of reach, None where no slot's does. sites: SITE by point id. profiles:
    line_first, line_count and scored_count int64[p], of its lines those that must see every reading; the most sensitive
    setpoint above, below.
    watches: slot int32[w], rule (row of `rules`) int16[w], group int8[w], group_row int32[w].
    devices: device_id, institution, zone (row) int32[d], offline_us int64[d]. institutions: institution_id int32[i].
    zones: zone_id int32[z]; the watches whose rules count in a combination stand together by zone in `member`, those of
    zone z from member_first[z] to member_first[z + 1].
    """

    registry: Registry
    rule_set: RuleSet
    point_id: Int32
    sites: NDArray[np.void]
    device: Int32
    watch_first: Int32
    of_presence: NDArray[np.bool_] | None
    line_first: Int64
    line_count: Int64
    scored_count: Int64
    lines: Lines
    setpoint_above: NDArray[np.float64]
    setpoint_below: NDArray[np.float64]
    slot: Int32
    rule: Int16
    group: NDArray[np.int8]
    group_row: Int32
    limits_by_rule: Limits
    sign_by_rule: NDArray[np.float64]  # 1 where the alarm lies above the setpoint, -1 where below
    groups: tuple[Group, ...]
    member: Int32
    member_first: Int64
    counts: NDArray[np.bool_]  # by rule: whether it counts in a combination
    zone_id: Int32
    device_id: Int32
    zone: Int32
    institution: Int32
    offline_us: Int64
    institution_id: Int32
    institution_offline_us: Int64

    @property
    def slot_of_point(self) -> Int32:
        """The slot by point id; -1 where there is no such point."""
        return self.sites["slot"]

    @property
    def watch_total(self) -> int:
        """How many watches there are."""
        return len(self.slot)

    def rule_of(self, watch: int) -> Rule:
        """The rule of a watch."""
        return self.rule_set.rules[int(self.rule[watch])]

    def limits(self, watches: NDArray[Any]) -> Limits:
        """The limits of `watches`."""
        return self.limits_by_rule.take(self.rule[watches])

    def members(self, zone: int) -> Int32:
        """The watches of a zone (row) whose rules count in a combination."""
        return self.member[int(self.member_first[zone]) : int(self.member_first[zone + 1])]

    def zone_of(self, watch: int) -> int:
        """The zone (row) of a watch."""
        return int(self.zone[self.device[self.slot[watch]]])

    def reach_us(self) -> Int64:
        """How far back readings matter to each watch: its on-delay and its detector's memory."""
        by_rule = [
            int((rule.on_delay_s + DETECTORS[rule.detector].memory_s(rule.parameters)) * 1e6)
            for rule in self.rule_set.rules
        ]
        return np.array(by_rule, np.int64)[self.rule]

    def watch_keys(self) -> list[tuple[int, str]]:
        """(point id, rule id) of every watch: what a watch is called from one plan to the next."""
        ids = [rule.id for rule in self.rule_set.rules]
        points = self.point_id[self.slot].tolist()
        return [(point, ids[rule]) for point, rule in zip(points, self.rule.tolist(), strict=True)]


def expand(count: NDArray[Any], first: NDArray[Any]) -> tuple[Int64, Int64]:
    """For each row its run of `count` numbers from `first` on: (row, number), run after run.

    >>> expand(np.array([2, 0, 1]), np.array([10, 20, 30]))
    (array([0, 0, 2]), array([10, 11, 30]))
    """
    row = np.repeat(np.arange(len(count)), count)
    end = np.cumsum(count)
    return row, np.arange(len(row)) + (first - (end - count))[row]


def compile_plan(registry: Registry, rule_set: RuleSet) -> Plan:
    """The plan for `registry` under `rule_set`."""
    points = sorted(registry.points.values(), key=lambda point: point.id)
    devices = sorted(registry.devices.values(), key=lambda device: device.id)
    institutions = sorted(registry.institutions)
    device_row = {device.id: row for row, device in enumerate(devices)}
    institution_row = {number: row for row, number in enumerate(institutions)}

    applying: dict[tuple[str, str, str], list[int]] = {}
    profile_of: dict[tuple[str, str, str], int] = {}
    profile = np.zeros(len(points), np.int64)
    for slot, point in enumerate(points):
        device = registry.devices[point.device_id]
        place = (
            registry.institutions[device.institution_id].kind, registry.zones[device.zone_id].kind, point.quantity
        )  # fmt: skip
        if place not in applying:
            rows = [row for row, rule in enumerate(rule_set.rules) if rule.applies_to(*place)]
            applying[place] = sorted(rows, key=lambda row: (rule_set.rules[row].detector == SETPOINT, row))
            profile_of[place] = len(profile_of)
        profile[slot] = profile_of[place]

    point_id = np.array([point.id for point in points], np.int32)
    device_of = np.array([device_row[point.device_id] for point in points], np.int32)
    of_presence = np.array([point.quantity == PRESENCE for point in points], np.bool_)
    line_count = np.array([len(rows) for rows in applying.values()], np.int64)
    line_first = np.cumsum(line_count) - line_count
    lines = _lines(rule_set, list(applying.values()), np.bincount(profile, minlength=len(applying)))
    watch_count = line_count[profile]
    nth = _nth(profile)
    sites = _sites(point_id, device_of, profile, nth)
    slot_of, line = expand(watch_count, line_first[profile])
    rule, group = lines.rule[line].astype(np.int16), lines.group[line]
    group_row = (lines.group_first[line] + nth[slot_of] * lines.group_step[line]).astype(np.int32)
    zones = sorted(registry.zones)
    zone_row = {number: row for row, number in enumerate(zones)}
    zone = np.array([zone_row[each.zone_id] for each in devices], np.int32)
    counts = np.array([any(each.id in one.rules for one in rule_set.combinations) for each in rule_set.rules], np.bool_)
    member, member_first = _members(np.flatnonzero(counts[rule]), zone[device_of[slot_of]], len(zones))
    institution = np.array([institution_row[each.institution_id] for each in devices], np.int32)
    offline_us = _offline_us(rule_set, np.array([each.report_interval_s for each in devices], np.float64))
    # What is behind a fire panel speaks only when something is the matter; the panel itself watches over it.
    offline_us[[each.behind_panel for each in devices]] = np.iinfo(np.int64).max
    return Plan(
        registry=registry,
        rule_set=rule_set,
        point_id=point_id,
        sites=sites,
        device=device_of,
        watch_first=(np.cumsum(watch_count) - watch_count).astype(np.int32),
        of_presence=of_presence if of_presence.any() else None,
        line_first=line_first,
        line_count=line_count,
        scored_count=_scored_count(rule_set, applying),
        lines=lines,
        setpoint_above=_most_sensitive(rule_set, applying, above=True),
        setpoint_below=_most_sensitive(rule_set, applying, above=False),
        slot=slot_of.astype(np.int32),
        rule=rule,
        group=group,
        group_row=group_row,
        limits_by_rule=_limits(rule_set.rules),
        sign_by_rule=np.array([1.0 if each.above else -1.0 for each in rule_set.rules]),
        groups=_groups(rule_set, group),
        member=member,
        member_first=member_first,
        counts=counts,
        zone_id=np.array(zones, np.int32),
        device_id=np.array([each.id for each in devices], np.int32),
        zone=zone,
        institution=institution,
        offline_us=offline_us,
        institution_id=np.array(institutions, np.int32),
        institution_offline_us=_institution_offline_us(rule_set, registry, institutions),
    )


def _scored_count(rule_set: RuleSet, applying: Mapping[Any, list[int]]) -> Int64:
    """Of each profile, how many of its rules have a detector that must see every reading."""
    return np.array(
        [sum(rule_set.rules[row].detector != SETPOINT for row in rows) for rows in applying.values()], np.int64
    )


def _most_sensitive(rule_set: RuleSet, applying: Mapping[Any, list[int]], *, above: bool) -> NDArray[np.float64]:
    """Of each profile, the setpoint that is met first from within; infinitely far where it has none on that side."""
    best, far = (min, np.inf) if above else (max, -np.inf)
    return np.array(
        [
            best(
                (
                    float(np.float32(rule.raise_at))
                    for rule in (rule_set.rules[row] for row in rows)
                    if rule.detector == SETPOINT and rule.above is above
                ),
                default=far,
            )
            for rows in applying.values()
        ]
    )


def _members(watches: Int64, zone: Int32, zone_count: int) -> tuple[Int32, Int64]:
    """`watches` by the zone they stand in (`zone`, one row a watch of the plan), and where each zone's begin."""
    zone = zone[watches]
    order = np.argsort(zone, kind="stable")
    first = np.searchsorted(zone[order], np.arange(zone_count + 1)).astype(np.int64)
    return watches[order].astype(np.int32), first


def _limits(rules: tuple[Rule, ...]) -> Limits:
    def column(values: list[Any], dtype: Any) -> NDArray[Any]:
        return np.array(values, dtype)

    # Readings are float4, in the table as here: a setpoint of 0.7 must be met by a reading of 0.7.
    return Limits(
        raise_at=column([float(np.float32(each.raise_at)) for each in rules], np.float64),
        clear_at=column([float(np.float32(each.clear_at)) for each in rules], np.float64),
        above=column([each.above for each in rules], np.bool_),
        on_delay_us=column([each.on_delay_s * 1e6 for each in rules], np.int64),
        off_delay_us=column([each.off_delay_s * 1e6 for each in rules], np.int64),
        hold_us=column([each.hold_s * 1e6 for each in rules], np.int64),
        samples_min=column([each.samples_min for each in rules], np.int32),
    )


def _lines(rule_set: RuleSet, applying: Sequence[Sequence[int]], slots: Int64) -> Lines:
    """The lines of profiles to which these rules apply, and of which there are so many slots."""
    rule = np.array([row for rows in applying for row in rows], np.int64)
    profile = np.repeat(np.arange(len(applying)), [len(rows) for rows in applying])
    by_rule = np.array([GROUPS.index(each.detector) for each in rule_set.rules], np.int8)
    group = by_rule[rule]
    group_first, group_step = np.zeros(len(rule), np.int64), np.zeros(len(rule), np.int64)
    for number in range(len(GROUPS)):
        mine = np.flatnonzero(group == number)
        step = np.bincount(profile[mine], minlength=len(applying))
        first = np.cumsum(slots * step) - slots * step
        # A slot's watches of the group stand side by side, in the order of its lines.
        group_first[mine] = first[profile[mine]] + _nth(profile[mine])
        group_step[mine] = step[profile[mine]]
    return Lines(rule, group, group_first, group_step)


def _nth(profile: Int64) -> Int64:
    """How many of the same profile stand before each.

    >>> _nth(np.array([0, 1, 0, 0, 1]))
    array([0, 0, 1, 2, 1])
    """
    order = np.argsort(profile, kind="stable")
    count = np.bincount(profile)
    nth = np.empty(len(profile), np.int64)
    nth[order] = np.arange(len(profile)) - np.repeat(np.cumsum(count) - count, count)
    return nth


def _sites(point_id: Int32, device: Int32, profile: Int64, nth: Int64) -> NDArray[np.void]:
    sites = np.zeros(int(point_id[-1]) + 1 if len(point_id) else 1, SITE)
    sites["slot"] = -1
    sites["slot"][point_id] = np.arange(len(point_id))
    for name, column in (("device", device), ("profile", profile), ("nth", nth)):
        sites[name][point_id] = column
    return sites


def _groups(rule_set: RuleSet, group: NDArray[np.int8]) -> tuple[Group, ...]:
    groups = []
    for number, name in enumerate(GROUPS):
        mine = [each for each in rule_set.rules if each.detector == name]
        parameters = {
            each: np.array([other.parameters.get(each, 0.0) for other in rule_set.rules])
            if len({other.parameters[each] for other in mine}) > 1
            else np.array([other.parameters[each] for other in mine[:1]])
            for each in DETECTORS[name].parameters
        }
        groups.append(Group(int(np.count_nonzero(group == number)), parameters))
    return tuple(groups)


def _offline_us(rule_set: RuleSet, interval_s: NDArray[np.float64]) -> Int64:
    supervision = rule_set.supervision
    limit_us: Int64 = (np.maximum(supervision.s_min, supervision.intervals * interval_s) * 1e6).astype(np.int64)
    return limit_us


def _institution_offline_us(rule_set: RuleSet, registry: Registry, institutions: list[int]) -> Int64:
    """When an institution counts as silent; never (the largest int) where it has too few devices to tell."""
    supervision = rule_set.supervision
    intervals: dict[int, list[int]] = {number: [] for number in institutions}
    for device in registry.devices.values():
        intervals[device.institution_id].append(device.report_interval_s)
    never = np.iinfo(np.int64).max
    limits = [
        int(max(supervision.institution_s_min, 2 * min(each)) * 1e6)
        if len(each) >= supervision.institution_devices_min
        else never
        for each in intervals.values()
    ]
    return np.array(limits, np.int64)
