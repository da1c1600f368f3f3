"""What the devices of one institution say during a fault, message by message. Pure: the publisher sends it, and the
books are checked against it."""

import math
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from ingest.registry_file import DeviceDraft, Draft, InstitutionDraft, ZoneDraft

DEVICES: Final = 20  # that report quietly all the time
ALARMS_MAX: Final = 60  # alarm devices of an institution: each calls once in its life
SAYINGS: Final = 3  # an alarm device says so three times
QUIET: Final = ("smoke_obscuration", "temperature")
REPORT_INTERVAL_S: Final = 86_400  # nobody counts as lost while a fault lasts
AGAIN_AFTER: Final = 7  # messages later, where one is sent a second time


class Reading(NamedTuple):
    """What must be a row, once; `measured_us` since 1970."""

    device: str
    quantity: str
    measured_us: int


class Stage(NamedTuple):
    """So many seconds at that rate."""

    seconds: float
    rate_per_s: float


@dataclass(frozen=True)
class Plan:
    """Messages of `institution`, the first due at `start_us` (µs since 1970), at the rates of `stages`, the last of
    which goes on until it is enough.

    `alarms` devices call, one every `alarm_every_s`. `held_back_s`: so long before it is sent a message was measured.
    `again_every`: each so many-th message is sent a second time, as a redelivery.
    """

    institution: str
    start_us: int
    stages: tuple[Stage, ...] = (Stage(math.inf, 300.0),)
    alarms: int = 20
    alarm_every_s: float = 0.6
    held_back_s: float = 0.0
    again_every: int = 0
    seed: int = 8

    def due_us(self, number: int) -> int:
        """When message `number` is sent."""
        left, begun_s = float(number), 0.0
        for stage in self.stages[:-1]:
            held = stage.seconds * stage.rate_per_s
            if left < held:
                return self.start_us + int((begun_s + left / stage.rate_per_s) * 1e6)
            left -= held
            begun_s += stage.seconds
        return self.start_us + int((begun_s + left / self.stages[-1].rate_per_s) * 1e6)

    def caller(self, number: int) -> int | None:
        """Which alarm device message `number` is of; None for those of the quiet ones."""
        place, beside = divmod(number, self._alarm_gap)
        if beside != self._alarm_gap - 1 or place >= self.alarms * SAYINGS:
            return None
        return place // SAYINGS

    def topic(self, number: int) -> str:
        """Where message `number` is published."""
        return f"anhu/v1/{self.institution}/{self._device(number)}/readings"

    def payload(self, number: int) -> bytes:
        """Message `number` in Anhu's native JSON."""
        if self.caller(number) is not None:
            values = '"smoke_alarm":1'
        else:
            noise = self._noise[number % len(self._noise)]
            values = f'"smoke_obscuration":{0.01 + noise / 50:.4f},"temperature":{21 + noise:.2f}'
        seconds, micros = divmod(self.measured_us(number), 1_000_000)
        return f'{{"measured_at":{seconds}.{micros:06d},"values":{{{values}}}}}'.encode()

    def measured_us(self, number: int) -> int:
        """When message `number` was measured; of one device no two are the same."""
        return self.due_us(number) - int(self.held_back_s * 1e6)

    def readings(self, number: int) -> list[Reading]:
        """What of message `number` must be a row."""
        quantities = QUIET if self.caller(number) is None else ("smoke_alarm",)
        return [Reading(self._device(number), each, self.measured_us(number)) for each in quantities]

    def callers(self, count: int) -> dict[str, int]:
        """The devices that called in the first `count` messages, and when each did first (µs since 1970)."""
        found: dict[str, int] = {}
        for place in range(min(self.alarms * SAYINGS, count // self._alarm_gap)):
            number = (place + 1) * self._alarm_gap - 1
            found.setdefault(self._device(number), self.due_us(number))
        return found

    def _device(self, number: int) -> str:
        caller = self.caller(number)
        if caller is None:
            return quiet_code(self.institution, number % DEVICES)
        return alarm_code(self.institution, caller)

    @cached_property
    def _alarm_gap(self) -> int:
        return max(2, round(self.stages[0].rate_per_s * self.alarm_every_s / SAYINGS))

    @cached_property
    def _noise(self) -> list[float]:
        chance = random.Random(self.seed)
        return [chance.random() / 10 for _ in range(997)]


def quiet_code(institution: str, number: int) -> str:
    """A device that only reports."""
    return f"{institution}-d{number:02d}"


def alarm_code(institution: str, number: int) -> str:
    """A device that calls."""
    return f"{institution}-a{number:02d}"


def registry(institutions: list[str]) -> Draft:
    """The institutions, each with its devices. An alarm device stands in a zone of its own: two that call in one zone
    confirm each other, which would be one alert more."""
    draft = Draft()
    for code in institutions:
        home = InstitutionDraft(code, f"故障测试院 {code}", f"Fault Home {code}", "nursing_home", "220322")
        draft.institutions[code] = home
        hall = home.zones.setdefault("hall", ZoneDraft("hall", "走廊", "Hall", "corridor", 1))
        for number in range(DEVICES):
            name = quiet_code(code, number)
            hall.devices[name] = DeviceDraft(name, name, "multi", "FAULT", REPORT_INTERVAL_S, QUIET)
        for number in range(ALARMS_MAX):
            room, name = f"room-{number:02d}", alarm_code(code, number)
            zone = home.zones.setdefault(room, ZoneDraft(room, f"房间 {number}", f"Room {number}", "bedroom", 1))
            zone.devices[name] = DeviceDraft(name, name, "smoke", "FAULT", REPORT_INTERVAL_S, ("smoke_alarm",))
    return draft
