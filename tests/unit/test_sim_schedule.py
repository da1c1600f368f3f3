"""The open-loop scheduler, with clocks of the test's own."""

import json
import math
import threading
from collections.abc import Sequence
from itertools import pairwise

import pytest

from simulators import commands, fleet
from simulators.devices import Devices
from simulators.scenario import Incident, Scenario
from simulators.schedule import Begun, Progress, run
from simulators.source import Message

START_US = 1_800_000_000_000_000


class FakeClock:
    def __init__(self) -> None:
        self.at_s = 0.0
        self.wall_step_us = 0
        self.waits: list[float] = []

    def now_us(self) -> int:
        return START_US + round(self.at_s * 1e6) + self.wall_step_us

    def elapsed_s(self) -> float:
        return 1_000.0 + self.at_s

    def wait(self, _stop: threading.Event, seconds: float) -> None:
        self.waits.append(seconds)
        self.at_s += seconds


class Script:
    """Messages at given offsets."""

    def __init__(self, *offsets: float, incidents: Sequence[Incident] = ()) -> None:
        self.left = [Message(at, "t", {"temperature": at}) for at in offsets]
        self.incidents = list(incidents)
        self.steps: list[float] = []

    def due(self, until_s: float) -> list[Message]:
        self.steps.append(until_s)
        now = [m for m in self.left if m.offset_s <= until_s]
        self.left = self.left[len(now) :]
        return now

    def next_s(self) -> float:
        return self.left[0].offset_s if self.left else math.inf

    def take_incidents(self) -> list[Incident]:
        taken, self.incidents = self.incidents, []
        return taken


class Outlet:
    def __init__(self, clock: FakeClock, slow_s: float = 0.0, room: float = math.inf) -> None:
        self.clock, self.slow_s, self.room = clock, slow_s, room
        self.sent: list[tuple[float, dict]] = []

    def publish(self, _topic: str, payload: bytes, _stop: threading.Event | None = None) -> bool:
        if len(self.sent) >= self.room:
            return False
        self.sent.append((self.clock.at_s, json.loads(payload)))
        self.clock.at_s += self.slow_s
        return True


def play(script: Script, speed: float = 1.0, *, slow_s: float = 0.0, room: float = math.inf, **options):
    clock = FakeClock()
    outlet = Outlet(clock, slow_s, room)
    progress = run(script, outlet, speed, options.pop("stop", threading.Event()), clock, **options)
    return progress, outlet.sent, clock


def test_messages_go_out_when_due_and_carry_that_time():
    progress, sent, _ = play(Script(0.0, 1.0, 2.5))
    assert [round(at, 6) for at, _ in sent] == [0.0, 1.0, 2.5]
    assert [body["measured_at"] for _, body in sent] == [START_US / 1e6 + at for at in (0.0, 1.0, 2.5)]
    assert (progress.sent, progress.dropped) == (3, 0)


def test_raised_speed_packs_the_same_messages_into_less_time_never_into_the_future():
    _, sent, clock = play(Script(0.0, 10.0, 25.0), speed=10)
    assert [round(at, 6) for at, _ in sent] == [0.0, 1.0, 2.5]
    assert all(body["measured_at"] <= START_US / 1e6 + at + 1e-6 for at, body in sent)
    assert clock.at_s == pytest.approx(2.5)


def test_lateness_shows_in_the_message_and_does_not_shift_the_schedule():
    _, sent, _ = play(Script(0.0, 0.1, 5.0), slow_s=2.0)
    assert sent[1][0] >= 2.0
    assert sent[1][1]["measured_at"] == pytest.approx(START_US / 1e6 + 0.1)
    assert sent[2][0] == pytest.approx(5.0, abs=0.1)


def test_what_is_a_minute_late_is_dropped_and_counted():
    progress, sent, _ = play(Script(0.0, 1.0, 2.0, 80.0), slow_s=70.0)
    assert [round(body["measured_at"] - START_US / 1e6) for _, body in sent] == [0, 80]
    assert (progress.sent, progress.dropped) == (2, 2)


def test_a_pause_is_caught_up_in_bounded_steps():
    script = Script(0.0, 0.5, 20.0)
    play(script, slow_s=15.0)
    assert max(b - a for a, b in pairwise(script.steps)) <= 1.0 + 1e-9


def test_a_set_wall_clock_is_followed():
    clock = FakeClock()
    outlet = Outlet(clock)

    def on_progress(_: Progress) -> None:
        clock.wall_step_us = 3_600_000_000

    run(Script(0.0, 5.0), outlet, 1.0, threading.Event(), clock, on_progress=on_progress)
    assert outlet.sent[1][1]["measured_at"] == pytest.approx(START_US / 1e6 + 3_605)


def test_the_run_ends_at_its_duration_or_when_stopped():
    progress, sent, _ = play(Script(0.0, 1.0, 2.0), duration_s=1.5)
    assert (len(sent), progress.offset_s) == (2, 1.5)
    stop = threading.Event()
    stop.set()
    progress, sent, _ = play(Script(0.0, 1.0), stop=stop)
    assert sent == []
    stop = threading.Event()
    progress, sent, _ = play(Script(0.0, 1.0), stop=stop, on_progress=lambda _: stop.set())
    assert len(sent) == 1


def test_a_stopped_outlet_is_not_counted_as_sent():
    stop = threading.Event()
    stop.set()
    progress, sent, _ = play(Script(0.0, 0.0, 0.0), room=2, on_progress=lambda _: stop.set(), stop=threading.Event(),
                             duration_s=0.0)  # fmt: skip
    assert len(sent) == progress.sent == 2


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), 1e6])
def test_impossible_speeds_are_refused(speed):
    with pytest.raises(ValueError, match="speed"):
        play(Script(0.0), speed=speed)


def test_incidents_are_told_with_their_times_at_the_runs_speed():
    told: list[Begun] = []
    fall = Incident("fall", "i", "z", ("d",), 20.0, 100.0, 0.5)
    play(Script(0.0, incidents=[fall]), speed=10, on_begun=told.append)
    assert told == [Begun(fall, START_US + 2_000_000, START_US + 12_000_000)]


def test_a_fleet_can_be_played_with_a_truth_log(tmp_path):
    homes = fleet.build(2, 40, 7)
    source = Devices(homes, Scenario(homes, 7, 200), 7, START_US / 1e6)
    clock = FakeClock()
    outlet = Outlet(clock)
    path = tmp_path / "truth.jsonl"
    with commands._truth(path) as file:
        run(source, outlet, 60.0, threading.Event(), clock, duration_s=900.0, on_begun=lambda b: commands._log(file, b))
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(records) > 10
    assert all(r["start_at"].endswith("Z") and r["start_at"] < r["end_at"] for r in records)
    assert len(outlet.sent) > 80 * 900 / 60
