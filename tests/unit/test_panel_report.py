"""What fire panels say: readings, evidence and unclaimed components, through the intake as the pipeline takes it."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting import restore
from alerting.alert import Verb
from alerting.engine import adopt, step, tick
from alerting.engine_state import State
from alerting.plan import compile_plan
from alerting.process import Judge
from alerting.rules import default_rules, parse
from alerting.settings import AlertingSettings
from ingest.formats.gb26875_frame import Command, clock_bytes, encode
from ingest.intake import Intake, take_in
from ingest.message import Limits, Message
from ingest.panel_report import UTC_OFFSET_S, topic
from ingest.reading import to_us
from ingest.registry import Device, Institution, Point, Registry, Zone
from ingest.registry_cache import dump, load
from ingest.spool import Spooled, _dump, _load

S = 1_000_000
T0 = to_us(datetime(2026, 11, 27, 1, 2, 3, 456_000, UTC))
PANEL, CENTRE = "790300000000", bytes.fromhex("385b01000000")
LIMITS = Limits(2000, 60 * S, 7 * 86_400 * S)
DEVICES = {
    1: ("fp-1", PANEL, ("fire_alarm", "fault", "mains_power", "alive")),
    2: ("smk-10", f"{PANEL}/1.1.2.10", ("smoke_alarm", "fault")),
    3: ("gas-5", f"{PANEL}/1.1.3.5", ("gas", "fire_alarm")),
    4: ("pump", f"{PANEL}/11.1", ("fault", "mains_power")),
    5: ("smk-silent", f"{PANEL}/1.1.2.11", ("temperature",)),
}


def registry() -> Registry:
    names = [(number, quantity) for number, (_, _, quantities) in DEVICES.items() for quantity in quantities]
    return Registry.build(
        1,
        [
            Institution(1, "home", "安和", "", "nursing_home", ""),
            Institution(2, "other", "和平", "", "nursing_home", ""),
        ],
        [Zone(1, 1, "hall", "走廊", "", "corridor", 1), Zone(2, 2, "hall", "走廊", "", "corridor", 1)],
        [
            *(
                Device(n, 1, 1, code, code, "multi", "", 30, "", f"gb26875/{address}")
                for n, (code, address, _) in DEVICES.items()
            ),
            Device(9, 2, 2, "elsewhere", "elsewhere", "smoke", "", 30, "", f"gb26875/{PANEL}/1.1.9.9"),
        ],
        [*(Point(n, device, name, "1") for n, (device, name) in enumerate(names, 1)), Point(99, 9, "smoke_alarm", "1")],
    )


REGISTRY = registry()
NAME = {point.id: (REGISTRY.devices[point.device_id].code, point.quantity) for point in REGISTRY.points.values()}


def six(at_us: int) -> bytes:
    return clock_bytes(at_us, UTC_OFFSET_S)


def frame(unit: bytes, *, at_us: int = T0, serial: int = 1, command: Command = Command.SEND) -> bytes:
    return encode(serial, six(at_us), bytes.fromhex(PANEL), CENTRE, command, unit)


def component(number: int, states: int, told: str = "", *, kind: int = 40, loop: int = 2, at_us: int = T0) -> bytes:
    place = bytes([1, 1, kind]) + number.to_bytes(2, "little") + loop.to_bytes(2, "little")
    return place + states.to_bytes(2, "little") + told.encode("gb18030").ljust(31, b" ") + six(at_us)


def analog(number: int, kind: int, value: int, *, loop: int = 3, at_us: int = T0) -> bytes:
    place = bytes([1, 1, 10]) + number.to_bytes(2, "little") + loop.to_bytes(2, "little")
    return place + bytes([kind]) + value.to_bytes(2, "little", signed=True) + six(at_us)


def taken(*payloads: bytes, address: str = PANEL, received_us: int = T0) -> Intake:
    return take_in(
        [Message(topic(address), each, received_us + row * 1000) for row, each in enumerate(payloads)], REGISTRY, LIMITS
    )


def values(intake: Intake) -> list[tuple[str, str, float]]:
    """(device, quantity, value), without the sign of life that every frame tells of."""
    batch = intake.readings
    rows = [(*NAME[point], value) for point, value in zip(batch.point_id.tolist(), batch.value.tolist(), strict=True)]
    return [row for row in rows if row[1] != "alive"]


def test_a_registered_detector_speaks_for_itself_in_the_panels_words() -> None:
    intake = taken(frame(b"\2\1" + component(10, 0x0002, "三层东侧走廊")))
    assert values(intake) == [("smk-10", "smoke_alarm", 1), ("smk-10", "fault", 0)]
    assert (intake.unclaimed, intake.dead_letters) == ([], [])
    (note,) = intake.notes.values()
    assert note["text_zh"] == "消防主机报火警：感烟火灾探测器 2 回路 10 号，三层东侧走廊"
    assert note["text_en"] == "The fire panel reports a fire: smoke detector, loop 2 number 10, 三层东侧走廊"
    assert note["panel"] == {
        "address": PANEL, "place": "1.1.2.10", "component_type": 40, "description": "三层东侧走廊",
        "said_at": "2026-11-27T01:02:03+00:00",
    }  # fmt: skip
    assert values(taken(frame(b"\2\1" + component(10, 0x0001)))) == [
        ("smk-10", "smoke_alarm", 0), ("smk-10", "fault", 0),
    ]  # fmt: skip


def test_an_unregistered_one_speaks_through_the_panel_and_is_listed() -> None:
    intake = taken(frame(b"\2\2" + component(77, 0x0002, "厨房") + component(78, 0x0001)))
    assert values(intake) == [("fp-1", "fire_alarm", 1)]
    assert [(each.institution, each.device, each.reason) for each in intake.unclaimed] == [
        ("home", f"gb26875/{PANEL}/1.1.2.77", "device_unknown"),
        ("home", f"gb26875/{PANEL}/1.1.2.78", "device_unknown"),
    ]  # fmt: skip
    (note,) = intake.notes.values()
    assert note["text_zh"] == "消防主机报火警：感烟火灾探测器 2 回路 77 号，厨房"
    assert intake.strays == []  # the panel's alert is about it: no second one


def test_what_no_point_of_the_panel_tells_of_may_still_be_an_alarm() -> None:
    (gas,) = taken(frame(b"\3\1" + analog(77, 6, 300))).strays
    assert (gas.device, gas.quantity, gas.value) == (f"gb26875/{PANEL}/1.1.3.77", "gas", 30.0)
    bare = Registry.build(  # a panel without the point for it
        1, REGISTRY.institutions.values(), REGISTRY.zones.values(), REGISTRY.devices.values(),
        [each for each in REGISTRY.points.values() if NAME[each.id] != ("fp-1", "fire_alarm")],
    )  # fmt: skip
    message = Message(topic(PANEL), frame(b"\2\1" + component(77, 0x0002)), T0)
    (fire,) = take_in([message], bare, LIMITS).strays
    assert (fire.device, fire.quantity, fire.value, fire.zone_id) == ("fp-1", "fire_alarm", 1.0, 1)


@pytest.mark.parametrize(
    ("place", "number", "loop"), [("registered without such a point", 11, 2), ("another institution's", 9, 9)]
)
def test_a_fire_is_never_lost_to_the_registry(place: str, number: int, loop: int) -> None:
    assert ("fp-1", "fire_alarm", 1) in values(taken(frame(b"\2\1" + component(number, 0x0002, loop=loop))))


def test_a_panel_that_was_registered_without_its_point_calls_all_the_same() -> None:
    bare = Registry.build(
        1, REGISTRY.institutions.values(), REGISTRY.zones.values(), REGISTRY.devices.values(),
        [each for each in REGISTRY.points.values() if each.quantity != "fire_alarm"],
    )  # fmt: skip
    intake = take_in([Message(topic(PANEL), frame(b"\2\1" + component(77, 0x0002)), T0)], bare, LIMITS)
    assert [(each.device, each.quantity, each.value) for each in intake.strays] == [("fp-1", "fire_alarm", 1.0)]


def test_what_one_component_says_never_takes_anothers_fire_back() -> None:
    intake = taken(
        frame(b"\2\2" + component(77, 0x0002) + component(78, 0x0001)),
        frame(b"\1\1" + bytes([1, 1, 1, 0]) + six(T0)),  # the system: normal
    )
    assert values(intake) == [("fp-1", "fire_alarm", 1)]
    over = taken(frame(b"\4\1" + bytes([1, 1, 1, 0]) + six(T0)))  # a reset
    assert values(over) == [("fp-1", "fire_alarm", 0)]
    state = taken(frame(b"\x15\1\1" + six(T0)))
    assert values(state) == [("fp-1", "fire_alarm", 0), ("fp-1", "fault", 0), ("fp-1", "mains_power", 1)]


def test_systems_and_the_device_itself() -> None:
    fire_and_power = frame(b"\1\1" + bytes([1, 1, 0x06, 0x03]) + six(T0))
    assert values(taken(fire_and_power)) == [
        ("fp-1", "fire_alarm", 1), ("fp-1", "fault", 1), ("fp-1", "mains_power", 0),
    ]  # fmt: skip
    registered = frame(b"\1\1" + bytes([11, 1, 0x02, 0x01]) + six(T0))  # has no point for a fire: the panel has
    assert values(taken(registered)) == [
        ("pump", "fault", 0), ("pump", "mains_power", 0), ("fp-1", "fire_alarm", 1),
    ]  # fmt: skip
    device = frame(b"\x15\1" + bytes([0b0011_1010]) + six(T0))
    assert values(taken(device)) == [("fp-1", "fire_alarm", 1), ("fp-1", "fault", 1), ("fp-1", "mains_power", 0)]
    pressed = taken(frame(b"\x18\1" + bytes([0b100, 3]) + six(T0)))  # without a point of its own: a fire
    assert values(pressed) == [("fp-1", "fire_alarm", 1)]
    assert next(iter(pressed.notes.values()))["text_zh"] == "手动报警：用户信息传输装置"


def test_gas_in_its_unit_as_old_as_the_panel_says_and_an_alarm_as_news() -> None:
    sent_us = T0 + 3600 * S  # the panel's clock is an hour ahead
    measured = analog(5, 6, 255, at_us=sent_us - 90 * S)
    burning = component(77, 0x0002, at_us=sent_us - 5000 * S)
    intake = taken(
        frame(b"\3\2" + measured + analog(5, 8, 2200), at_us=sent_us), frame(b"\2\1" + burning, at_us=sent_us)
    )
    assert values(intake) == [("gas-5", "gas", 25.5), ("fp-1", "fire_alarm", 1)]
    at = {NAME[point]: us for point, us in zip(
        intake.readings.point_id.tolist(), intake.readings.measured_at_us.tolist(), strict=True)}  # fmt: skip
    assert at["gas-5", "gas"] == T0 - 90 * S
    assert at["fp-1", "fire_alarm"] == T0 + 1000
    assert [round(each.clock_ahead_s or 0) for each in intake.panels] == [3600, 3600]  # its clock shows whole seconds
    assert intake.dead_letters == []
    assert [each.value for each in intake.panels[0].objects] == [25.5, 220.0]  # volts are on record only


def test_a_clock_that_was_never_set_stops_no_alarm() -> None:
    unit = b"\2\1" + component(77, 0x0002)[:-6] + bytes(6)
    intake = taken(encode(1, bytes(6), bytes.fromhex(PANEL), CENTRE, Command.SEND, unit))
    assert values(intake) == [("fp-1", "fire_alarm", 1)]
    assert intake.panels[0].clock_ahead_s is None


def test_heartbeats_answers_and_confirmations_show_that_the_panel_lives() -> None:
    intake = taken(
        frame(b""), frame(b"", command=Command.CONFIRM), frame(b"\2\1" + component(10, 2), command=Command.ANSWER)
    )
    link = [NAME[point] for point in intake.readings.point_id.tolist()].count(("fp-1", "alive"))
    assert link == 3
    assert values(intake) == [("smk-10", "smoke_alarm", 1), ("smk-10", "fault", 0)]
    # a panel gives no orders: nothing but life is read from these
    assert values(taken(frame(b"\2\1" + component(77, 2), command=Command.CONTROL))) == []


def test_what_is_denied_is_told_and_stored() -> None:
    good = frame(b"\x15\1\1" + six(T0))
    intake = taken(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:], good[:-7] + b"##")
    assert values(intake) == []
    assert [each.reason.value for each in intake.dead_letters] == ["frame_denied"] * 2
    assert [each.detail.split(":")[0] for each in intake.dead_letters] == ["bad_checksum", "incomplete"]
    assert [each.denied_for for each in intake.panels] == ["bad_checksum", "incomplete"]
    short = taken(frame(b"\2\2" + component(10, 2)))
    assert [each.reason.value for each in short.dead_letters] == ["bad_shape"]
    assert values(short)[0] == ("smk-10", "smoke_alarm", 1)  # what is whole counts


@given(
    st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 21, 24, 25, 26, 28, 61, 128, 255]), st.integers(0, 255),
    st.binary(max_size=300), st.sampled_from(list(Command)), st.binary(min_size=6, max_size=6),
)  # fmt: skip
def test_nothing_a_panel_says_stops_the_intake(
    kind: int, count: int, body: bytes, command: Command, six: bytes
) -> None:
    payload = encode(1, six, bytes.fromhex(PANEL), CENTRE, command, bytes([kind, count]) + body)
    intake = taken(payload)
    assert {each.reason.value for each in intake.dead_letters} <= {"bad_shape", "ancient"}
    assert values(taken(payload)) == values(intake)
    kept = _load(_dump(Spooled(intake.readings, intake.dead_letters, intake.unclaimed, (), intake.panels)), ())
    assert kept.panels == intake.panels
    for each in intake.panels[0].objects:
        assert "\0" not in each.description


def test_an_unknown_panel_is_listed_and_says_nothing() -> None:
    intake = taken(frame(b"\2\1" + component(10, 2)), address="000000000001")
    assert (len(intake.readings), intake.panels) == (0, [])
    assert [(each.institution, each.device, each.reason) for each in intake.unclaimed] == [
        ("", "gb26875/000000000001", "institution_unknown")
    ]


def test_what_a_panel_said_outlives_the_spool_and_its_registry_a_start_without_the_database() -> None:
    intake = taken(frame(b"\2\1" + component(77, 0x0102, "厨房")), frame(b"\3\1" + analog(5, 6, -3)), frame(b"")[:-1])
    kept = _load(_dump(Spooled(intake.readings, intake.dead_letters, intake.unclaimed, (), intake.panels)), ())
    assert kept.panels == intake.panels
    assert [each.objects for each in kept.panels][1][0].value == -0.3
    again = load(dump(REGISTRY)).on_panel(f"{PANEL}/1.1.2.10")
    assert again is not None
    assert again.code == "smk-10"


def test_further_fires_of_one_panel_are_named_once_and_end_with_it() -> None:
    desk = Judge(AlertingSettings())
    text = default_rules()
    desk.start_cached(text.encode(), REGISTRY, (), T0)

    def judged(intake: Intake) -> list[tuple[str, str | None, str]]:
        decision = desk.judge(intake)
        desk.adopt(decision, stored=False)
        return [(event.verb.value, event.rule, event.evidence["text_zh"]) for event in decision.verdict.events]

    kitchen, hall = component(77, 0x0002, "厨房"), component(78, 0x0002, "走廊")
    fire = "消防主机报火警：感烟火灾探测器 2 回路"
    assert judged(taken(frame(b"\2\1" + kitchen))) == [("raise", "fire.panel", f"{fire} 77 号，厨房")]
    again = taken(frame(b"\2\2" + kitchen + hall), received_us=T0 + 5 * S)
    assert judged(again) == [("raise", "fire.panel/1.1.2.78", f"{fire} 78 号，走廊")]
    assert judged(taken(frame(b"\2\2" + kitchen + hall), received_us=T0 + 9 * S)) == []
    system = frame(b"\1\1" + bytes([1, 1, 2, 0]) + six(T0))  # tells less than the detectors
    assert judged(taken(system, received_us=T0 + 10 * S)) == []
    (alert,) = [each for each in desk._state.alerts.values() if each.kind == "fire"]
    assert (alert.rules, alert.occurrences) == (frozenset({"fire.panel", "fire.panel/1.1.2.78"}), 1)

    # Starting again, it knows them from the log, and has nothing to say.
    later = State.begin(compile_plan(REGISTRY, parse(text)), T0 + 20 * S)
    later.alerts = {alert.key: alert}
    assert [each.rule for each in restore.conditions(later, T0 + 20 * S).events] == []
    without = Registry.build(
        2, *(list(getattr(REGISTRY, each).values()) for each in ("institutions", "zones", "devices")), []
    )
    later = State.begin(compile_plan(without, parse(text)), T0 + 20 * S)
    later.alerts = {alert.key: alert}
    assert [each.rule for each in restore.conditions(later, T0 + 20 * S).events] == [
        "fire.panel",
        "fire.panel/1.1.2.78",
    ]

    assert judged(taken(frame(b"\4\1" + bytes([1, 1, 1, 0]) + six(T0)), received_us=T0 + 30 * S)) == []
    over = desk.tick(T0 + 70 * S, listening=True, caught_up=True, spool_share=0.0)
    told = [(event.verb.value, event.rule) for event in over.verdict.events if event.kind == "fire"]
    assert told == [("clear", "fire.panel"), ("clear", "fire.panel/1.1.2.78")]
    desk.adopt(over, stored=False)
    (alert,) = [each for each in desk._state.alerts.values() if each.kind == "fire"]
    assert (alert.active, alert.latched, alert.rules) == (False, True, frozenset())


def test_a_spool_of_a_version_that_knew_no_panels_is_brought_in() -> None:
    body = _dump(Spooled(taken(frame(b"")).readings, (), (), ()))
    length = int.from_bytes(body[:8], "big")
    older = orjson.dumps(orjson.loads(body[8 : 8 + length])[:2])
    kept = _load(len(older).to_bytes(8, "big") + older + body[8 + length :], ())
    assert (len(kept.readings), list(kept.panels)) == (1, [])


def test_the_alert_names_the_component_and_those_behind_a_panel_are_never_lost_by_silence() -> None:
    state = State.begin(compile_plan(REGISTRY, parse(default_rules())), T0)
    intake = taken(frame(b"\2\2" + component(77, 0x0002, "厨房") + component(10, 0x0001)))
    verdict = step(state, intake.readings, intake.notes)
    (event,) = verdict.events
    assert (event.verb, event.rule, event.key.device_id) == (Verb.RAISE, "fire.panel", 1)
    assert event.evidence["text_zh"] == "消防主机报火警：感烟火灾探测器 2 回路 77 号，厨房"
    assert event.evidence["panel"]["place"] == "1.1.2.77"
    adopt(state, verdict.patch)
    lost = []
    for second in range(60, 10 * 86_400, 3600):
        silent = tick(state, T0 + second * S, listening=True, caught_up=True)
        lost += [each.key.device_id for each in silent.events if each.verb is Verb.RAISE]
        adopt(state, silent.patch)
    assert 2 not in lost  # a detector of the panel, heard once ten days ago
    assert lost  # the panel itself, or with it the whole institution
