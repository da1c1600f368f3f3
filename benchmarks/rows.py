"""What has become a row, as any other connection sees it."""

import time
from collections.abc import Callable
from typing import Final

from benchmarks import fleet
from benchmarks.load import Load
from ingest.database import Connection

POLL_S: Final = 0.004
_LAST_POLL_S: Final = 0.02

Points = dict[str, dict[str, int]]  # topic → quantity → point id

# Rows by their key; the constant lower bound spares the older chunks.
_SEEN: Final = (
    "SELECT number"
    " FROM unnest(%(numbers)s::bigint[], %(points)s::int[], %(dues)s::bigint[]) AS wanted (number, point, due)"
    " WHERE EXISTS (SELECT FROM readings WHERE point_id = point"
    " AND measured_at = timestamptz 'epoch' + due * interval '1 us'"
    " AND measured_at >= timestamptz 'epoch' + %(since)s::bigint * interval '1 us')"
)
_COUNT: Final = (
    "SELECT count(*) FROM readings WHERE measured_at >= timestamptz 'epoch' + %s::bigint * interval '1 us'"
    " AND measured_at <= timestamptz 'epoch' + %s::bigint * interval '1 us' AND point_id = ANY(%s)"
)
_COUNT_ALL: Final = (
    "SELECT count(*) FROM readings WHERE measured_at >= timestamptz 'epoch' + %s::bigint * interval '1 us'"
    " AND measured_at <= timestamptz 'epoch' + %s::bigint * interval '1 us'"
)
_CALLING: Final = "SELECT DISTINCT devices.code FROM alerts JOIN devices ON devices.id = device_id WHERE open"
_POINTS: Final = "SELECT points.id, devices.code, quantity FROM points JOIN devices ON devices.id = device_id"


def points_by_topic(connection: Connection) -> Points:
    """The points of every device of the fleet, by its topic."""
    topics = {fleet.device_code(number): fleet.topic(number) for number in range(fleet.DEVICE_COUNT)}
    found: Points = {}
    for point_id, code, quantity in connection.execute(_POINTS):
        if topic := topics.get(code):
            found.setdefault(topic, {})[quantity] = point_id
    return found


def devices_at_rest(connection: Connection, count: int) -> tuple[int, ...]:
    """The first `count` devices that have no open alert, so that each can raise one. Raises ValueError."""
    calling = {code for (code,) in connection.execute(_CALLING)}
    found = [number for number in range(fleet.LOADED_COUNT) if fleet.device_code(number) not in calling][:count]
    if len(found) < count:
        raise ValueError(f"{count} devices are to raise an alert, and only {len(found)} have none")
    return tuple(found)


def seen(connection: Connection, load: Load, points: Points, numbers: list[int]) -> list[int]:
    """Which of the messages `numbers` are rows."""
    wanted = {
        "numbers": numbers,
        "points": [points[fleet.topic(load.device(number))][load.quantities[-1]] for number in numbers],
        "dues": [load.due_us(number) for number in numbers],
        "since": load.due_us(min(numbers)),
    }
    return [int(number) for (number,) in connection.execute(_SEEN, wanted)]


def last_seen_us(connection: Connection, load: Load, points: Points, wait_s_max: float) -> int:
    """When the last message of every connection was seen to be a row, or the wait was over, in µs since 1970.

    The order of a connection's messages is kept all the way, so nothing can be stored after them.
    """
    numbers = list(range(max(0, load.count - load.connections), load.count))
    deadline_us = load.last_us + int(wait_s_max * 1e6)
    while True:
        count, at_us = len(seen(connection, load, points, numbers)), time.time_ns() // 1000
        if count == len(numbers) or at_us > deadline_us:
            return at_us
        time.sleep(_LAST_POLL_S)


def latencies_ms(connection: Connection, load: Load, points: Points, wait_s_max: float) -> list[float]:
    """How long each message of a sparse `load` took from when it was due to when its row was first seen."""
    return arrivals_ms(load, lambda numbers: seen(connection, load, points, numbers), wait_s_max)


def arrivals_ms(load: Load, look: Callable[[list[int]], list[int]], wait_s_max: float) -> list[float]:
    """How long each message of a sparse `load` took from when it was due until `look`, asked for those that are
    missing, first named it.

    Looks every POLL_S, so the answer is too long by up to that and the question itself, never too short. What is not
    seen `wait_s_max` after the last was due is missing in the answer.
    """
    found: list[float] = []
    missing: set[int] = set()
    due = 0
    deadline_us = load.last_us + int(wait_s_max * 1e6)
    while (due < load.count or missing) and time.time_ns() // 1000 < deadline_us:
        before, due = due, load.due_count(time.time_ns() // 1000)
        missing.update(range(before, due))
        if missing:
            arrived, at_us = look(sorted(missing)), time.time_ns() // 1000
            found += [(at_us - load.due_us(number)) / 1000 for number in arrived]
            missing.difference_update(arrived)
        time.sleep(POLL_S)
    return found


def messages_stored(connection: Connection, load: Load, points: Points) -> int:
    """How many messages of `load` are whole in the table."""
    ids = [points[fleet.topic(device)][quantity] for device in load.devices for quantity in load.quantities]
    row = connection.execute(_COUNT, (load.start_us, load.last_us, ids)).fetchone()
    return int(row[0]) // len(load.quantities) if row else 0


def readings_stored(connection: Connection, load: Load, wanted: int, wait_s_max: float) -> tuple[int, int]:
    """(how many readings of the time of `load` are rows, when that was seen in µs since 1970): all `wanted`, or what
    was there when the wait was over."""
    deadline_us = load.last_us + int(wait_s_max * 1e6)
    while True:
        row = connection.execute(_COUNT_ALL, (load.start_us, load.last_us)).fetchone()
        count, at_us = int(row[0]) if row else 0, time.time_ns() // 1000
        if count >= wanted or at_us > deadline_us:
            return count, at_us
        time.sleep(_LAST_POLL_S)
