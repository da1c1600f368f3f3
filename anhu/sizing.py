"""How large a machine a fleet needs: worked out from what was measured (docs/sizing.md names each figure's command).

Pure. Bounds and defaults of the retention are the settings' own.
"""

import math
from dataclasses import dataclass
from typing import Final

from ingest.settings import StorageSettings

DAY_S: Final = 86_400
DAYS_A_YEAR: Final = 365

# Measured on 2 virtual cores (docs/benchmarks.md, docs/operation.md).
MESSAGES_PER_CORE_S: Final = 17_000  # ingest.messages_per_s over two cores, broker and database included
OPEN_BYTES_PER_READING: Final = 96.0  # store.open_bytes_per_reading
CLOSED_BYTES_PER_READING: Final = 6.2  # store.closed_bytes_per_reading; up to 9 where values are restless
ROLLUP_BYTES_PER_ROW: Final = 120.0  # of a minute or an hour of a point
SERVICE_MIB: Final = 1024  # memory.service_mib has this bound; every role, the embedded servers with it
MIB_PER_1000_DEVICES: Final = 5.1  # registered.pipeline_mib with 100,000 devices
WIRE_BYTES_PER_MESSAGE: Final = 400  # three readings of the native format, TLS, TCP/IP, the acknowledgement

CORES_MIN: Final = 2
BUSY_SHARE: Final = (
    0.4  # of a processor by plain intake, so that a storm of alarms, pages and the night's packing have room
)


@dataclass(frozen=True)
class Fleet:
    """What reports: each device sends a message of `readings_per_message` every `interval_s` seconds."""

    institutions: int
    devices_per_institution: int
    interval_s: float
    readings_per_message: int = 3

    def __post_init__(self) -> None:
        """ValueError for what cannot be."""
        whole = (self.institutions, self.devices_per_institution, self.readings_per_message)
        if min(whole) < 1 or not 0 < self.interval_s < math.inf:
            raise ValueError("a fleet has institutions, devices, readings and an interval above zero")

    @property
    def devices(self) -> int:
        """All of them."""
        return self.institutions * self.devices_per_institution


@dataclass(frozen=True)
class Need:
    """Rates a second; bytes. `disk_bytes` is what everything takes once the oldest readings begin to be dropped;
    hours go on growing by `hours_bytes_per_year` until their own end."""

    messages_per_s: float
    readings_per_s: float
    cores: int
    memory_bytes: int
    wire_bytes_per_s: float
    open_bytes: float
    minutes_bytes: float
    packed_bytes: float
    hours_bytes_per_year: float

    @property
    def disk_bytes(self) -> float:
        """With as many hours as the readings' own time makes, at least a year's."""
        return self.open_bytes + self.minutes_bytes + self.packed_bytes + self.hours_bytes_per_year


def need(fleet: Fleet, storage: StorageSettings) -> Need:
    """What the fleet needs under these times of retention.

    >>> found = need(Fleet(1, 60, 60.0), StorageSettings())
    >>> found.messages_per_s, found.readings_per_s, found.cores
    (1.0, 3.0, 2)
    >>> round(found.disk_bytes / 1e9, 1)  # 60 times 25.4 MB: the table of docs/operation.md
    1.5
    """
    messages_per_s = fleet.devices / fleet.interval_s
    readings_per_s = messages_per_s * fleet.readings_per_message
    points = fleet.devices * fleet.readings_per_message
    minutes_a_day = min(1440.0, DAY_S / fleet.interval_s)  # a minute in which nothing came has no row
    hours_a_day = min(24.0, DAY_S / fleet.interval_s)
    readings_a_day = readings_per_s * DAY_S
    return Need(
        messages_per_s=messages_per_s,
        readings_per_s=readings_per_s,
        cores=max(CORES_MIN, math.ceil(messages_per_s / (MESSAGES_PER_CORE_S * BUSY_SHARE))),
        memory_bytes=int((SERVICE_MIB + MIB_PER_1000_DEVICES * fleet.devices / 1000) * 2**20),
        wire_bytes_per_s=messages_per_s * WIRE_BYTES_PER_MESSAGE,
        open_bytes=readings_a_day * (storage.pack_after_days + 1) * OPEN_BYTES_PER_READING,
        minutes_bytes=points * minutes_a_day * storage.minute_days * ROLLUP_BYTES_PER_ROW,
        packed_bytes=readings_a_day * storage.raw_days * CLOSED_BYTES_PER_READING,
        hours_bytes_per_year=points * hours_a_day * DAYS_A_YEAR * ROLLUP_BYTES_PER_ROW,
    )
