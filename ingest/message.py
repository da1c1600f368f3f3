"""A message as it came, how it may be refused, and what is kept of one that was."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from ingest.errors import Refusal
from ingest.reading import Rejection

PAYLOAD_KEPT_BYTES: Final = 2048
DETAIL_LENGTH_MAX: Final = 500
TOPIC_LENGTH_MAX: Final = 500


class Message(NamedTuple):
    """One message as it came; times in µs since 1970. `receipt` is the source's own handle for the acknowledgement.
    `retained`: the broker had kept it, and says so because we asked for its topic only now."""

    topic: str
    payload: bytes
    received_at_us: int
    receipt: object = None
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too large, too early and too late."""

    payload_bytes_max: int
    future_us_max: int
    age_us_max: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What could not be taken in. `payload` is cut to PAYLOAD_KEPT_BYTES; `payload_bytes` is its whole length."""

    received_at_us: int
    topic: str
    reason: Refusal
    detail: str
    payload: bytes
    payload_bytes: int


def dead_letter(message: Message, rejection: Rejection) -> DeadLetter:
    """`message` as a dead letter. NUL cannot be stored in a text column, and is shown instead."""
    return DeadLetter(
        message.received_at_us,
        message.topic[:TOPIC_LENGTH_MAX].replace("\0", "\\0"),
        rejection.reason,
        rejection.detail[:DETAIL_LENGTH_MAX].replace("\0", "\\0").encode("utf-8", "replace").decode(),
        message.payload[:PAYLOAD_KEPT_BYTES],
        len(message.payload),
    )


def too_large(message: Message, limits: Limits) -> Rejection:
    """Why a message is too large; only for one that is."""
    return Rejection(Refusal.TOO_LARGE, f"{len(message.payload)} bytes; at most {limits.payload_bytes_max} are read")


def untimely(what: str, measured_at_us: int, message: Message, limits: Limits) -> Rejection | None:
    """Why a measurement is too early or too late, None where it is neither."""
    ahead_us = measured_at_us - message.received_at_us
    if ahead_us > limits.future_us_max:
        return Rejection(Refusal.FUTURE, f"{what}: measured {ahead_us / 1e6:.0f} s after its arrival")
    if ahead_us < -limits.age_us_max:
        return Rejection(Refusal.ANCIENT, f"{what}: measured {-ahead_us / 86_400e6:.1f} days before its arrival")
    return None
