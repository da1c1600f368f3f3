"""The condition of devices and institutions, told from their open alerts."""

import uuid
from datetime import UTC, datetime

import pytest

from alerting.alert import Alert, Kind, Priority, Source
from alerting.listing import OpenGroup
from dashboard.condition import Condition, of_devices, summarise

T0 = datetime(2026, 11, 22, tzinfo=UTC)


def group(kind, priority, *, whole=False, active=True, count=1):
    return OpenGroup(1, whole, kind, priority, active, count)


def open_alert(kind, priority, device_id, *, active=True):
    return Alert(
        id=uuid.uuid4(),
        source=Source(1, None, device_id),
        kind=kind,
        priority=priority,
        latching=False,
        active=active,
        acknowledged=False,
        latched=False,
        rules=frozenset(),
        version=1,
        occurrences=1,
        onset_at=T0,
        raised_at=T0,
        called_at=T0,
        evidence={},
    )


@pytest.mark.parametrize(
    ("groups", "condition", "offline_count"),
    [
        ([], Condition.NORMAL, 0),
        ([group(Kind.FIRE, Priority.HIGH)], Condition.ALARM, 0),
        ([group(Kind.SOS, Priority.CRITICAL, active=False)], Condition.ALARM, 0),  # nobody has looked yet
        ([group(Kind.ANOMALY, Priority.LOW)], Condition.WARNING, 0),
        ([group(Kind.POWER_LOSS, Priority.HIGH)], Condition.ALARM, 0),  # of people whom a machine keeps alive
        ([group(Kind.LOW_BATTERY, Priority.HIGH)], Condition.WARNING, 0),  # the equipment's trouble is no alarm
        ([group(Kind.OFFLINE, Priority.MEDIUM, count=2)], Condition.WARNING, 2),
        ([group(Kind.OFFLINE, Priority.MEDIUM, active=False, count=2)], Condition.WARNING, 0),  # back, not acknowledged
        ([group(Kind.OFFLINE, Priority.MEDIUM, count=4)], Condition.OFFLINE, 4),
        ([group(Kind.OFFLINE, Priority.HIGH, whole=True)], Condition.OFFLINE, 4),
        ([group(Kind.OFFLINE, Priority.HIGH, whole=True), group(Kind.FIRE, Priority.CRITICAL)], Condition.ALARM, 4),
    ],
)
def test_institutions(groups, condition, offline_count):
    summary = summarise(groups, 4)
    assert (summary.condition, summary.offline_count) == (condition, offline_count)


def test_open_alerts_are_counted_by_priority():
    summary = summarise(
        [group(Kind.FIRE, Priority.HIGH, count=2), group(Kind.CO, Priority.HIGH), group(Kind.ANOMALY, Priority.LOW)], 9
    )
    assert summary.open_alerts == {
        Priority.CRITICAL: 0, Priority.HIGH: 3, Priority.MEDIUM: 0, Priority.LOW: 1, Priority.ADVISORY: 0,
    }  # fmt: skip


def test_devices_share_the_silence_of_their_institution_but_not_its_alarms():
    alerts = [
        open_alert(Kind.FIRE, Priority.CRITICAL, 1),
        open_alert(Kind.OFFLINE, Priority.LOW, 2),
        open_alert(Kind.LOW_BATTERY, Priority.LOW, 3),
        open_alert(Kind.FIRE, Priority.CRITICAL, None),
    ]
    of, others = of_devices(alerts)
    assert of == {1: Condition.ALARM, 2: Condition.OFFLINE, 3: Condition.WARNING}
    assert others == Condition.NORMAL
    of, others = of_devices([*alerts, open_alert(Kind.OFFLINE, Priority.HIGH, None)])
    assert of == {1: Condition.ALARM, 2: Condition.OFFLINE, 3: Condition.OFFLINE}
    assert others == Condition.OFFLINE
