"""Lost and doubled, counted against what was sent. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks import fleet
from benchmarks.peers.messages import QUANTITIES, Message

Key = tuple[str, int]  # device code, µs since 1970


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one fault run."""

    rows_sent: int
    rows_lost: int
    rows_doubled: int
    alerts_sent: int
    alerts_lost: int
    alerts_doubled: int


def keys(messages: Iterable[Message]) -> set[Key]:
    """Each message once, however often it was sent."""
    return {(fleet.device_code(each.device), each.measured_us) for each in messages}


def callers(messages: Iterable[Message]) -> set[str]:
    """The devices that called."""
    return {fleet.device_code(each.device) for each in messages if each.contact}


def tally(messages: Iterable[Message], rows: Iterable[tuple[str, int, int]], alerts: Mapping[str, int]) -> Tally:
    """Count a run.

    `rows`: of each device and moment, how many rows there are, doubles included, and each of a message's readings
    on its own (so three lines a message where all is well); `alerts`: how many there are, by device. Rows and alerts
    nobody sent count as doubled: they are there and should not be.
    """
    messages = list(messages)
    wanted, calling = keys(messages), callers(messages)
    found: dict[Key, int] = dict.fromkeys(wanted, 0)
    surplus = 0
    for code, at_us, count in rows:
        surplus += count - 1
        if (code, at_us) in found:
            found[code, at_us] += 1
        else:
            surplus += 1
    each = len(QUANTITIES)
    return Tally(
        rows_sent=each * len(wanted),
        rows_lost=sum(each - count for count in found.values()),
        rows_doubled=surplus,
        alerts_sent=len(calling),
        alerts_lost=sum(1 for code in calling if not alerts.get(code)),
        alerts_doubled=sum(count - (1 if code in calling else 0) for code, count in alerts.items() if count),
    )
