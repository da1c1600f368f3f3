"""A source of which everything is known beforehand: recordings, not fleets."""

import math
from collections.abc import Iterable, Sequence

from simulators.scenario import Incident
from simulators.source import Message


class Timetable:
    """Messages and incidents in the order of their time, handed out as it comes (simulators.source.Source)."""

    def __init__(self, messages: Iterable[Message], incidents: Iterable[Incident]) -> None:
        self._messages = tuple(messages)
        self._incidents = list(incidents)
        self._sent = 0
        self._reached_s = -math.inf

    @property
    def messages(self) -> Sequence[Message]:
        """Every message, in order."""
        return self._messages

    def next_s(self) -> float:
        """Offset of the next message; infinity after the last."""
        return self._messages[self._sent].offset_s if self._sent < len(self._messages) else math.inf

    def due(self, until_s: float) -> Sequence[Message]:
        """The messages not yet handed out, up to *until_s*."""
        start = self._sent
        while self._sent < len(self._messages) and self._messages[self._sent].offset_s <= until_s:
            self._sent += 1
        self._reached_s = max(self._reached_s, until_s)
        return self._messages[start : self._sent]

    def take_incidents(self) -> Sequence[Incident]:
        """The incidents that began since this was last asked."""
        begun = [each for each in self._incidents if each.start_s <= self._reached_s]
        self._incidents = self._incidents[len(begun) :]
        return begun
