"""What the machine allows: a bare subscriber, and a bare pipe from the broker to the table. Each runs in a process of
its own and does no more than it must: nothing is checked, judged or survived."""

import time
from collections import deque
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple
from uuid import uuid4

import numpy as np
import orjson
import paho.mqtt.client as paho
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.copy_format import copy_rows
from ingest.mqtt import Address
from ingest.reading import ReadingBatch
from ingest.routes import SUBSCRIPTION

IDLE_S_MAX: Final = 8.0
RECEIVE_MAXIMUM: Final = 20_000  # as the service asks for
BATCH_S: Final = 0.02
BATCH_COUNT_MAX: Final = 5000
READY: Final = "ready"
COPY: Final = "COPY readings (measured_at, point_id, value, delay_ms, quality) FROM STDIN (FORMAT binary)"


def drain(mqtt_url: str, count: int, result: Connection) -> None:
    """Take `count` messages, acknowledging each at once; answers with (messages, seconds from first to last)."""
    taken, first_s, last_s = 0, 0.0, time.monotonic()

    def on_message(_client: paho.Client, _data: Any, _message: paho.MQTTMessage) -> None:
        nonlocal taken, first_s, last_s
        last_s = time.monotonic()
        if not taken:
            first_s = last_s
        taken += 1

    client = _subscriber(mqtt_url, on_message, result, manual_ack=False)
    while taken < count and time.monotonic() - last_s < IDLE_S_MAX:
        time.sleep(0.05)
    client.disconnect()
    client.loop_stop()
    result.send((taken, last_s - first_s))


def pipe(mqtt_url: str, database_url: str, points: dict[str, dict[str, int]], result: Connection) -> None:
    """paho → batches of 20 ms → numpy columns → binary COPY → acknowledgement, until `result` says so.

    `points`: topic → quantity → point id.
    """
    # Not the client's message itself: it drags so many objects along that the garbage collector halves the rate.
    inbox: deque[_Taken] = deque()

    def on_message(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        inbox.append(_Taken(message.topic, bytes(message.payload), time.time_ns() // 1000, message.mid))

    with psycopg.connect(database_url) as connection:
        client = _subscriber(mqtt_url, on_message, result, manual_ack=True)
        while not result.poll():
            time.sleep(BATCH_S)
            taken = [inbox.popleft() for _ in range(min(len(inbox), BATCH_COUNT_MAX))]
            if not taken:
                continue
            with connection.cursor().copy(COPY.encode()) as copy:
                copy.write(copy_rows(_columns(taken, points)))
            connection.commit()
            for message in taken:
                client.ack(message.packet_id, 1)
        client.disconnect()
        client.loop_stop()


class _Taken(NamedTuple):
    topic: str
    payload: bytes
    received_at_us: int
    packet_id: int


def _columns(taken: list[_Taken], points: dict[str, dict[str, int]]) -> ReadingBatch:
    point_id: list[int] = []
    value: list[float] = []
    at_us: list[int] = []
    received_us: list[int] = []
    for message in taken:
        document = orjson.loads(message.payload)
        values, known, measured_us = document["values"], points[message.topic], round(document["measured_at"] * 1e6)
        for quantity, number in values.items():
            point_id.append(known[quantity])
            value.append(number)
            at_us.append(measured_us)
            received_us.append(message.received_at_us)
    return ReadingBatch.build(point_id, at_us, received_us, value)


def _subscriber(mqtt_url: str, on_message: Any, result: Connection, *, manual_ack: bool) -> paho.Client:
    """A client that has subscribed, and said so."""
    address = Address.parse(mqtt_url)
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=f"bench-{uuid4().hex}", protocol=paho.MQTTv5, manual_ack=manual_ack
    )
    client.username_pw_set(address.username, address.password)
    client.on_message = on_message
    client.on_connect = lambda *_: _subscribe(client)
    client.on_subscribe = lambda *_: result.send(READY)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    client.connect(address.host, address.port, properties=properties)
    client.loop_start()
    return client


def _subscribe(client: paho.Client) -> None:
    client.subscribe(SUBSCRIPTION, qos=1)


def synthetic(start_us: int, point_ids: list[int], rounds: int) -> ReadingBatch:
    """`rounds` readings, a second apart, of every point, as they would arrive: time by time."""
    points = np.tile(np.asarray(point_ids, np.int32), rounds)
    at_us = np.repeat(start_us + np.arange(rounds, dtype=np.int64) * 1_000_000, len(point_ids))
    value = (20 + np.arange(len(points)) % 50 / 10).astype(np.float32)
    return ReadingBatch(points, at_us, at_us + 30_000, value, np.zeros(len(points), np.int16))
