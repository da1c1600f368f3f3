"""Further fires on one panel: what a fire panel says of detectors that nobody has registered, while its alert stands.

They share the panel's point, which is 1 already, so no rule sees anything new. Each joins the alert under a name of its
own, "fire.panel/1.1.2.77", as a further rule would: the alert's course names every one, once, and which are known is in
the log alone. They leave it together with the rule: one detector that is normal again says nothing of the others.
"""

from collections.abc import Iterable
from typing import Any, Final

from alerting import evidence
from alerting.alert import Alert, AlertEvent, Condition, Key, Source, Verb, engine_event, fold
from alerting.engine import Notes, Patch, State
from alerting.rules import Rule
from ingest.reading import to_us
from ingest.registry import Device

OF: Final = "/"  # between a rule and the place; no rule's own id has one
PLACES_MAX: Final = 100  # in one alert


def begin(state: State, patch: Patch, notes: Notes) -> list[AlertEvent]:
    """The events of the fires among `notes` that the open alert of their panel does not know, folded into `patch`."""
    events: list[AlertEvent] = []
    for (point_id, at_us), note in notes.items():
        said: dict[str, Any] = note.get("panel") or {}
        if said.get("component_type") is None:  # a system or the device itself: a detector tells more
            continue
        point = state.plan.registry.points.get(point_id)
        device = None if point is None else state.plan.registry.devices[point.device_id]
        if point is None or device is None or device.behind_panel:
            continue
        for rule in state.plan.rule_set.rules:
            standing = _standing(state, patch, device, rule) if rule.quantity == point.quantity else None
            name = f"{rule.id}{OF}{said['place']}"
            if standing is None or _known(standing, name, said["place"]):
                continue
            source = Source(device.institution_id, device.zone_id, device.id)
            condition = Condition(name, rule.kind, rule.priority, rule.latching)
            told = {**evidence.of_rule(rule, value=1.0, score=1.0, since_us=at_us), **note}
            event = engine_event(standing.id, Verb.RAISE, at_us, at_us, source, condition, told)
            patch.alerts[standing.key] = fold(standing, event)
            events.append(event)
    return events


def end(state: State, patch: Patch, cleared: Iterable[AlertEvent]) -> list[AlertEvent]:
    """The events with which the places leave an alert whose rule has been `cleared`, folded into `patch`."""
    events: list[AlertEvent] = []
    for event in cleared:
        standing = patch.alerts.get(event.key) or state.alerts.get(event.key)
        if event.verb is not Verb.CLEAR or standing is None:
            continue
        for name in sorted(each for each in standing.rules if each.startswith(f"{event.rule}{OF}")):
            condition = Condition(name, event.kind, event.priority, event.latching)
            at_us, onset_us = to_us(event.at), to_us(event.onset_at)
            left = engine_event(standing.id, Verb.CLEAR, at_us, onset_us, event.source, condition, event.evidence)
            standing = patch.alerts[event.key] = fold(standing, left)
            events.append(left)
    return events


def _standing(state: State, patch: Patch, device: Device, rule: Rule) -> Alert | None:
    """The open alert of the device in which `rule` holds."""
    key = Key(device.institution_id, device.id, rule.kind)
    found = patch.alerts.get(key) or state.alerts.get(key)
    return found if found is not None and found.open and rule.id in found.rules else None


def _known(standing: Alert, name: str, place: str) -> bool:
    first = standing.evidence.get("panel") or {}
    return first.get("place") == place or name in standing.rules or len(standing.rules) > PLACES_MAX
