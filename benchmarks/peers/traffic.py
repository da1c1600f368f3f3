"""What a fault's trial sends, and what must be there afterwards. Pure; sender.py sends it.

Quiet devices report in turn at a steady rate. Between them alarms begin: a smoke alarm's contact closes, is still
closed three seconds later, and opens after six; so an alert is one a device, whatever else happens. With `repeated`,
every fifth message comes once more eight seconds later, as after a lost acknowledgement: with the same time and
content.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from benchmarks import fleet

ALARMS: Final = 40  # in forty rooms: detectors of one room confirm each other, which would be another alert
FIRST_ALARM_S: Final = 1.0
STILL_S: Final = 3.0
OVER_S: Final = 6.0
EVERY: Final = 5
AGAIN_S: Final = 8.0
QUIET_FIRST: Final = 500  # the alarms' devices are below

Values = tuple[tuple[str, float], ...]


class Said(NamedTuple):
    """What a device says at `at_us` (µs since 1970)."""

    at_us: int
    device: int
    values: Values


class Post(NamedTuple):
    """One message as it goes out at `due_us`."""

    due_us: int
    topic: str
    payload: bytes


Form = Callable[[Said], list[tuple[str, bytes]]]


@dataclass(frozen=True)
class Traffic:
    """The messages in their order, how many readings they tell (each counted once), and the alarms' device codes."""

    posts: tuple[Post, ...]
    readings: int
    alarms: frozenset[str]


def alarm_device(number: int) -> int:
    """The device of alarm `number`: another room each, for the first hundred.

    >>> len({(n // 100, n % 5) for n in map(alarm_device, range(100))}), max(map(alarm_device, range(ALARMS))) // 100
    (100, 19)
    """
    institution, room = number % fleet.INSTITUTION_COUNT, number // fleet.INSTITUTION_COUNT
    return institution * fleet.DEVICES_EACH + room


def make(start_us: int, seconds: float, rate_per_s: float, form: Form, *, repeated: bool = False) -> Traffic:
    """`rate_per_s` quiet messages for `seconds`, and ALARMS alarms over the time that leaves each its seven seconds."""
    quiet_devices = [n for n in range(fleet.DEVICE_COUNT) if n % fleet.DEVICES_EACH >= len(fleet.ZONE_KINDS)]
    said = [
        Said(
            start_us + int(number * 1e6 / rate_per_s),
            quiet_devices[number % len(quiet_devices)],
            (("smoke_obscuration", number % 40 / 1000), ("temperature", 21 + number % 10 / 10), ("battery", 99.0)),
        )
        for number in range(round(seconds * rate_per_s))
    ]
    spacing_s = (seconds - FIRST_ALARM_S - OVER_S - 1) / ALARMS
    for number in range(ALARMS):
        began_us = start_us + int((FIRST_ALARM_S + number * spacing_s) * 1e6)
        said += [
            Said(began_us + int(after_s * 1e6), alarm_device(number), (("smoke_alarm", value),))
            for after_s, value in ((0.0, 1.0), (STILL_S, 1.0), (OVER_S, 0.0))
        ]
    said.sort()
    posts = [Post(each.at_us, *message) for each in said for message in form(each)]
    if repeated:
        alarm_count = 0
        for number, each in enumerate(said):
            begins = each.values == (("smoke_alarm", 1.0),)
            alarm_count += begins
            # every fifth of each kind: so the alarms' first messages are surely among them
            if (alarm_count if begins else number) % EVERY == 0:
                posts += [Post(each.at_us + int(AGAIN_S * 1e6), *message) for message in form(each)]
        posts.sort()
    codes = frozenset(fleet.device_code(alarm_device(number)) for number in range(ALARMS))
    return Traffic(tuple(posts), sum(len(each.values) for each in said), codes)


def native(said: Said) -> list[tuple[str, bytes]]:
    """As Anhu's own JSON: one message.

    >>> native(Said(1_000_000, 7, (("smoke_alarm", 1.0),)))
    [('anhu/v1/bench-001/dev-0007/readings', b'{"measured_at":1.000000,"values":{"smoke_alarm":1}}')]
    """
    values = ",".join(f'"{quantity}":{value:g}' for quantity, value in said.values)
    at = f"{said.at_us // 1_000_000}.{said.at_us % 1_000_000:06d}"
    return [(fleet.topic(said.device), f'{{"measured_at":{at},"values":{{{values}}}}}'.encode())]


def collectd(said: Said) -> list[tuple[str, bytes]]:
    """As collectd's MQTT plugin takes it: a message for each value, its time before it.

    >>> collectd(Said(1_500_000, 7, (("smoke_alarm", 1.0),)))
    [('collectd/dev-0007/anhu/gauge-smoke_alarm', b'1.500000:1')]
    """
    at = f"{said.at_us // 1_000_000}.{said.at_us % 1_000_000:06d}"
    head = f"collectd/{fleet.device_code(said.device)}/anhu/gauge-"
    return [(f"{head}{quantity}", f"{at}:{value:g}".encode()) for quantity, value in said.values]
