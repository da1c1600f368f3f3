"""Payload formats: each module decodes one, purely. Adding a format is one file and its line in REGISTERED."""

from collections.abc import Callable
from typing import Final, NamedTuple

from ingest.formats import chirpstack, native, radar, senml, sparkplug, zigbee2mqtt
from ingest.reading import Decoded

# (payload, the device the topic names or None, time of arrival in µs since 1970) → what the message held; those that
# take `names` get the route's names of properties as well. A decoder never raises for bad input: it answers with
# rejections.
Decoder = Callable[..., Decoded]


class Format(NamedTuple):
    """A format as routes files name it, and what is to be known about it."""

    name: str
    decode: Decoder
    device_in_topic: bool = False  # the topic has to name the device: the payload does not
    names: bool = False  # takes a route's names of properties
    # One clock dates what many devices say: when it is ahead, no house may lose its alarms to it (ingest/intake.py).
    of_gateway: bool = False


REGISTERED: Final = (
    Format("native", native.decode, device_in_topic=True),
    Format("senml", senml.decode),
    Format("radar", radar.decode, device_in_topic=True),
    Format("zigbee2mqtt", zigbee2mqtt.decode, device_in_topic=True, names=True, of_gateway=True),
    Format("zigbee2mqtt_availability", zigbee2mqtt.decode_availability, device_in_topic=True),
    Format("chirpstack_up", chirpstack.decode_up, names=True, of_gateway=True),
    Format("chirpstack_status", chirpstack.decode_status, of_gateway=True),
)
FORMATS: Final[dict[str, Decoder]] = {each.name: each.decode for each in REGISTERED}
IGNORE: Final = "ignore"  # the format of what is taken from the broker and not looked at
# Beside these there is what is no reading by itself: windows of acceleration (ingest/intake.py), and Sparkplug, whose
# messages mean something only after others (ingest/edge_node.py).
NAMING: Final = frozenset((*(each.name for each in REGISTERED if each.names), sparkplug.FORMAT))
DEVICE_IN_TOPIC: Final = frozenset((*(each.name for each in REGISTERED if each.device_in_topic), "acceleration"))
OF_GATEWAYS: Final = frozenset((*(each.name for each in REGISTERED if each.of_gateway), sparkplug.FORMAT))
ROUTABLE: Final = frozenset((*FORMATS, "acceleration", sparkplug.FORMAT, IGNORE))  # what a routes file may name
