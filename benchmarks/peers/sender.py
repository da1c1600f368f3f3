"""Sends a trial's traffic over a broker's restart, in a process of its own: what is not confirmed goes out again."""

import time
from multiprocessing.connection import Connection
from typing import Any, Final
from uuid import uuid4

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.peers.traffic import Post
from ingest.mqtt import Address

CONFIRMED_S_MAX: Final = 60.0
TICK_S: Final = 0.002


def send(mqtt_url: str, posts: tuple[Post, ...], result: Connection) -> None:
    """Send each when it is due, at QoS 1; answers with how many the broker did not confirm in time."""
    address = Address.parse(mqtt_url)
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=f"peers-{uuid4().hex}", clean_session=False, protocol=paho.MQTTv311
    )
    client.username_pw_set(address.username, address.password)
    client.max_inflight_messages_set(5000)
    client.reconnect_delay_set(1, 1)
    client.connect(address.host, address.port)
    client.loop_start()
    confirmed = 0

    def on_publish(*_: Any) -> None:
        nonlocal confirmed
        confirmed += 1

    client.on_publish = on_publish
    for post in posts:
        while time.time_ns() // 1000 < post.due_us:
            time.sleep(TICK_S)
        client.publish(post.topic, post.payload, qos=1)  # also while the broker is away: it is kept for later
    deadline_s = time.monotonic() + CONFIRMED_S_MAX
    while confirmed < len(posts) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    result.send(len(posts) - confirmed)
    client.disconnect()
    client.loop_stop()
