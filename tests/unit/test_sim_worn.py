"""Recorded trials as the messages of a device that is worn."""

import threading
import tomllib

import numpy as np
import pytest

from ingest.formats import acceleration
from ingest.formats.acceleration import Pack
from ingest.registry_file import parse
from simulators import commands, schedule, worn
from simulators.worn import PAUSE_S, Activity, Worn

from .test_fall import AT, RATE, falling, walking

START_US = 1_800_000_000_000_000
FALL = Activity("F01", RATE, 16.0, falling(), AT)
WALK = Activity("D01", 50.0, 2.0, walking(60, np.random.default_rng(1))[: int(10.5 * 50)], None)


class Still:
    """A clock that jumps to whenever it is waited for."""

    at_s = 0.0

    def now_us(self) -> int:
        return START_US + round(self.at_s * 1e6)

    def elapsed_s(self) -> float:
        return self.at_s

    def wait(self, stop: threading.Event, seconds: float) -> None:
        assert not stop.is_set()
        self.at_s += seconds


class Kept(list[tuple[str, bytes]]):
    def publish(self, topic: str, payload: bytes, stop: threading.Event | None = None) -> bool:
        assert stop is not None
        self.append((topic, payload))
        return True


def packs_of(*activities: Activity) -> tuple[list[Pack], list[schedule.Begun]]:
    sent, begun = Kept(), list[schedule.Begun]()
    schedule.run(Worn(activities), sent, 1.0, threading.Event(), Still(), on_begun=begun.append)  # type: ignore[arg-type]
    assert {topic for topic, _ in sent} == {"anhu/v1/replay-worn/worn-1/acceleration"}
    packs = [acceleration.decode(payload) for _, payload in sent]
    assert all(isinstance(each, Pack) for each in packs), packs
    return packs, begun  # type: ignore[return-value]


def test_windows_follow_one_another_without_a_hole_and_hold_the_recording() -> None:
    packs, begun = packs_of(FALL)
    assert len(packs) == 20
    assert [each.start_us for each in packs] == [START_US + second * 1_000_000 for second in range(20)]
    np.testing.assert_allclose(np.concatenate([each.acceleration for each in packs]), FALL.acceleration, atol=5.1e-4)
    assert {(each.rate_hz, each.range_g) for each in packs} == {(RATE, 16.0)}
    (fell,) = begun
    assert (fell.incident.kind, fell.start_us, fell.incident.devices) == (
        "fall", START_US + round(AT * 1e6), ("worn-1",),
    )  # fmt: skip


def test_trials_come_one_after_the_other_with_a_pause() -> None:
    packs, begun = packs_of(WALK, FALL)
    walked = packs[:11]
    assert [len(each.acceleration) for each in walked] == [50] * 10 + [25]
    assert packs[11].start_us == walked[-1].end_us + PAUSE_S * 1e6
    assert [each.incident.start_s for each in begun] == [10.5 + PAUSE_S + AT]


@pytest.mark.parametrize("wear", ["waist", "wrist", "pocket"])
def test_the_wearer_is_registered_with_where_the_device_is_worn(wear: str) -> None:
    text = commands.worn_registry_toml(wear)
    assert tomllib.loads(text)["institution"][0]["zone"][0]["device"][0]["wear"] == wear
    zone = parse(text, suffix=".toml").institutions[worn.INSTITUTION].zones[worn.ZONE]
    assert (zone.devices[worn.DEVICE].wear, zone.devices[worn.DEVICE].quantities) == (wear, ("fall",))
