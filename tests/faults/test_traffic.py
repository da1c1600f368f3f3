"""Traffic that is too much, too late, too often or no good; and receivers that do not keep up."""

import math
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.formats import native
from ingest.mqtt import Address
from tests.acceptance.service import COOKIE
from tests.faults.plan import ALARMS_MAX, Stage, alarm_code, quiet_code
from tests.faults.stand import Stand, now_us
from tests.faults.trial import Trial
from tests.integration.providers import Request, Say, ok
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(600)

BASE_PER_S, MINUTE_S = 600.0, 60.0
ALARM_S_MAX = 10.0  # GB 50440: an alarm is shown within 10 s
SLOW_ANSWER_S = 30.0


def test_every_fifth_message_comes_twice(common: Stand) -> None:
    with Trial(common, "20 % redelivered", "f15", again_every=5) as trial:
        trial.under_way()
        trial.last(10)
    assert trial.journal.redelivered >= trial.journal.count // 5 - 2
    trial.outcome.note = f"{trial.journal.redelivered:,} messages were sent a second time"


def test_a_batch_that_is_an_hour_late(common: Stand) -> None:
    """A gateway that was cut off sends what it kept. Of a fire that began an hour ago people are told."""
    with Trial(common, "a batch that is an hour late", "f16", held_back_s=3600.0) as trial:
        trial.under_way()
        trial.last(10)


def test_ten_times_the_rate_for_a_minute(common: Stand) -> None:
    """Nothing is lost; and when the minute is over, alarms are as quick as before."""
    stages = (Stage(5, BASE_PER_S), Stage(MINUTE_S, 10 * BASE_PER_S), Stage(math.inf, BASE_PER_S))
    with Trial(common, "10 times the rate for a minute", "f17", stages=stages, alarms=60, alarm_every_s=15.0) as trial:
        trial.under_way()
        over_us = trial.plan.start_us + int((5 + MINUTE_S) * 1e6)
        wait_until(lambda: now_us() > over_us, "the minute is over", time_s_max=120, every_s=0.5)
        trial.goes_on()
        caught_up_us = now_us()
        trial.last(16)
    late_s = trial.page_s_max(caught_up_us)
    trial.outcome.note = (
        f"{trial.journal.count:,} messages in {(trial.journal.acknowledged_us[-1] - trial.plan.start_us) / 1e6:.0f} s;"
        f" afterwards an alarm took {late_s:.2f} s to the page"
    )
    assert late_s < ALARM_S_MAX


POISON = [
    ({"bad_json": 1}, b"\x00\xff\xfe random \x80\x81"),
    ({"bad_json": 1}, b"\xd7\x28 not UTF-8"),
    ({"bad_json": 1}, b""),
    ({"bad_json": 1}, b"{" * 30_000),
    ({"bad_json": 1}, b"[" * 30_000 + b"]" * 30_000),
    ({"bad_time": 1}, b'{"measured_at": NaN, "values": {"temperature": 21}}'),
    ({"bad_shape": 3}, b"[1, 2, 3]"),
    ({"bad_type": 1}, b'{"values": {"temperature": "hot"}}'),
    ({"too_large": 1}, b'{"values": {"temperature": ' + b"1" * 100_000 + b"}}"),
    ({"too_large": 1}, b"\xff" * 1_000_000),
]
ODD_TOPICS = [
    ({"bad_shape": 1}, "anhu/v1/f18/火\u2028警\U0001f525'\";--/readings"),
    ({"topic_unknown": 1}, "anhu/v1/f18//readings"),
    ({"topic_unknown": 1}, "anhu/v1/f18/" + "x" * 60_000),
]
ROUNDS = 20


def test_poisoned_messages_among_good_ones(common: Stand) -> None:
    """Each is a dead letter with its reason; nothing good is lost beside it."""
    refused: Counter[str] = Counter()
    for reasons, _ in POISON:
        refused.update({reason: count * ROUNDS for reason, count in reasons.items()})
    for reasons, _ in ODD_TOPICS:
        refused.update(reasons)
    with Trial(common, "poisoned messages", "f18", refused=refused) as trial:
        trial.under_way()
        with client(common.device_mqtt_url) as publish:
            for _ in range(ROUNDS):
                for _, payload in POISON:
                    publish(f"anhu/v1/f18/{quiet_code('f18', 0)}/readings", payload)
            for _, topic in ODD_TOPICS:
                publish(topic, b"{}")
        trial.goes_on()


@contextmanager
def client(mqtt_url: str) -> Iterator[Callable[[str, bytes], None]]:
    """Something that publishes, each message until the broker has acknowledged it."""
    address = Address.parse(mqtt_url)
    made = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    made.username_pw_set(address.username, address.password)
    made.connect(address.host, address.port)
    made.loop_start()
    try:
        yield lambda topic, payload: made.publish(topic, payload, qos=1).wait_for_publish(60)
    finally:
        made.disconnect()
        made.loop_stop()


def test_devices_whose_clocks_are_wrong(common: Stand) -> None:
    """What is dated an hour ahead counts as of its arrival, an alarm too; eight days behind is refused with the reason.
    Nothing is lost beside them."""
    count, fast, slow = 50, alarm_code("f19", ALARMS_MAX - 1), alarm_code("f19", ALARMS_MAX - 2)
    refused = {"future": count, "ancient": count}
    with Trial(common, "devices' clocks wrong", "f19", refused=refused, beside={fast: count}) as trial:
        trial.under_way()
        with client(common.device_mqtt_url) as publish:
            for _ in range(count):
                for code, wrong_s in ((fast, 3600), (slow, -8 * 86_400)):
                    payload = native.encode(now_us() + wrong_s * 1_000_000, {"smoke_alarm": 1})
                    publish(f"anhu/v1/f19/{code}/readings", payload)
        trial.goes_on()


def test_a_page_that_does_not_read(common: Stand) -> None:
    """It is parted with, and holds nobody up."""

    def pages() -> int:
        with common.api() as client:
            return int(client.get("/api/system").raise_for_status().json()["live_clients"])

    with Trial(common, "a page that does not read", "f20") as trial:
        trial.under_way()
        before = pages()
        with deaf_page(common):
            wait_until(lambda: pages() == before + 1, "it is connected")
            trial.goes_on()
            wait_until(lambda: pages() == before, "it is parted with", time_s_max=90, every_s=0.5)
            trial.goes_on()
        assert trial.page.connections == 1, "the page that reads was sent away too"


@contextmanager
def deaf_page(stand: Stand) -> Iterator[socket.socket]:
    """A page that asks for everything and reads nothing."""
    host, _, port = stand.service.host.partition(":")
    request = (
        f"GET /live HTTP/1.1\r\nHost: {stand.service.host}\r\nOrigin: {stand.service.url}\r\n"
        f"Cookie: {COOKIE}={stand.session}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect((host, int(port)))
        plain.sendall(request.encode())
        yield plain


def test_a_webhook_that_answers_after_half_a_minute(common: Stand) -> None:
    """One person's server hangs: the others are called at once. Whether it took the message nobody knows, so it is
    sent again, always with the same id."""
    slow = [path for (path,) in common.rows("SELECT id FROM institutions WHERE code = 'f22'")]

    def behave(request: Request) -> Say:
        return Say({"ok": True}, wait_s=SLOW_ANSWER_S if request.path == f"/{slow[0]}" else 0.0)

    common.receiver.behave = behave
    try:
        with Trial(common, "a webhook that answers after 30 s", "f22", alarms=2) as hanging:
            hanging.under_way()
            with Trial(common, "… and one beside it that does not", "f21") as beside:
                beside.under_way()
                beside.last(12)
                common.receiver.behave = ok  # some minutes later nobody would have answered: an alert of its own
            assert beside.outcome.phone_s_max < ALARM_S_MAX
    finally:
        common.receiver.behave = ok
    assert hanging.outcome.told_again >= 1
    hanging.outcome.note = f"{hanging.outcome.told_again} messages were sent again after an answer that did not come"
