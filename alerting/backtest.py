"""Backtest: what other rules would have made of the readings that are stored, beside what these make of them.

Both sets judge the same readings in the same order, each in an engine of its own that begins with nothing, as a service
does that has just been installed. Same readings, same rules, same answer, byte for byte.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from alerting.alert import AlertEvent, Kind, Priority, Verb
from alerting.engine import State, adopt, step, tick
from alerting.plan import compile_plan
from alerting.rules import RuleSet
from ingest.reading import ReadingBatch
from ingest.registry import Registry

TOGETHER_US: Final = 600 * 1_000_000
"""Alerts of a device and kind that begin within ten minutes of each other under the two sets are taken for the same."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that began: where, of what, how urgent it first was, by which rule, when (µs since 1970)."""

    device_id: int
    kind: Kind
    priority: Priority
    rule: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One alert under both sets; None where a set does not raise it."""

    before: Raised | None
    after: Raised | None

    @property
    def shift_s(self) -> float | None:
        """How much later it comes under the new set, in seconds; negative when it comes earlier."""
        if self.before is None or self.after is None:
            return None
        return (self.after.at_us - self.before.at_us) / 1e6


@dataclass(slots=True)
class Run:
    """An engine under one set of rules, and what it raised."""

    registry: Registry
    rules: RuleSet
    begin_us: int
    raised: list[Raised] = field(default_factory=list)
    _state: State = field(init=False)
    _holding: dict[tuple[int, Kind], set[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._state = State.begin(compile_plan(self.registry, self.rules), self.begin_us)

    def judge(self, readings: ReadingBatch, until_us: int) -> None:
        """Readings in the order of time, then time up to `until_us`. Silence is not judged: it is not stored."""
        verdict = step(self._state, readings)
        self._take(verdict.events)
        adopt(self._state, verdict.patch)
        verdict = tick(self._state, until_us, listening=False, caught_up=True)
        self._take(verdict.events)
        adopt(self._state, verdict.patch)

    def _take(self, events: Iterable[AlertEvent]) -> None:
        """Note what begins. Nobody resets or acknowledges anything here: an alert whose last condition is over makes
        room for the next."""
        for event in events:
            device_id = event.source.device_id
            if device_id is None or event.rule is None:
                continue
            holding = self._holding.setdefault((device_id, event.kind), set())
            if event.verb is Verb.CLEAR:
                holding.discard(event.rule)
                continue
            if not holding:
                at_us = round(event.at.timestamp() * 1_000_000)
                self.raised.append(Raised(device_id, event.kind, event.priority, event.rule, at_us))
            holding.add(event.rule)


def differences(before: Iterable[Raised], after: Iterable[Raised]) -> list[Difference]:
    """The alerts of both sets side by side, in the order of time; those that begin within TOGETHER_US of each other on
    a device and are of one kind are one."""
    waiting: dict[tuple[int, Kind], list[Raised]] = {}
    for each in sorted(after, key=_order):
        waiting.setdefault((each.device_id, each.kind), []).append(each)
    found = []
    for each in sorted(before, key=_order):
        others = waiting.get((each.device_id, each.kind), [])
        match = next((other for other in others if abs(other.at_us - each.at_us) <= TOGETHER_US), None)
        if match is not None:
            others.remove(match)
        found.append(Difference(each, match))
    found += [Difference(None, each) for others in waiting.values() for each in others]
    return sorted(found, key=lambda each: min(_order(one) for one in (each.before, each.after) if one is not None))


def _order(raised: Raised) -> tuple[int, int, str]:
    return raised.at_us, raised.device_id, raised.kind
