"""A world with very many open alerts."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from alerting import store
from alerting.alert import Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event
from ingest.reading import to_us

MANY: Final = 10_000
_HOMES: Final = 40
_KINDS: Final = (
    (Kind.SOS, Priority.HIGH), (Kind.OFFLINE, Priority.MEDIUM), (Kind.LOW_BATTERY, Priority.LOW),
    (Kind.SENSOR_FAULT, Priority.MEDIUM), (Kind.ANOMALY, Priority.ADVISORY),
)  # fmt: skip
_REGISTRY: Final = (
    "WITH homes AS (INSERT INTO institutions (code, name, name_en, kind, region)"
    " SELECT 'many-' || n, '第 ' || n || ' 养老院', 'Home ' || n, 'nursing_home', '220322'"
    " FROM generate_series(1, %(homes)s) n RETURNING id),"
    " zones AS (INSERT INTO zones (institution_id, code, name, kind, floor)"
    " SELECT id, 'room', '房间', 'bedroom', 1 FROM homes RETURNING id, institution_id)"
    " INSERT INTO devices (institution_id, zone_id, code, name, kind, report_interval_s)"
    " SELECT institution_id, id, 'd-' || n, '设备 ' || n, 'multi', 60 FROM zones, generate_series(1, %(each)s) n"
    " RETURNING id, institution_id, zone_id"
)


def fill(connection: psycopg.Connection[Any], count: int) -> list[str]:
    """`count` open alerts of five kinds, in the caller's transaction; their ids in the order the desk shows them."""
    each = -(-count // (_HOMES * len(_KINDS)))
    devices = connection.execute(_REGISTRY.encode(), {"homes": _HOMES, "each": each}).fetchall()
    start = datetime.now(UTC) - timedelta(days=1)
    events, places = [], []
    for number, (device, home, zone) in enumerate(devices):
        for step, (kind, priority) in enumerate(_KINDS):
            if len(events) == count:
                break
            at_us = to_us(start + timedelta(seconds=number * len(_KINDS) + step))
            key = Key(home, device, kind)
            event = engine_event(
                alert_id(key, at_us), Verb.RAISE, at_us, at_us, Source(home, zone, device),
                Condition("r", kind, priority, latching=True), {"value": 1.5},
            )  # fmt: skip
            events.append(event)
            places.append((list(Priority).index(priority), -at_us, str(event.alert_id)))
    for begin in range(0, len(events), 1000):
        store.append(connection, events[begin : begin + 1000])
    return [number for *_, number in sorted(places)]
