"""What `anhu simulate`, `anhu replay smoke|fall` and the demo run, as plain functions.

They publish only: importing the registry of who publishes is the caller's part (`fleet.build(…).registry_toml()`,
`replay_registry_toml`, `worn_registry_toml`).
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from simulators import fleet as fleets
from simulators import recording as recordings
from simulators import worn
from simulators.devices import Devices
from simulators.fire_in_home import RecordedFire, cast_fire
from simulators.fleet import Fleet
from simulators.premises import registry_toml
from simulators.publish import Counts, Publisher
from simulators.recording import Recording
from simulators.replay import INSTITUTION, Replay, home
from simulators.scenario import Scenario
from simulators.schedule import Begun, Clock, Progress, run
from simulators.source import Source
from simulators.truth import truth_of
from simulators.worn import Activity, Worn


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    progress: Progress
    counts: Counts


OnProgress = Callable[[Progress], None]


def simulate(
    mqtt_url: str,
    *,
    institutions: int = 20,
    devices_per: int = 100,
    seed: int = 7,
    speed: float = 1.0,
    duration_s: float | None = None,
    incidents_per_hour: float = 15.0,
    truth_file: Path | None = None,
    stop: threading.Event | None = None,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Plays a fleet until *stop* is set or *duration_s* of simulated time is over.

    *truth_file* gets one JSON line for each incident as it begins. Raises ValueError for arguments out of range,
    BrokerUnreachable when there is no broker to publish to, OSError when *truth_file* cannot be written.
    """
    clock = Clock()
    fleet = fleets.build(institutions, devices_per, seed)
    scenario = Scenario(fleet, seed, incidents_per_hour)
    source = Devices(fleet, scenario, seed, clock.now_us() / 1e6)
    return _play(mqtt_url, source, clock, speed, duration_s, truth_file, stop, on_progress)


def demo_fleet(institutions: int = 20, devices_per: int = 100, seed: int = 7) -> Fleet:
    """The fleet `demo` plays with the same arguments; its first home is where the fire burns."""
    return fleets.build(institutions, devices_per, seed)


def demo(
    mqtt_url: str,
    *,
    institutions: int = 20,
    devices_per: int = 100,
    seed: int = 7,
    speed: float = 1.0,
    duration_s: float | None = None,
    incidents_per_hour: float = 15.0,
    fire_after_s: float = 60.0,
    fire_quiet_between_s: float = 900.0,
    truth_file: Path | None = None,
    stop: threading.Event | None = None,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """`simulate`, and in the first home's kitchen the bundled recorded fire.

    It starts *fire_after_s* after the start and again *fire_quiet_between_s* after each return to clean air. Raises as
    `simulate` does.
    """
    clock = Clock()
    fleet = demo_fleet(institutions, devices_per, seed)
    fire = cast_fire(fleet, recordings.bundled(), first_s=fire_after_s, quiet_between_s=fire_quiet_between_s)
    source = demo_source(fleet, fire, seed, incidents_per_hour, clock.now_us() / 1e6)
    return _play(mqtt_url, source, clock, speed, duration_s, truth_file, stop, on_progress)


def demo_source(
    fleet: Fleet, fire: RecordedFire, seed: int, incidents_per_hour: float, start_epoch_s: float
) -> Devices:
    """The demo's devices: quiet days, occasional incidents, and *fire*, whose detectors meet no other incident."""
    scenario = Scenario(fleet, seed, incidents_per_hour, spared=fire.devices)
    return Devices(fleet, scenario, seed, start_epoch_s, fire)


def replay_recording(path: Path | None) -> Recording:
    """The recording at *path*, or the bundled one; raises NotARecording."""
    return recordings.bundled() if path is None else recordings.load(path)


def replay_registry_toml(recording: Recording, institution: str = INSTITUTION) -> str:
    """Registry file of the home `replay_smoke` plays *recording* in."""
    return registry_toml([home(recording, institution)])


def replay_smoke(
    mqtt_url: str,
    path: Path | None = None,
    *,
    institution: str = INSTITUTION,
    speed: float = 1.0,
    baseline_s: float = 60.0,
    seed: int = 7,
    truth_file: Path | None = None,
    stop: threading.Event | None = None,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Plays a recorded home fire once: *baseline_s* of quiet, the fire, five minutes back to clean air.

    Raises NotARecording for a file that is none, ValueError for arguments out of range, BrokerUnreachable, OSError.
    """
    recording = replay_recording(path)
    home(recording, institution)  # refuses a code the registry would not take, before anything is sent
    source = Replay(recording, seed, institution=institution, baseline_s=baseline_s)
    return _play(mqtt_url, source, Clock(), speed, None, truth_file, stop, on_progress)


def worn_registry_toml(wear: str, institution: str = worn.INSTITUTION) -> str:
    """Registry file of the home whose wearer `replay_worn` plays."""
    return registry_toml([worn.home(wear, institution)])


def replay_worn(
    mqtt_url: str,
    activities: Sequence[Activity],
    *,
    institution: str = worn.INSTITUTION,
    truth_file: Path | None = None,
    stop: threading.Event | None = None,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Plays recorded activities of a person as windows of acceleration, at the speed they were done.

    Raises BrokerUnreachable, OSError.
    """
    source = Worn(activities, institution=institution)
    return _play(mqtt_url, source, Clock(), 1.0, None, truth_file, stop, on_progress)


def _play(
    mqtt_url: str,
    source: Source,
    clock: Clock,
    speed: float,
    duration_s: float | None,
    truth_file: Path | None,
    stop: threading.Event | None,
    on_progress: OnProgress | None,
) -> Outcome:
    publisher = Publisher(mqtt_url)
    with _truth(truth_file) as truth, publisher:
        progress = run(
            source,
            publisher,
            speed,
            stop or threading.Event(),
            clock,
            duration_s=duration_s,
            on_begun=None if truth is None else lambda begun: _log(truth, begun),
            on_progress=on_progress,
        )
        return Outcome(progress, publisher.close())


@contextlib.contextmanager
def _truth(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    with path.open("w", encoding="utf-8", buffering=1) as file:  # line by line: readable while the run goes on
        yield file


def _log(file: TextIO, begun: Begun) -> None:
    times = {"start_at": _iso(begun.start_us), "end_at": _iso(begun.end_us)}
    file.write(json.dumps({**times, **truth_of(begun.incident).as_record()}, ensure_ascii=False) + "\n")


def _iso(epoch_us: int) -> str:
    return datetime.fromtimestamp(epoch_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
