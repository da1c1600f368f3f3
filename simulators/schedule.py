"""Sends a source's messages when they are due: an open loop, never waiting for the service to keep up."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ingest.formats import acceleration
from ingest.formats.native import encode
from simulators.scenario import Incident
from simulators.source import Message, Source

TICK_S: Final = 0.02
"""Messages due within one tick go out together."""
STEP_S_MAX: Final = 1.0
"""Longest stretch of source time (at speed 1) fetched at once: bounds memory after a pause."""
LAG_S_MAX: Final = 60.0
"""What is later than this is dropped: a device that could not send for a minute sends what is now."""
CLOCK_STEP_US: Final = 2_000_000
PROGRESS_EVERY_S: Final = 1.0
SPEED_MAX: Final = 10_000.0


class Outlet(Protocol):
    """Where messages go; `simulators.publish.Publisher` is one."""

    def publish(self, topic: str, payload: bytes, stop: threading.Event | None = None) -> bool:
        """Hands one message over; False when *stop* was set first."""
        ...


class Clock:
    """The machine's clocks; a test brings its own."""

    def now_us(self) -> int:
        """Wall clock, microseconds since 1970."""
        return time.time_ns() // 1_000

    def elapsed_s(self) -> float:
        """A clock that never steps, from any beginning."""
        return time.monotonic()

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Sleeps, or until *stop* is set."""
        stop.wait(seconds)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    offset_s: float
    """Source time reached."""
    sent: int
    dropped: int
    """Messages that were more than LAG_S_MAX late and not sent."""
    late_s: float
    """How far sending is behind the schedule now."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An incident and when, by the wall clock, it begins and ends at the run's speed."""

    incident: Incident
    start_us: int
    end_us: int


def run(
    source: Source,
    outlet: Outlet,
    speed: float,
    stop: threading.Event,
    clock: Clock,
    *,
    duration_s: float | None = None,
    on_begun: Callable[[Begun], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Plays *source* at *speed* (source seconds per second) until it ends, *duration_s* of source time or *stop*.

    A message's measured_at is the wall-clock time it was due at, so lateness of ours shows as latency and never hides.
    Raises ValueError for a speed that is not above 0 and at most SPEED_MAX.
    """
    if not 0 < speed <= SPEED_MAX:  # also refuses NaN
        raise ValueError(f"speed must be above 0 and at most {SPEED_MAX:g}, not {speed}")
    state = _Run(source, outlet, speed, stop, clock, on_begun)
    end_s = math.inf if duration_s is None else duration_s
    told_s = -math.inf
    while True:
        now_s = state.now_s()
        state.send_up_to(min(now_s * speed, end_s))
        over = stop.is_set() or state.reached_s >= end_s or math.isinf(source.next_s())
        if on_progress is not None and (over or now_s - told_s >= PROGRESS_EVERY_S):
            told_s = now_s
            on_progress(state.progress())
        if over:
            return state.progress()
        # Whole ticks: a fleet has something due every few milliseconds, and one pass for many is cheaper than many.
        next_due_s = min(source.next_s(), end_s) / speed - state.now_s()
        clock.wait(stop, min(max(next_due_s, TICK_S), PROGRESS_EVERY_S))


class _Run:
    """The state of one run."""

    def __init__(
        self,
        source: Source,
        outlet: Outlet,
        speed: float,
        stop: threading.Event,
        clock: Clock,
        on_begun: Callable[[Begun], None] | None,
    ) -> None:
        self._source = source
        self._outlet = outlet
        self._speed = speed
        self._stop = stop
        self._clock = clock
        self._on_begun = on_begun
        self._began_s = clock.elapsed_s()
        self._start_us = clock.now_us()
        self._sent = 0
        self._dropped = 0
        self.reached_s = 0.0

    def now_s(self) -> float:
        """Seconds since the run began."""
        return self._clock.elapsed_s() - self._began_s

    def progress(self) -> Progress:
        late_s = max(self.now_s() - self.reached_s / self._speed, 0.0)
        return Progress(self.reached_s, self._sent, self._dropped, late_s)

    def send_up_to(self, goal_s: float) -> None:
        """Sends what is due up to *goal_s* of source time, in bounded steps, unless stopped."""
        self._follow_wall_clock()
        while not self._stop.is_set():
            step_s = min(goal_s, self.reached_s + STEP_S_MAX * max(self._speed, 1.0))
            now_s = self.now_s()
            for message in self._source.due(step_s):
                at_s = message.offset_s / self._speed
                if now_s - at_s > LAG_S_MAX:
                    self._dropped += 1
                    continue
                payload = _payload(message, self._start_us + round(at_s * 1e6))
                if not self._outlet.publish(message.topic, payload, self._stop):
                    return
                self._sent += 1
            self.reached_s = step_s
            self._tell_begun()
            if step_s >= goal_s:
                return

    def _tell_begun(self) -> None:
        for incident in self._source.take_incidents():
            if self._on_begun is not None:
                start_us, end_us = (
                    self._start_us + round(s / self._speed * 1e6) for s in (incident.start_s, incident.end_s)
                )
                self._on_begun(Begun(incident, start_us, end_us))

    def _follow_wall_clock(self) -> None:
        """Takes a new beginning when the wall clock was set or the machine slept."""
        start_us = self._clock.now_us() - round(self.now_s() * 1e6)
        if abs(start_us - self._start_us) > CLOCK_STEP_US:
            self._start_us = start_us


def _payload(message: Message, at_us: int) -> bytes:
    stretch = message.stretch
    if stretch is None:
        return encode(at_us, message.values)
    start_us = at_us - round(len(stretch.acceleration) * 1e6 / stretch.rate_hz)
    return acceleration.encode(start_us, stretch.rate_hz, stretch.range_g, stretch.acceleration)
