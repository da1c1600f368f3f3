"""What the devices send: the same whatever the step, quiet on quiet days, and telling of every incident."""

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.formats import native
from simulators import fleet, recording
from simulators.devices import COLUMNS, Devices
from simulators.fire_in_home import cast_fire
from simulators.incident_signals import signal_for
from simulators.scenario import Incident, Scenario

FLEET = fleet.build(3, 60, 7)
NOON_EPOCH_S = 1_795_320_000.0 - 1_795_320_000.0 % 86_400 + 4 * 3_600  # 12:00 in China


class Fixed:
    """A history of given incidents."""

    def __init__(self, *incidents: Incident) -> None:
        self._incidents = incidents

    def hour(self, index: int) -> list[Incident]:
        return [i for i in self._incidents if index * 3_600 <= i.start_s < (index + 1) * 3_600]


def devices(*incidents: Incident, seed: int = 7) -> Devices:
    return Devices(FLEET, Fixed(*incidents), seed, NOON_EPOCH_S)


def site(kind: str) -> tuple[str, str, str]:
    """Institution, zone and device code of the first device of *kind*."""
    return next((m.institution.code, m.zone.code, m.device.code) for m in FLEET.devices() if m.device.kind == kind)


def incident(kind: str, device_kind: str, start_s: float = 100.0, duration_s: float = 300.0, severity: float = 0.5):
    institution, zone, device = site(device_kind)
    return Incident(kind, institution, zone, (device,), start_s, duration_s, severity)


def series(source: Devices, device_kind: str, quantity: str, until_s: float = 1_000.0) -> list[tuple[float, float]]:
    institution, _, device = site(device_kind)
    topic = f"anhu/v1/{institution}/{device}/readings"
    return [(m.offset_s, m.values[quantity]) for m in source.due(until_s) if m.topic == topic]


def test_one_seed_one_stream():
    assert devices().due(300) == devices().due(300)
    assert devices().due(300) != devices(seed=8).due(300)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.01, 90), min_size=1, max_size=40))
def test_the_stream_does_not_depend_on_the_steps_it_is_fetched_in(steps):
    scenario = Scenario(FLEET, 7, 400)
    whole = Devices(FLEET, scenario, 7, NOON_EPOCH_S)
    parts = Devices(FLEET, scenario, 7, NOON_EPOCH_S)
    collected, at_s = [], 0.0
    for step in steps:
        at_s += step
        collected += parts.due(at_s)
    assert collected == whole.due(at_s)
    assert parts.take_incidents() == whole.take_incidents()


def test_every_device_reports_at_its_interval_in_order_and_within_its_first_interval():
    messages = devices().due(120)
    offsets = [m.offset_s for m in messages]
    assert offsets == sorted(offsets)
    by_topic = defaultdict(list)
    for message in messages:
        by_topic[message.topic].append(message.offset_s)
    assert len(by_topic) == FLEET.device_count
    for mounted in FLEET.devices():
        times = by_topic[f"anhu/v1/{mounted.institution.code}/{mounted.device.code}/readings"]
        interval_s = mounted.device.report_interval_s
        assert times[0] <= interval_s
        assert [b - a for a, b in pairwise(times)] == pytest.approx([interval_s] * (len(times) - 1))


def test_next_is_when_the_next_message_comes():
    source = devices()
    source.due(0)  # reads the first hour
    at_s = source.next_s()
    assert source.due(at_s - 1e-6) == []
    assert [m.offset_s for m in source.due(at_s)] == [at_s]


def test_a_message_holds_what_the_registry_promises_and_decodes():
    promised = {f"anhu/v1/{m.institution.code}/{m.device.code}/readings": m.device.quantities for m in FLEET.devices()}
    for message in devices().due(60):
        assert tuple(message.values) == promised[message.topic]
        decoded = native.decode(native.encode(1_800_000_000_000_000, message.values), "d", 0)
        assert not decoded.rejections
        assert {s.quantity: s.value for s in decoded.samples} == message.values
        assert {s.measured_at_us for s in decoded.samples} == {1_800_000_000_000_000}


def test_a_quiet_day_stays_far_from_every_threshold():
    highest = dict.fromkeys(COLUMNS, 0.0)
    lowest_battery = 100.0
    for message in devices().due(24 * 3_600.0):
        for quantity, value in message.values.items():
            highest[quantity] = max(highest[quantity], value)
        lowest_battery = min(lowest_battery, message.values.get("battery", 100.0))
    assert highest["smoke_obscuration"] < 0.06
    assert highest["temperature"] < 45
    assert highest["co"] < 20
    assert highest["gas"] < 5
    assert highest["fall"] == highest["sos"] == 0
    assert lowest_battery > 40


@pytest.mark.parametrize("kind", ["fall", "sos"])
def test_a_fall_or_press_is_told_at_once_and_taken_back_at_once(kind):
    told = series(devices(incident(kind, kind, 100.0, 200.0, severity=0.2)), kind, kind)
    assert (100.0, 1.0) in told
    assert (300.0, 0.0) in told
    assert all(value == (1.0 if 100 <= at < 300 else 0.0) for at, value in told)


def test_a_gas_leak_rises_past_both_levels_and_is_aired_out():
    told = series(devices(incident("gas_leak", "gas", 100.0, 600.0, severity=1.0)), "gas", "gas")
    assert max(value for at, value in told if at < 100) < 5
    assert max(value for _, value in told) > 50
    assert max(value for _, value in told) <= 100
    assert told[-1][1] < 5
    during = [at for at, _ in told if 100 <= at <= 700]
    assert len(during) >= 120  # every 5 s while it lasts


@pytest.mark.parametrize("duration_s", [420.0, 720.0])
def test_even_the_smallest_leak_passes_the_first_level(duration_s):
    told = series(devices(incident("gas_leak", "gas", 100.0, duration_s, severity=0.0)), "gas", "gas")
    assert max(value for _, value in told) > 25


def test_a_stove_fills_its_room_with_co():
    told = series(devices(incident("stove_co", "co", 100.0, 1_800.0, severity=1.0)), "co", "co", 3_000)
    assert max(value for _, value in told) > 300
    assert told[-1][1] < 30


def test_a_fire_shows_in_smoke_and_temperature():
    fire = incident("fire", "smoke", 100.0, 600.0, severity=0.5)
    smoke = series(devices(fire), "smoke", "smoke_obscuration")
    temperature = series(devices(fire), "smoke", "temperature")
    assert next(at for at, value in smoke if value > 0.2) < 180
    assert max(value for _, value in temperature) > temperature[0][1] + 20
    assert smoke[-1][1] < 0.2


def test_steam_stays_below_the_fire_threshold():
    told = series(devices(incident("steam", "smoke", 100.0, 240.0, severity=1.0)), "smoke", "smoke_obscuration")
    assert 0.1 < max(value for _, value in told) < 0.15


def test_a_low_battery_is_low_and_later_replaced():
    told = series(devices(incident("low_battery", "smoke", 100.0, 600.0)), "smoke", "battery")
    assert all(value <= 14 for at, value in told if 100 <= at < 700)
    assert all(value > 40 for at, value in told if at >= 700)


def test_an_offline_device_is_silent_and_comes_back():
    told = [at for at, _ in series(devices(incident("offline", "smoke", 100.0, 400.0)), "smoke", "temperature")]
    assert not [at for at in told if 100 <= at < 500]
    assert 500.0 in told


def test_incidents_may_overlap_on_one_device():
    source = devices(incident("steam", "smoke", 100, 200), incident("offline", "smoke", 150, 100),
                     incident("low_battery", "smoke", 160, 300))  # fmt: skip
    told = series(source, "smoke", "battery")
    assert not [at for at, _ in told if 150 <= at < 250]
    assert all(value <= 14 for at, value in told if 250 <= at < 460)
    assert told[-1][1] > 40
    assert [b[0] - a[0] for a, b in pairwise(told)][-5:] == [30.0] * 5


def test_ground_truth_is_handed_out_once_when_it_begins():
    fall = incident("fall", "fall", 100.0)
    source = devices(fall)
    source.due(99)
    assert source.take_incidents() == []
    source.due(100)
    assert source.take_incidents() == [fall]
    assert source.take_incidents() == []


def test_an_unknown_kind_makes_no_signal():
    with pytest.raises(ValueError, match="flood"):
        signal_for(incident("flood", "smoke"), 0)


class TestRecordedFire:
    RECORDING = recording.bundled()

    def fire(self, **changes):
        arguments = {"first_s": 60.0, "quiet_between_s": 900.0, **changes}
        return cast_fire(FLEET, self.RECORDING, **arguments)

    def stream(self, until_s: float) -> dict[str, list]:
        source = Devices(FLEET, Fixed(), 7, NOON_EPOCH_S, self.fire())
        by_topic = defaultdict(list)
        for message in source.due(until_s):
            by_topic[message.topic].append(message)
        return by_topic

    def test_the_fire_starts_in_the_first_homes_kitchen(self):
        fire = self.fire()
        assert (fire.institution, fire.zone) == ("sim-001", "kitchen")
        assert next(iter(fire.casting.items())) == (self.RECORDING.fire_place, "kit-smk-1")
        zones = {d.code: z.code for z in FLEET.institutions[0].zones for d in z.devices}
        assert len({zones[device] for device in fire.casting.values()}) == len(fire.casting)

    def test_recorded_smoke_is_sent_sample_by_sample(self):
        fire = self.fire()
        by_topic = self.stream(60 + 200)
        for place, device in fire.casting.items():
            sent = {m.offset_s - 60: m.values["smoke_obscuration"]
                    for m in by_topic[f"anhu/v1/sim-001/{device}/readings"] if m.offset_s >= 60}  # fmt: skip
            recorded = self.RECORDING.places[place]["smoke_obscuration"].values
            expected = {t: pytest.approx(v, abs=6e-5) for t, v in zip(self.RECORDING.times_s, recorded, strict=True)}
            assert sent == expected

    def test_the_change_from_simulated_to_recorded_air_is_no_jump_in_temperature(self):
        told = [(m.offset_s, m.values["temperature"]) for m in self.stream(600)["anhu/v1/sim-001/kit-smk-1/readings"]]
        before = [value for at, value in told if at < 60]
        after = [value for at, value in told if 60 <= at < 66]
        assert before[-1] == pytest.approx(after[0], abs=0.6)
        assert max(value for _, value in told) == pytest.approx(before[-1] + 126 - 21, abs=3)

    def test_the_air_clears_and_the_fire_comes_again(self):
        every_s = self.fire().every_s
        assert every_s == 200 + 300 + 900
        told = [
            (m.offset_s, m.values["smoke_obscuration"])
            for m in self.stream(60 + every_s + 60)["anhu/v1/sim-001/kit-smk-1/readings"]
        ]
        assert max(value for at, value in told if 60 + 500 < at < 60 + every_s) < 0.06
        assert next(at for at, value in told if value >= 0.2 and at > 1_000) == pytest.approx(60 + every_s + 38)

    def test_fires_are_found_by_hour_without_gaps_or_doubles(self):
        fire = self.fire()
        starts = [i.start_s for index in range(10) for i in fire.hour(index)]
        assert starts == [60 + 1_400 * nth for nth in range(len(starts))]
        assert starts[-1] > 9 * 3_600

    def test_a_home_that_cannot_play_it_is_refused(self):
        with pytest.raises(ValueError, match="nowhere"):
            self.fire(institution="nowhere")
