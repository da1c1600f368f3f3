"""A load of SenML packs: a gateway for each institution, that sends what fifty of its points say at a time."""

from typing import Final

from benchmarks import fleet
from benchmarks.load import Load

READINGS: Final = 50  # of one pack, all of one time
_DEVICES: Final = -(-READINGS // len(fleet.QUIET))
_BLOCKS: Final = fleet.DEVICES_EACH // _DEVICES  # a gateway's packs go round its devices
_UNITS: Final = {"smoke_obscuration": "dB/m", "temperature": "Cel", "battery": "%"}
_VALUES: Final = {"smoke_obscuration": "0.012", "temperature": "21.5", "battery": "99"}


class Packs(Load):
    """`count` packs; the load's devices are the gateways."""

    def payload(self, number: int) -> bytes:
        """The pack as SenML."""
        due_us = self.due_us(number)
        gateway, block = self.device(number), number // len(self.devices) % _BLOCKS
        return b'[{"bt":%d.%06d,' % (due_us // 1_000_000, due_us % 1_000_000) + _RECORDS[gateway, block]


def topic(gateway: int) -> str:
    """Where the gateway of an institution publishes."""
    return f"anhu/v1/{fleet.institution_code(gateway * fleet.DEVICES_EACH)}/senml"


def packs(rate_per_s: float, count: int, start_us: int) -> Packs:
    """Packs from all gateways in turn."""
    gateways = fleet.INSTITUTION_COUNT
    return Packs(rate_per_s, count, start_us, 0, gateways, connections=gateways // 2, topic_of=topic)


def _records(gateway: int, block: int) -> bytes:
    """All but the beginning of a pack: the first record goes on after the base time."""
    first = gateway * fleet.DEVICES_EACH + block * _DEVICES
    names = [
        (fleet.device_code(number), quantity) for number in range(first, first + _DEVICES) for quantity in fleet.QUIET
    ]
    records = [
        f'"n":"{device}/{quantity}","u":"{_UNITS[quantity]}","v":{_VALUES[quantity]}}}'
        for device, quantity in names[:READINGS]
    ]
    return (",{".join(records) + "]").encode()


_RECORDS: Final = {
    (gateway, block): _records(gateway, block) for gateway in range(fleet.INSTITUTION_COUNT) for block in range(_BLOCKS)
}
