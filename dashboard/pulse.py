"""The intake's pulse: whether it lives, and how many readings it stored in the last minute.

Counting the rows of the last minute would read the whole day (the table has no index by time alone); the pipelines
count for themselves, and two of their counts a minute apart tell it for nothing.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ingest.history import Heartbeat
from ingest.reading import to_us

_MINUTE_S: Final = 60.0


class _Count(NamedTuple):
    at_s: float
    stored: int  # since this object began to look


class Pulse:
    """What is known of the pipelines' heartbeats; `now_s` is a monotonic clock's."""

    def __init__(self, silence_s_max: float) -> None:
        self._silence_s_max = silence_s_max
        self._newest: list[Heartbeat] = []
        self._seen_at_s = float("-inf")
        self._last: dict[int, tuple[datetime, int]] = {}  # shard → (start of the process, readings since)
        self._stored = 0
        self._counts: deque[_Count] = deque()
        self._beat_us = 0  # in the spool

    def note(self, heartbeats: Sequence[Heartbeat], now_s: float) -> None:
        """Take in what the table says now."""
        for beat in heartbeats:
            started_at, readings = self._last.get(beat.shard, (None, beat.readings))
            if started_at is not None and (started_at != beat.started_at or beat.readings < readings):
                readings = 0  # another process took over and counts from zero
            self._stored += beat.readings - readings
            self._last[beat.shard] = (beat.started_at, beat.readings)
        self._newest = list(heartbeats)
        self._seen_at_s = now_s
        self._counts.append(_Count(now_s, self._stored))
        while len(self._counts) > 1 and self._counts[1].at_s <= now_s - _MINUTE_S:
            self._counts.popleft()

    def note_beat(self, at_us: int) -> None:
        """A pipeline on this machine left a sign of life in its spool at `at_us`, in µs since 1970."""
        self._beat_us = at_us

    def alive(self, now_s: float, now: datetime) -> bool:
        """Whether every pipeline gave a sign lately, or one of this machine did so in its spool while the database
        was away; False when it cannot be known."""
        if to_us(now) - self._beat_us < self._silence_s_max * 1e6:
            return True
        unseen_s = now_s - self._seen_at_s
        return bool(self._newest) and all(beat.age_s + unseen_s < self._silence_s_max for beat in self._newest)

    def readings_last_minute(self) -> int:
        """Readings stored in the last minute, as far as this object has looked on."""
        return self._counts[-1].stored - self._counts[0].stored if self._counts else 0
