"""What was raised, beside what happened: which dangers were noticed and how soon, and what each false alarm came
from."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from alerting.alert import AlertEvent, Kind, Priority, Verb
from anhu.evaluate.report import Outcome, Quiet, Report
from ingest.registry import Registry
from simulators.fleet import Fleet
from simulators.physics.day import DAY_S
from simulators.physics.radio import Channel
from simulators.stream import Stream
from simulators.truth import Truth

REFRACTORY_S: Final = 300.0
"""An alarm of a kind counts once in so long on a device."""
AFTERWARDS_S: Final = 300.0
"""So long after an incident an alarm may still come from it."""
BATTERY_GOOD_S: Final = 180 * DAY_S
"""A battery that lasts longer is not low."""
DEVICE_YEAR_D: Final = 365.25

ALSO: Final[Mapping[str, frozenset[str]]] = {
    "fire": frozenset({"co"}), "smoulder": frozenset({"co"}), "stove_co": frozenset({"fire"}),
}  # fmt: skip
"""What a danger may raise besides the alarm that answers to it: no false alarm, and not counted as noticed."""

NUISANCE: Final[Mapping[str, frozenset[str]]] = {
    "steam": frozenset({"fire"}),
    "shower": frozenset({"fire"}),
    "burnt_food": frozenset({"fire", "co"}),
    "kneel": frozenset({"fall"}),
    "fall": frozenset({"fall"}),  # who is up again by themselves
}
"""What a false alarm of which kind may come from."""
UNEXPLAINED_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that began; *device* counts from 0 in the fleet's order and is None for a whole institution."""

    institution: str
    zone: str | None
    device: int | None
    kind: Kind
    priority: Priority
    rule: str
    at_s: float


@dataclass(slots=True)
class Alarms:
    """Events as they come, and the alarms that begin in them. Nobody resets or acknowledges here: where no rule holds
    any more the next one begins an alarm anew."""

    registry: Registry
    raised: list[Raised] = field(default_factory=list)
    _holding: dict[tuple[int, int | None, Kind], set[str]] = field(default_factory=lambda: defaultdict(set))
    _last_s: dict[tuple[int, int | None, Kind], float] = field(default_factory=dict)

    def take(self, events: Iterable[AlertEvent], start_us: int) -> None:
        """Note what begins."""
        for event in events:
            source = event.source
            if event.rule is None or source.institution_id is None:
                continue
            place = source.institution_id, source.device_id, event.kind
            holding = self._holding[place]
            if event.verb is Verb.CLEAR:
                holding.discard(event.rule)
                continue
            at_s = event.at.timestamp() - start_us / 1e6
            if not holding and at_s - self._last_s.get(place, -REFRACTORY_S) >= REFRACTORY_S:
                zone = None if source.zone_id is None else self.registry.zones[source.zone_id].code
                device = None if source.device_id is None else source.device_id - 1
                home = self.registry.institutions[source.institution_id].code
                self.raised.append(Raised(home, zone, device, event.kind, event.priority, event.rule, at_s))
            holding.add(event.rule)
            self._last_s[place] = at_s


@dataclass(frozen=True, slots=True)
class Answer:
    """What one alarm was: the danger it answers to, or else false, and from what."""

    raised: Raised
    answers: Truth | None
    false: bool
    cause: str


class Judge:
    """The ground truth by place, to look alarms up in."""

    def __init__(self, fleet: Fleet, stream: Stream) -> None:
        self._stream = stream
        self._codes = [each.device.code for each in fleet.devices()]
        self._by_zone: dict[tuple[str, str], list[Truth]] = defaultdict(list)
        self._outages: dict[str, list[Truth]] = defaultdict(list)
        for truth in stream.truths:
            incident = truth.incident
            if incident.kind == "outage":
                self._outages[incident.institution].append(truth)
            else:
                self._by_zone[incident.institution, incident.zone].append(truth)

    def answer(self, raised: Raised) -> Answer:
        """What *raised* was."""
        if raised.kind is Kind.LOW_BATTERY:
            return self._battery(raised)
        around = [truth for truth in self._around(raised) if _near(truth, raised)]
        for truth in around:
            if truth.wanted and truth.alarm == raised.kind:
                return Answer(raised, truth, false=False, cause=truth.incident.kind)
        for truth in around:
            if truth.wanted and raised.kind in ALSO.get(truth.incident.kind, ()):
                return Answer(raised, None, false=False, cause=truth.incident.kind)
        if raised.kind is Kind.OFFLINE:
            return Answer(raised, None, false=True, cause="radio")
        causes = [truth.incident.kind for truth in around if raised.kind in NUISANCE.get(truth.incident.kind, ())]
        cause = causes[0] if causes else "nothing"
        return Answer(raised, None, false=True, cause="fall, up again" if cause == "fall" else cause)

    def _around(self, raised: Raised) -> Iterator[Truth]:
        """What happened in the zone; of what silences a device, only what silenced this one."""
        if raised.zone is not None:
            for truth in self._by_zone[raised.institution, raised.zone]:
                own = raised.device is None or self._codes[raised.device] in truth.incident.devices
                if own or truth.alarm != "offline":
                    yield truth
        if raised.kind is Kind.OFFLINE:
            yield from self._outages[raised.institution]

    def _battery(self, raised: Raised) -> Answer:
        device = raised.device if raised.device is not None else -1
        left_s = self._stream.remaining_s(device) - raised.at_s
        truth = next((each for each in self._around(raised) if each.alarm == raised.kind and _near(each, raised)), None)
        low = left_s <= BATTERY_GOOD_S
        return Answer(raised, truth, false=not low, cause="low_battery" if low else "nothing")


def _near(truth: Truth, raised: Raised) -> bool:
    """Whether *raised* comes during *truth* or shortly after; a battery's warning may come as early as it likes."""
    if truth.alarm == Kind.LOW_BATTERY:
        return raised.kind is Kind.LOW_BATTERY and raised.at_s <= truth.incident.end_s
    return truth.incident.start_s <= raised.at_s <= truth.incident.end_s + AFTERWARDS_S


def report(
    fleet: Fleet, stream: Stream, raised: Sequence[Raised], *, days: int, readings: int, channel: Channel
) -> Report:
    """The figures."""
    judge = Judge(fleet, stream)
    answers = [judge.answer(each) for each in raised]
    first: dict[int, Raised] = {}
    for each in answers:
        if each.answers is not None:
            first.setdefault(id(each.answers), each.raised)
    wanted = [truth for truth in stream.truths if truth.wanted]
    outcomes = [_outcome(truth, first.get(id(truth))) for truth in wanted]
    false = [each for each in answers if each.false]
    hours = 24.0 * days * len(fleet.institutions)
    device_years = fleet.device_count * days / DEVICE_YEAR_D
    more = {
        "days": days,
        "institutions": len(fleet.institutions),
        "devices": fleet.device_count,
        "device_years": round(device_years, 4),
        "readings": readings,
        "radio_loss": round(channel.loss, 5),
        "false_alarms_per_device_year": round(len(false) / device_years, 4),
        "false_calls_per_device_year": round(sum(map(_calls, false)) / device_years, 4),
        "false_alarms_by_kind": _by_kind(false, device_years),
        "false_alarms_by_rule": dict(sorted(Counter(each.raised.rule for each in false).items())),
        "false_alarms_by_cause": dict(sorted(Counter(f"{each.raised.kind}: {each.cause}" for each in false).items())),
        "false_alarms_unexplained": [
            {
                "institution": each.raised.institution,
                "zone": each.raised.zone,
                "rule": each.raised.rule,
                "at_s": round(each.raised.at_s, 1),
            }
            for each in false
            if each.cause == "nothing"
        ][:UNEXPLAINED_MAX],
        "before_danger": _before_danger(wanted, first),
        "missed_incidents": [truth.as_record() for truth in wanted if id(truth) not in first],
        "unwanted_incidents": dict(
            sorted(Counter(truth.incident.kind for truth in stream.truths if not truth.wanted).items())
        ),
    }
    notes = [
        "everything is synthetic: physics with stated simplifications, dangers far more often than in life",
        "low_battery: the delay counts from 30 days before the end, when NFPA 72 wants the warning",
        "hours are institution-hours; a false alarm is any alert, also of a low priority, that no danger answers for",
    ]
    quiet = [Quiet("all", hours, len(false), synthetic=True)]
    return Report("sim", outcomes, quiet, notes, more)


def _outcome(truth: Truth, raised: Raised | None) -> Outcome:
    incident = truth.incident
    delay_s = None if raised is None else round(max(raised.at_s - incident.start_s, 0.0), 3)
    return Outcome(f"{incident.institution} {incident.zone} {incident.start_s:g}", incident.kind, delay_s)


def _calls(each: Answer) -> bool:
    return each.raised.priority in {Priority.CRITICAL, Priority.HIGH}


def _by_kind(false: Iterable[Answer], device_years: float) -> dict[str, dict[str, Any]]:
    """Of each kind of alert how many were false, also per device-year, and how many of them call people at once."""
    counted = Counter(each.raised.kind for each in false)
    calling = Counter(each.raised.kind for each in false if _calls(each))
    return {
        str(kind.value): {
            "count": counted[kind],
            "per_device_year": round(counted[kind] / device_years, 4),
            "calling_at_once": calling[kind],
        }
        for kind in Kind
        if counted[kind]
    }


def _before_danger(wanted: Iterable[Truth], first: Mapping[int, Raised]) -> dict[str, dict[str, Any]]:
    """By kind of incident, of those that became dangerous: how many were noticed before, and how long in the median."""
    found: dict[str, list[float | None]] = defaultdict(list)
    for truth in wanted:
        if truth.dangerous_s is not None:
            raised = first.get(id(truth))
            found[truth.incident.kind].append(None if raised is None else truth.dangerous_s - raised.at_s)
    shown = {}
    for kind, leads in sorted(found.items()):
        known = [lead for lead in leads if lead is not None]
        shown[kind] = {
            "dangerous": len(leads),
            "noticed_before": sum(lead > 0 for lead in known),
            "median_lead_s": round(median(known), 1) if known else None,
        }
    return shown
