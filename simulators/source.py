"""A source of messages: what the publisher's scheduler asks for, whoever makes them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.scenario import Incident


class Stretch(NamedTuple):
    """Samples of an accelerometer up to the moment they are sent; float32[n, 3] in g, of a sensor of ±range_g."""

    rate_hz: float
    range_g: float
    acceleration: NDArray[np.float32]


class Message(NamedTuple):
    """One report of one device, *offset_s* seconds after the source's start; values by quantity, in its unit, or else a
    stretch of acceleration."""

    offset_s: float
    topic: str
    values: Mapping[str, float]
    origin: str = "simulated"
    """simulated, recorded (a sample of a real recording) or synthetic (made up around a recording)."""
    stretch: Stretch | None = None


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
