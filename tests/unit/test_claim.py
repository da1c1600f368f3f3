"""What an unregistered device sent, what that suggests, and what can be registered."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingest.claim import Claim, Heard, last_values, problems
from ingest.formats.native import encode
from ingest.intake import take_in
from ingest.message import Message
from ingest.quantity import QUANTITIES
from ingest.route_file import parse
from ingest.spool import Spooled, _dump, _load
from tests.unit.engine_world import T0, registry
from tests.unit.test_intake import LIMITS

AT = datetime(2026, 11, 27, tzinfo=UTC)
GOOD = Claim("new-1", "new-1", 3, "走廊烟感", "smoke", "", 60, ("smoke_alarm", "battery"))


def heard(topic: str, payload: bytes, device: str = "new-1") -> Heard:
    return Heard(device, None, ("gas",), AT, AT, 1, topic, payload)


def test_what_the_last_message_said_of_this_device() -> None:
    native = heard("anhu/v1/home/new-1/readings", encode(T0, {"gas": 12.5, "noise": 3}))
    assert last_values(native) == {"gas": 12.5}
    zigbee = parse('[[route]]\ntopic = "z/{device}"\nformat = "zigbee2mqtt"\ninstitution = "home"\n')
    gateway = heard("z/厨房 烟感", b'{"gas": true, "battery": 50}', device="厨房 烟感")
    assert last_values(gateway, zigbee) == {"gas_alarm": 1.0, "battery": 50.0}
    assert last_values(gateway) == {}
    pack = b'[{"n":"new-1/gas","u":"/","v":0.5},{"n":"new-2/gas","u":"/","v":0.1},{"n":"new-1/co","u":"Cel","v":1}]'
    assert last_values(heard("anhu/v1/home/senml", pack)) == {"gas": 50.0}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("anhu/v1/home/new-1/readings", b'{"values": {"gas": 1'),  # cut when it was kept
        ("anhu/v1/home/new-1/readings", b"\xff\x00"),
        ("anhu/v1/home/new-1/acceleration", b"{}"),
        ("elsewhere", b"{}"),
    ],
)
def test_what_cannot_be_read_shows_nothing(topic: str, payload: bytes) -> None:
    assert last_values(heard(topic, payload)) == {}


def test_what_it_sent_is_collected_over_its_messages_and_through_the_spool() -> None:
    messages = [
        Message("anhu/v1/home/new-1/readings", encode(T0, values), T0)
        for values in ({"gas": 1.0}, {"battery": 50.0, "noise": 1.0})
    ]
    intake = take_in(messages, registry(), LIMITS)
    (entry,) = intake.unclaimed
    assert entry.quantities == {"gas", "battery"}
    spooled = Spooled(intake.readings, (), intake.unclaimed, ())
    (back,) = _load(_dump(spooled), []).unclaimed
    assert back.quantities == {"gas", "battery"}


def test_only_what_can_stand_in_the_registry_is_claimable() -> None:
    assert (heard("t", b"").claimable, heard("t", b"").suggested_code) == (True, "new-1")
    assert (heard("t", b"", device="新设备").claimable, heard("t", b"", device="新设备").suggested_code) == (True, "")
    assert not heard("t", b"", device="a+b").claimable
    assert not replace(heard("t", b""), quantities=()).claimable


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"heard": "a#"}, "heard"),
        ({"code": "a b"}, "code"),
        ({"code": ""}, "code"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"model": "x" * 201}, "model"),
        ({"kind": "toaster"}, "kind"),
        ({"report_interval_s": 0}, "report_interval_s"),
        ({"report_interval_s": 86_401}, "report_interval_s"),
        ({"quantities": ()}, "quantities"),
        ({"quantities": ("smoke_alarm", "noise")}, "quantities"),
        ({"wear": "waist"}, "wear"),
        ({"wear": "ankle", "quantities": ("fall",)}, "wear"),
    ],
)
def test_what_is_wrong_is_named(changes: dict, field: str) -> None:
    (told,) = problems(replace(GOOD, **changes))
    assert told.startswith(f"{field}:")


def test_what_is_right_is_right() -> None:
    assert problems(GOOD) == []
    assert (GOOD.address, replace(GOOD, heard="厨房 烟感").address) == ("", "厨房 烟感")
    assert problems(replace(GOOD, heard="厨房 烟感")) == []
    assert problems(replace(GOOD, kind="fall", quantities=("fall",), wear="waist")) == []
    assert problems(replace(GOOD, quantities=tuple(QUANTITIES))) == []
