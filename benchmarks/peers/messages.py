"""What is sent: the ordinary load, and the known set of messages of a fault run. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from benchmarks import fleet
from benchmarks.load import CONNECTIONS, Load

QUANTITIES: Final = ("smoke_alarm", "temperature", "battery")
QUIET_COUNT: Final = 992  # devices that never call; those after them call once each
ALARM_FIRST: Final = QUIET_COUNT
ALARM_COUNT: Final = fleet.LOADED_COUNT - QUIET_COUNT - 1  # the last one ticks
REPEAT_S: Final = 3.0  # a detector that calls says so again this often …
REPEATS: Final = 4  # … so often, and then that all is clear
ALARMS_S_MIN: Final = 6.0  # the fault comes after five
RESEND_EVERY: Final = 5
RESEND_AFTER_S: Final = 4.0

Form = Callable[[int, int], bytes]  # µs since 1970, the contact → the payload


def native(due_us: int, contact: int) -> bytes:
    """Anhu's native JSON, which Node-RED reads as well.

    >>> native(1_700_000_000_000_001, 1)
    b'{"measured_at":1700000000.000001,"values":{"smoke_alarm":1,"temperature":21.1,"battery":99}}'
    """
    seconds, rest = divmod(due_us, 1_000_000)
    values = b'"values":{"smoke_alarm":%d,"temperature":21.%d,"battery":99}}' % (contact, due_us % 10)
    return b'{"measured_at":%d.%06d,' % (seconds, rest) + values


def plain(due_us: int, contact: int) -> bytes:
    """The same three readings as collectd's mqtt plugin reads them: time and values between colons.

    >>> plain(1_700_000_000_000_001, 1)
    b'1700000000.000001:1:21.1:99'
    """
    seconds, rest = divmod(due_us, 1_000_000)
    return b"%d.%06d:%d:21.%d:99" % (seconds, rest, contact, due_us % 10)


@dataclass(frozen=True, slots=True)
class PeerLoad(Load):
    """A load of three readings a message in the form a peer reads."""

    form: Form = native

    @property
    def quantities(self) -> tuple[str, ...]:
        """What a message holds."""
        return QUANTITIES

    def payload(self, number: int) -> bytes:
        """The message, as `form` writes it."""
        return self.form(self.due_us(number), int(self.alarm))


class Message(NamedTuple):
    """One message of a fault run; `again` when it was sent before."""

    due_us: int  # when to send it
    device: int
    measured_us: int
    contact: int
    again: bool


def fault_messages(
    start_us: int, rate_per_s: float, seconds: float, alarm_devices: Sequence[int], *, resend: bool
) -> list[Message]:
    """The messages of one fault run, by the time they are to be sent.

    Quiet devices send at `rate_per_s` all the `seconds`; each of `alarm_devices` begins to call at its own moment,
    spread evenly over the first `alarm_seconds`, repeats it every REPEAT_S, and after REPEATS is at rest again.
    With `resend` every fifth message goes out once more RESEND_AFTER_S later, as a gateway does that saw no
    acknowledgement.
    """
    first = [
        *_quiet(start_us, rate_per_s, seconds),
        *_alarms(start_us, alarm_seconds(seconds), alarm_devices),
    ]
    first.sort()
    later = first[::RESEND_EVERY] if resend else []
    again = [each._replace(due_us=each.due_us + int(RESEND_AFTER_S * 1e6), again=True) for each in later]
    return sorted([*first, *again])


def alarm_seconds(seconds: float) -> float:
    """How long alarms begin in a run of `seconds`: so that most have ended with it, and ALARMS_S_MIN at least.

    >>> alarm_seconds(40.0), alarm_seconds(10.0)
    (28.0, 6.0)
    """
    return max(ALARMS_S_MIN, seconds - REPEATS * REPEAT_S)


def _quiet(start_us: int, rate_per_s: float, seconds: float) -> Iterator[Message]:
    for number in range(round(rate_per_s * seconds)):
        due_us = start_us + int(number * 1_000_000 / rate_per_s)
        yield Message(due_us, number % QUIET_COUNT, due_us, 0, again=False)


def _alarms(start_us: int, seconds: float, devices: Sequence[int]) -> Iterator[Message]:
    for place, device in enumerate(devices):
        began_us = start_us + int(place * seconds * 1_000_000 / len(devices))
        for turn in range(REPEATS + 1):
            due_us = began_us + int(turn * REPEAT_S * 1e6)
            yield Message(due_us, device, due_us, int(turn < REPEATS), again=False)


def connection_of(device: int) -> int:
    """Which of the CONNECTIONS a device sends over."""
    return device % CONNECTIONS
