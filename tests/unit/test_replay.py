"""Recordings: units, what is left out and why, wrong files, and the order they are played in."""

import tomllib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import commands, recording, replay
from simulators.errors import NotARecording
from simulators.recording import parse

SMALL = """TIME,SMA_1,TCA_1,GASA_1,SMA_4,GASA_3,Ion1A,SMB_1,TCB_1
0,0.001,20.0,-0.0001,9,9,9,0.0,21.0
2,0.02,20.5,0.0123,9,9,9,,21.0
4,0.5,40.0,0.0200,9,9,9,0.001,nan
"""


def test_units_against_hand_computed_values():
    channels = parse(SMALL, "small").places["A"]
    assert channels["smoke_obscuration"].values == pytest.approx((0.01, 0.2, 5.0))  # dB/m = 10 × 1/m
    assert channels["temperature"].values == (20.0, 20.5, 40.0)
    assert channels["co"].values == pytest.approx((0.0, 123.0, 200.0))  # ppm = 10⁴ × volume %, noise below 0 is 0


def test_blank_samples_are_left_out_with_a_reason():
    small = parse(SMALL, "small")
    assert small.places["B"]["smoke_obscuration"].values == (0.0, None, pytest.approx(0.01))
    assert small.places["B"]["temperature"].values == (21.0, 21.0, None)
    assert {(n.column, n.reason) for n in small.notes} == {
        ("SMB_1", "1 of 3 samples left out: blank or not a number"),
        ("TCB_1", "1 of 3 samples left out: blank or not a number"),
    }


def test_the_fire_is_where_the_ceiling_warms_first():
    small = parse(SMALL, "small")
    assert small.fire_place == "A"
    assert small.places_by_rise() == ("A", "B")


def test_a_place_without_a_thermocouple_is_judged_by_its_smoke():
    text = "TIME,SMA_1,SMB_1\n0,0,0\n1,0,0.05\n2,0.05,0.05\n"
    assert parse(text, "t").fire_place == "B"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("0.05", "0.06", "0.055"), "never below 500 ppm"),
        (("0", "0", "0"), "0 ppm throughout"),
        (("", "nan", "x"), "no sample is a number"),
    ],
)
def test_unusable_co_channels_are_left_out_with_a_reason(cells, reason):
    text = "TIME,SMA_1,GASA_1\n" + "".join(f"{i},0,{cell}\n" for i, cell in enumerate(cells))
    parsed = parse(text, "t")
    assert "co" not in parsed.places["A"]
    assert parsed.notes[0].column == "GASA_1"
    assert reason in parsed.notes[0].reason


def test_a_smoke_meter_off_its_zero_is_zeroed_and_said_so():
    parsed = parse("TIME,SMA_1\n0,0.0233\n5,0.0186\n10,0.0733\n", "t")
    assert parsed.places["A"]["smoke_obscuration"].values == pytest.approx((0.0, 0.0, 0.5))
    assert "0.233 dB/m" in parsed.notes[0].reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "header"),
        ("TIME,SMA_1\n", "header"),
        ("SECONDS,SMA_1\n0,1\n", "TIME"),
        ("TIME,TCA_1\n0,20\n", "SMx_1"),
        ("TIME,SMA_4\n0,20\n", "SMx_1"),
        ("TIME,SMA_1\n0,1,2\n", "row 2: 3 fields"),
        ("TIME,SMA_1\n0,1\nx,1\n", "row 3: TIME 'x'"),
        ("TIME,SMA_1\n0,1\n0,1\n", "row 3: TIME 0 does not come after 0"),
        ("TIME,SMA_1\nnan,1\n", "row 2: TIME 'nan'"),
        ("TIME,SMA_1,SMA_1\n0,1,1\n", "SMA_1 appears more than once"),
        ("TIME,SMA_1\n0,\n1,\n", "every column is unusable"),
        ('TIME,SMA_1\n0,"1\n', "CSV"),
    ],
)
def test_wrong_files_are_refused_saying_what_is_wrong(text, message):
    with pytest.raises(NotARecording, match=message):
        parse(text, "t")


def test_a_wrong_path_is_named(tmp_path):
    with pytest.raises(NotARecording, match=r"none\.csv: No such file"):
        recording.load(tmp_path / "none.csv")
    with pytest.raises(NotARecording, match="Is a directory"):
        recording.load(tmp_path)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00TIME")
    with pytest.raises(NotARecording, match=r"bytes\.csv: not a text file"):
        recording.load(tmp_path / "bytes.csv")
    (tmp_path / "alarms.csv").write_text("test,alarm\nSDC02,Ion1A\n", "utf-8")
    with pytest.raises(NotARecording, match=r"alarms\.csv: no column TIME"):
        recording.load(tmp_path / "alarms.csv")


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "small.csv").write_text("\ufeff" + SMALL, "utf-8")
    assert recording.load(tmp_path / "small.csv").times_s == (0, 2, 4)


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text):
    try:
        times_s = parse("TIME,SMA_1\n" + text, "t").times_s
    except NotARecording:
        return
    assert all(a < b for a, b in pairwise(times_s))


class TestBundled:
    RECORDING = recording.bundled()

    def test_it_holds_every_row_of_the_test(self):
        assert len(self.RECORDING.times_s) == 101
        assert self.RECORDING.times_s[-1] == 200
        assert sorted(self.RECORDING.places) == list("ABCDEF")

    def test_smoke_in_the_fires_room_crosses_a_fifth_of_a_decibel_after_38_seconds(self):
        assert self.RECORDING.fire_place == "E"
        smoke = self.RECORDING.places["E"]["smoke_obscuration"].values
        assert next(t for t, v in zip(self.RECORDING.times_s, smoke, strict=True) if v >= 0.2) == 38

    def test_its_one_analyser_off_zero_is_left_out(self):
        assert [note.column for note in self.RECORDING.notes] == ["GASF_1"]
        assert {p for p, channels in self.RECORDING.places.items() if "co" in channels} == {"A", "B", "C"}


class TestReplay:
    RECORDING = recording.bundled()

    def test_the_home_is_a_registry_with_a_detector_for_each_place(self):
        home = tomllib.loads(commands.replay_registry_toml(self.RECORDING))["institution"][0]
        assert (home["code"], home["kind"]) == ("replay-home", "other")
        assert len(home["zone"]) == 6
        kitchen = next(zone for zone in home["zone"] if zone["kind"] == "kitchen")
        assert kitchen["name"] == "厨房"
        assert kitchen["device"][0]["code"] == "det-e"
        assert kitchen["device"][0]["kind"] == "smoke"
        assert kitchen["device"][0]["quantities"] == ["smoke_obscuration", "temperature"]
        place_a = next(zone for zone in home["zone"] if zone["code"] == "place-a")
        assert (place_a["name"], place_a["device"][0]["kind"]) == ("测点 A", "multi")

    def test_messages_come_in_order_baseline_fire_clearing(self):
        messages = replay.Replay(self.RECORDING, 7, baseline_s=60).messages
        assert all(a.offset_s <= b.offset_s for a, b in pairwise(messages))
        kitchen = [m for m in messages if m.topic == "anhu/v1/replay-home/det-e/readings"]
        origins = [m.origin for m in kitchen]
        assert origins == ["synthetic"] * 6 + ["recorded"] * 101 + ["synthetic"] * 30
        assert kitchen[6].offset_s == 60.0

    def test_recorded_samples_are_sent_as_recorded(self):
        messages = replay.Replay(self.RECORDING, 7, baseline_s=60).messages
        sent = [m for m in messages if m.origin == "recorded" and m.topic.endswith("/det-e/readings")]
        channels = self.RECORDING.places["E"]
        for row, message in enumerate(sent):
            assert message.values["temperature"] == channels["temperature"].values[row]
            assert message.values["smoke_obscuration"] == pytest.approx(
                channels["smoke_obscuration"].values[row], abs=6e-5
            )
        crossing = next(m for m in sent if m.values["smoke_obscuration"] >= 0.2)
        assert crossing.offset_s == 60 + 38

    def test_the_air_is_quiet_before_and_clean_after(self):
        for message in replay.Replay(self.RECORDING, 7, baseline_s=600).messages:
            if message.origin == "synthetic" and message.offset_s < 600:
                assert message.values["smoke_obscuration"] < 0.06
                assert message.values.get("co", 0) < 10
        last = {m.topic: m for m in replay.Replay(self.RECORDING, 7).messages}
        for message in last.values():
            assert message.values["smoke_obscuration"] < 0.1
            assert message.values["temperature"] < 26
            assert message.values.get("co", 0) < 10

    def test_one_seed_one_replay(self):
        assert replay.Replay(self.RECORDING, 7).messages == replay.Replay(self.RECORDING, 7).messages
        assert replay.Replay(self.RECORDING, 7).messages != replay.Replay(self.RECORDING, 8).messages

    @settings(deadline=None)
    @given(st.lists(st.floats(0.1, 200), max_size=20))
    def test_it_can_be_fetched_in_any_steps(self, steps):
        source, at_s, fetched = replay.Replay(self.RECORDING, 7), 0.0, []
        for step in [*steps, 1e6]:
            at_s += step
            fetched += source.due(at_s)
        assert tuple(fetched) == source.messages
        assert source.next_s() == float("inf")

    def test_the_fire_is_ground_truth_from_ignition_on(self):
        source = replay.Replay(self.RECORDING, 7, institution="home-1", baseline_s=60)
        source.due(59.9)
        assert source.take_incidents() == []
        source.due(60)
        (fire,) = source.take_incidents()
        assert (fire.kind, fire.institution, fire.zone, fire.start_s) == ("recorded_fire", "home-1", "kitchen", 60.0)
        assert fire.devices[0] == "det-e"
        assert source.take_incidents() == []

    def test_a_recording_that_starts_before_ignition_keeps_its_baseline(self):
        early = parse("TIME,SMA_1\n-5,0\n0,0\n5,0.1\n", "early")
        source = replay.Replay(early, 7, baseline_s=20, clearing_s=0)
        assert source.ignition_s == 25
        assert [(m.offset_s, m.origin) for m in source.messages] == [
            (0, "synthetic"), (10, "synthetic"), (20, "recorded"), (25, "recorded"), (30, "recorded"),
        ]  # fmt: skip

    def test_missing_samples_are_not_made_up(self):
        source = replay.Replay(parse(SMALL, "small"), 7, baseline_s=0, clearing_s=0)
        sent = [m.values for m in source.messages if m.topic.endswith("det-b/readings")]
        assert [sorted(values) for values in sent] == [
            ["smoke_obscuration", "temperature"], ["temperature"], ["smoke_obscuration"],
        ]  # fmt: skip

    @pytest.mark.parametrize("code", ["", "a b", "-x", "a/b", "x" * 65, "测"])
    def test_codes_the_registry_would_refuse_are_refused(self, code):
        with pytest.raises(ValueError, match="institution code"):
            replay.home(self.RECORDING, code)

    @pytest.mark.parametrize("baseline_s", [-1, float("nan"), 1e9])
    def test_impossible_baselines_are_refused(self, baseline_s):
        with pytest.raises(ValueError, match="baseline"):
            replay.Replay(self.RECORDING, 7, baseline_s=baseline_s)
