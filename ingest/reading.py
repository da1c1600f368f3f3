"""Readings: a sample as decoded, and the batch of numpy columns everything after decoding works on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ingest.errors import BadTime, Refusal

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MILLISECONDS_FROM: Final = 1e11  # as seconds this is the year 5138, as milliseconds 1973: devices send either

GOOD: Final = 0
OUT_OF_RANGE: Final = 1  # outside what a working sensor can report: stored, not judged

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Int16 = NDArray[np.int16]
Float32 = NDArray[np.float32]


class Sample(NamedTuple):
    """One decoded value, before the registry says which point it belongs to."""

    device: str
    quantity: str
    measured_at_us: int
    value: float
    unit: str | None = None


class Rejection(NamedTuple):
    """A message, or a part of one, that cannot become a reading."""

    reason: Refusal
    detail: str


@dataclass(slots=True)
class Decoded:
    """What one message held: good samples, and what had to be refused beside them."""

    samples: list[Sample]
    rejections: list[Rejection]

    @classmethod
    def refused(cls, reason: Refusal, detail: str) -> Self:
        """A message of which nothing could be kept."""
        return cls([], [Rejection(reason, detail)])


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """Readings as columns of equal length.

    point_id int32[n]; measured_at_us, received_at_us int64[n], microseconds since 1970 UTC; value float32[n] in the
    point's unit; quality int16[n], GOOD or a reason not to judge.
    """

    point_id: Int32
    measured_at_us: Int64
    received_at_us: Int64
    value: Float32
    quality: Int16

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in self.__slots__}
        if len(lengths) != 1:
            raise ValueError(f"columns of different lengths: {lengths}")

    def __len__(self) -> int:
        return len(self.point_id)

    @classmethod
    def build(
        cls,
        point_id: Sequence[int],
        measured_at_us: Sequence[int],
        received_at_us: Sequence[int],
        value: Sequence[float] | NDArray[np.float64],
        quality: Sequence[int] | None = None,
    ) -> Self:
        """A batch from plain sequences."""
        return cls(
            np.asarray(point_id, np.int32),
            np.asarray(measured_at_us, np.int64),
            np.asarray(received_at_us, np.int64),
            np.asarray(value, np.float32),
            np.zeros(len(point_id), np.int16) if quality is None else np.asarray(quality, np.int16),
        )

    def joined(self, other: Self) -> Self:
        """These rows and then those of `other`."""
        return type(self)(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__slots__))

    def take(self, index: NDArray[Any]) -> Self:
        """The rows `index` (int or bool array) names."""
        return type(self)(*(getattr(self, name)[index] for name in self.__slots__))


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 UTC. Raises BadTime for a moment without a time zone."""
    if moment.tzinfo is None:
        raise BadTime(f"{moment} has no time zone")
    return (moment - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime:
    """The moment `us` microseconds after 1970, in UTC."""
    return EPOCH + us * MICROSECOND


def parse_time_us(value: object) -> int:
    """A wire time as microseconds since 1970 UTC: ISO 8601 with a zone, or epoch seconds (milliseconds from 10^11 on).

    Raises BadTime.

    >>> parse_time_us("2026-11-22T08:00:00+08:00") == parse_time_us(1795305600) == parse_time_us(1795305600000)
    True
    """
    if isinstance(value, str):
        try:
            return to_us(datetime.fromisoformat(value))
        except (ValueError, OverflowError) as error:
            raise BadTime(f"{value[:64]!r} is not ISO 8601: {error}") from error
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadTime(f"a time cannot be of type {type(value).__name__}")
    if abs(value) > 1e15 or not math.isfinite(value):  # in this order: an integer may be too large for a float
        raise BadTime(f"{str(value)[:64]} is not a time")
    seconds = value / 1000 if abs(value) >= MILLISECONDS_FROM else value
    return round(seconds * 1_000_000)
