"""An open loop of messages: what is due when, whatever the service does. Pure; publisher.py sends it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks import fleet

CONNECTIONS: Final = 16
BACKLOG_S_MAX: Final = 1.0  # a rate is kept up with when all is stored so long after the last message was due
CLOSE_ENOUGH: Final = 1.06
_TEMPERATURES: Final = 64


@dataclass(frozen=True, slots=True)
class Load:
    """`count` messages, the first due at `start_us` (µs since 1970), the others at a steady `rate_per_s`.

    They come from `device_count` devices in turn, beginning with device `device_first` and going on by `stride`, or
    from those `chosen`, over `connections` connections, of which a device always uses the same one. An `alarm` is a
    smoke alarm's contact closing, else it is quiet. `topic_of` says where a device publishes.
    """

    rate_per_s: float
    count: int
    start_us: int
    device_first: int = 0
    device_count: int = fleet.LOADED_COUNT
    connections: int = CONNECTIONS
    alarm: bool = False
    stride: int = 1
    chosen: tuple[int, ...] = ()
    topic_of: Callable[[int], str] = fleet.topic

    def __post_init__(self) -> None:
        shared_out = len(self.devices) % self.connections == 0 and math.gcd(self.device_count, self.stride) == 1
        if self.rate_per_s <= 0 or self.count < 1 or not shared_out:
            raise ValueError("a load has a rate, messages, and devices that can be shared out over its connections")

    @property
    def last_us(self) -> int:
        """When the last message is due."""
        return self.due_us(self.count - 1)

    @property
    def quantities(self) -> tuple[str, ...]:
        """What a message holds."""
        return ("smoke_alarm",) if self.alarm else fleet.QUIET

    @property
    def values_each(self) -> int:
        """How many readings a message tells."""
        return len(self.quantities)

    @property
    def devices(self) -> Sequence[int]:
        """Which devices send."""
        return self.chosen or range(self.device_first, self.device_first + self.device_count)

    @property
    def codes(self) -> frozenset[str]:
        """Of the devices whose turn comes."""
        return frozenset(fleet.device_code(self.device(number)) for number in range(self.count))

    def due_us(self, number: int) -> int:
        """When message `number` is due, which is also its measured_at: our own lateness shows as latency."""
        return self.start_us + int(number * 1_000_000 / self.rate_per_s)

    def due_count(self, now_us: int) -> int:
        """How many messages are due by `now_us`."""
        if now_us < self.start_us:
            return 0
        number = min(self.count - 1, int((now_us - self.start_us) * self.rate_per_s / 1_000_000) + 1)
        while self.due_us(number) > now_us:  # at most once: both are rounded down
            number -= 1
        return number + 1

    def device(self, number: int) -> int:
        """Which device sends message `number`."""
        if self.chosen:
            return self.chosen[number % len(self.chosen)]
        return self.device_first + number * self.stride % self.device_count

    def payload(self, number: int) -> bytes:
        """The message as Anhu's native JSON."""
        due_us = self.due_us(number)
        at = b'{"measured_at":%d.%06d,"values":' % (due_us // 1_000_000, due_us % 1_000_000)
        return at + (b'{"smoke_alarm":1}}' if self.alarm else _QUIET_VALUES[number % _TEMPERATURES])


_QUIET_VALUES: Final = [
    b'{"smoke_obscuration":0.0%02d,"temperature":21.%d,"battery":99}}' % (step % 40, step % 10)
    for step in range(_TEMPERATURES)
]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one load: how many of its messages are stored, and when the last one was seen to be.

    `neighbours_percent`: of one core, what others on the machine took meanwhile; `idle_percent`: what nobody took.
    """

    load: Load
    stored: int
    stored_us: int
    neighbours_percent: float = 0.0
    idle_percent: float = 0.0
    backlog_s_max: float = BACKLOG_S_MAX

    @property
    def backlog_s(self) -> float:
        """From the last message's time to its row."""
        return (self.stored_us - self.load.last_us) / 1e6

    @property
    def stored_per_s(self) -> float:
        """Messages, over the time from the first due to the last stored."""
        return self.stored / max((self.stored_us - self.load.start_us) / 1e6, 1e-6)

    @property
    def sustained(self) -> bool:
        """Whether the rate was kept up with."""
        return self.stored == self.load.count and self.backlog_s <= self.backlog_s_max


def search(trial: Callable[[float], Trial], first_per_s: float, *, tries_max: int) -> list[Trial]:
    """Try rates from `first_per_s` on: up by a quarter until one is too much, down to what was stored until one is
    kept up with, then between the two until they are 6 % apart.

    A rate is too much when it failed twice: the first time may have been a neighbour on the machine.
    """
    trials: list[Trial] = []
    low, high, rate = 0.0, math.inf, first_per_s
    while len(trials) < tries_max and (low == 0 or high / low > CLOSE_ENOUGH):
        done = trial(rate)
        failed_before = bool(trials) and trials[-1].load.rate_per_s == rate
        trials.append(done)
        if done.sustained:
            low = max(low, rate)
        elif failed_before:
            high = min(high, rate)
        else:
            continue
        if low == 0:
            rate = max(min(done.stored_per_s, 0.95 * rate), rate / 4)
        else:
            rate = low * 1.25 if high == math.inf else math.sqrt(low * high)
    return trials


def best(trials: list[Trial]) -> float:
    """The highest rate that was kept up with; 0 when none was."""
    return max((each.load.rate_per_s for each in trials if each.sustained), default=0.0)
