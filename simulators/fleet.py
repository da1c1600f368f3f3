"""A seeded fleet of nursing homes and rescue stations: who they are, their rooms, and what hangs in them.

Names are put together from neutral words; region codes are real counties so that a map has something to show, and say
nothing about any institution there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Final

import numpy as np

from simulators.premises import Device, Institution, Mounted, Zone, mounted, registry_toml

INSTITUTION_COUNT_MAX: Final = 100_000
DEVICES_PER_MAX: Final = 10_000
RESCUE_STATION_EVERY: Final = 5
"""One institution in five is a rescue station, the others are nursing homes."""

SYLLABLES: Final = (
    ("安", "an"), ("康", "kang"), ("福", "fu"), ("瑞", "rui"), ("颐", "yi"), ("祥", "xiang"),
    ("宁", "ning"), ("泰", "tai"), ("乐", "le"), ("松", "song"), ("春", "chun"), ("和", "he"),
    ("柏", "bai"), ("恩", "en"), ("寿", "shou"), ("嘉", "jia"),
)  # fmt: skip
NURSING_HOMES: Final = (("养老院", "Nursing Home"), ("敬老院", "Home for the Aged"), ("老年公寓", "Senior Residence"))
RESCUE_STATIONS: Final = (("救助管理站", "Rescue Station"), ("救助站", "Relief Station"))
FIRST_NAME: Final = ("安", "和")
"""The first institution is always 安和养老院: the demo's fire happens there."""
REGIONS: Final = ("220322", "220323", "220382", "220302", "220303", "220102", "220103", "220104", "220105", "220106")
"""Counties and districts of Siping and Changchun, Jilin (GB/T 2260)."""

ROOMS_PER_FLOOR: Final = 12
FLOORS_MAX: Final = 6

MODELS: Final = {
    "smoke": "SIM-S1",
    "heat": "SIM-H1",
    "gas": "SIM-G1",
    "co": "SIM-C1",
    "fall": "SIM-R1",
    "floor": "SIM-R2",
    "sos": "SIM-B1",
}
QUANTITIES: Final[dict[str, tuple[str, ...]]] = {
    "smoke": ("smoke_obscuration", "temperature", "battery"),
    "heat": ("temperature", "battery"),
    "gas": ("gas",),  # mains powered, like the radar
    "co": ("co", "battery"),
    "fall": ("fall",),  # decides by itself
    "floor": ("on_floor",),  # tells what it sees; the rule fall.floor waits
    "sos": ("sos", "battery"),
}
INTERVALS_S: Final = {"smoke": 30, "heat": 30, "gas": 30, "co": 30, "fall": 60, "floor": 60, "sos": 60}
KIND_NAMES: Final = {
    "smoke": "烟感",
    "heat": "温感",
    "gas": "燃气探测器",
    "co": "一氧化碳探测器",
    "fall": "跌倒雷达",
    "floor": "跌倒雷达",
    "sos": "呼叫按钮",
}
KIND_CODES: Final = {
    "smoke": "smk",
    "heat": "heat",
    "gas": "gas",
    "co": "co",
    "fall": "fall",
    "floor": "fall",
    "sos": "sos",
}
DEVICE_KINDS: Final = {"floor": "fall"}
"""What the registry calls it, where that is another name."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Institutions made by `build`."""

    institutions: tuple[Institution, ...]

    def devices(self) -> Iterator[Mounted]:
        """Every device with its zone and institution, in registry order."""
        return mounted(self.institutions)

    @property
    def device_count(self) -> int:
        """Devices in all institutions together."""
        return sum(len(zone.devices) for institution in self.institutions for zone in institution.zones)

    def registry_toml(self) -> str:
        """The registry file for `anhu registry import`."""
        return registry_toml(self.institutions)


@dataclass(frozen=True, slots=True)
class _Room:
    """A zone to be, and the kinds of device it would like, most wanted first."""

    code: str
    prefix: str
    name: str
    name_en: str
    kind: str
    floor: int
    wants: tuple[str, ...]


def build(institutions: int, devices_per: int, seed: int) -> Fleet:
    """A fleet of *institutions* homes `sim-001`… with exactly *devices_per* devices each; equal arguments, equal fleet.

    Raises ValueError when a count is below 1 or beyond what the codes allow.
    """
    if not 1 <= institutions <= INSTITUTION_COUNT_MAX:
        raise ValueError(f"institutions must be 1 to {INSTITUTION_COUNT_MAX}, not {institutions}")
    if not 1 <= devices_per <= DEVICES_PER_MAX:
        raise ValueError(f"devices per institution must be 1 to {DEVICES_PER_MAX}, not {devices_per}")
    rng = np.random.default_rng([seed, 0xF1EE7])
    names = _names(rng)
    return Fleet(tuple(_institution(number, devices_per, next(names), rng) for number in range(1, institutions + 1)))


def _institution(number: int, devices_per: int, words: tuple[str, str], rng: np.random.Generator) -> Institution:
    rescue = number % RESCUE_STATION_EVERY == 0
    suffixes = RESCUE_STATIONS if rescue else NURSING_HOMES
    suffix, suffix_en = suffixes[0 if number == 1 else int(rng.integers(len(suffixes)))]
    return Institution(
        code=f"sim-{number:03d}",
        name=words[0] + suffix,
        name_en=f"{words[1]} {suffix_en}",
        kind="rescue_station" if rescue else "nursing_home",
        region=REGIONS[0] if number == 1 else REGIONS[int(rng.integers(len(REGIONS)))],
        zones=_furnish(devices_per, rescue=rescue),
    )


def _names(rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Unique pairs (Chinese, pinyin), 安和 first; numbered from the second round on (安和二, Anhe 2)."""
    latin = dict(SYLLABLES)
    pairs = [(a, b) for a in latin for b in latin if a != b]
    order = [FIRST_NAME] + [pairs[i] for i in rng.permutation(len(pairs)) if pairs[i] != FIRST_NAME]
    for round_ in count(1):
        for first, second in order:
            # Pinyin sets off a syllable that begins with a vowel: Kang'an.
            link = "'" if latin[second][0] in "aeo" else ""
            english = (latin[first] + link + latin[second]).capitalize()
            yield (
                (first + second, english) if round_ == 1 else (f"{first}{second}{round_}号", f"{english} No. {round_}")
            )


def _furnish(devices_per: int, *, rescue: bool) -> tuple[Zone, ...]:
    """Rooms in building order with *devices_per* devices: service rooms first, then sleeping rooms floor by floor."""
    placed = list(islice(_places(devices_per, rescue=rescue), devices_per))
    zones: dict[str, tuple[_Room, list[Device]]] = {}
    for room, kind in placed:
        devices = zones.setdefault(room.code, (room, []))[1]
        registered = DEVICE_KINDS.get(kind, kind)
        nth = 1 + sum(device.kind == registered for device in devices)
        devices.append(
            Device(
                code=f"{room.prefix}-{KIND_CODES[kind]}-{nth}",
                name=f"{room.name}{KIND_NAMES[kind]} {nth}",
                kind=registered,
                model=MODELS[kind],
                report_interval_s=INTERVALS_S[kind],
                quantities=QUANTITIES[kind],
            )
        )
    return tuple(
        Zone(room.code, room.name, room.name_en, room.kind, room.floor, tuple(devices))
        for room, devices in sorted(zones.values(), key=lambda item: item[0].floor)
    )


def _places(devices_per: int, *, rescue: bool) -> Iterator[tuple[_Room, str]]:
    """Endless (room, device kind) in order of need: a home with two devices has them in its kitchen."""
    for room in _service_rooms(rescue=rescue):
        for kind in room.wants:
            yield room, kind
    per_room = 3
    rooms_per_floor = max(ROOMS_PER_FLOOR, -(-devices_per // (per_room * FLOORS_MAX)))
    width = len(str(rooms_per_floor)) if rooms_per_floor > 99 else 2
    for floor in count(1):
        name, name_en = f"{floor} 层走廊", f"Corridor, floor {floor}"
        corridor = _Room(f"corridor-{floor}", f"c{floor}", name, name_en, "corridor", floor, ("smoke", "smoke"))
        for kind in corridor.wants:
            yield corridor, kind
        for nth in range(1, rooms_per_floor + 1):
            room = _sleeping_room(floor, f"{floor}{nth:0{width}d}", "fall" if nth % 2 else "floor", rescue=rescue)
            for kind in room.wants:
                yield room, kind


def _sleeping_room(floor: int, number: str, radar: str, *, rescue: bool) -> _Room:
    if rescue:
        wants: tuple[str, ...] = ("smoke", "sos", "smoke")
        return _Room(
            f"dormitory-{number}", f"d{number}", f"{number} 宿舍", f"Dormitory {number}", "dormitory", floor, wants
        )
    wants = ("smoke", radar, "sos")
    return _Room(f"room-{number}", f"r{number}", f"{number} 房间", f"Room {number}", "bedroom", floor, wants)


def _service_rooms(*, rescue: bool) -> tuple[_Room, ...]:
    shared = (
        _Room("kitchen", "kit", "厨房", "Kitchen", "kitchen", 1, ("smoke", "gas", "co", "heat", "gas")),
        _Room("boiler", "boil", "锅炉房", "Boiler room", "boiler_room", 1, ("co", "gas", "heat")),
        _Room("dining", "dine", "餐厅", "Dining room", "dining", 1, ("smoke", "smoke")),
        _Room("laundry", "laun", "洗衣房", "Laundry", "laundry", 1, ("smoke",)),
        _Room("storage", "stor", "库房", "Storage", "storage", 1, ("smoke",)),
        _Room("office", "offi", "办公室", "Office", "office", 1, ("smoke",)),
    )
    if rescue:
        return (*shared, _Room("reception", "recv", "接待室", "Reception", "other", 1, ("smoke", "sos")))
    return (*shared, _Room("activity", "acti", "活动室", "Activity room", "activity", 1, ("smoke", "smoke", "sos")))
