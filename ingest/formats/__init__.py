"""Payload formats: each module decodes one, purely. Adding a format is one file and its line in FORMATS."""

from collections.abc import Callable
from typing import Final

from ingest.formats import chirpstack, native, radar, senml, sparkplug, zigbee2mqtt
from ingest.reading import Decoded

# (payload, the device the topic names or None, time of arrival in µs since 1970) → what the message held; those of
# NAMING take the route's names of properties as well. A decoder never raises for bad input: it answers with rejections.
Decoder = Callable[..., Decoded]

FORMATS: Final[dict[str, Decoder]] = {
    "native": native.decode,
    "senml": senml.decode,
    "radar": radar.decode,
    "zigbee2mqtt": zigbee2mqtt.decode,
    "zigbee2mqtt_availability": zigbee2mqtt.decode_availability,
    "chirpstack_up": chirpstack.decode_up,
    "chirpstack_status": chirpstack.decode_status,
}
NAMING: Final = frozenset(("zigbee2mqtt", "chirpstack_up", sparkplug.FORMAT))
DEVICE_IN_TOPIC: Final = frozenset(("native", "radar", "acceleration", "zigbee2mqtt", "zigbee2mqtt_availability"))
IGNORE: Final = "ignore"  # the format of what is taken from the broker and not looked at
# What a routes file may name: beside these, what is no reading by itself (ingest/intake.py, ingest/edge_node.py).
ROUTABLE: Final = frozenset((*FORMATS, "acceleration", sparkplug.FORMAT, IGNORE))
