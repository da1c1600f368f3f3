"""A source of messages: what the publisher's scheduler asks for, whoever makes them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from simulators.scenario import Incident


class Message(NamedTuple):
    """One report of one device, *offset_s* seconds after the source's start; values by quantity, in its unit."""

    offset_s: float
    topic: str
    values: Mapping[str, float]
    origin: str = "simulated"
    """simulated, recorded (a sample of a real recording) or synthetic (made up around a recording)."""


class Source(Protocol):
    """Something that has messages to send, in order of time."""

    def due(self, until_s: float) -> Sequence[Message]:
        """The messages after the last call's *until_s*, up to and including this one, in order of offset."""
        ...

    def next_s(self) -> float:
        """Offset of the next message; infinity when there will be none."""
        ...

    def take_incidents(self) -> Sequence[Incident]:
        """The incidents that began since this was last asked."""
        ...
