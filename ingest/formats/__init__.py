"""Payload formats: each module decodes one, purely. Adding a format is one file and its line in FORMATS."""

from collections.abc import Callable
from typing import Final

from ingest.formats import native, senml
from ingest.reading import Decoded

# (payload, the device the topic names or None, time of arrival in µs since 1970) → what the message held. A decoder
# never raises for bad input: it answers with rejections.
Decoder = Callable[[bytes, str | None, int], Decoded]

FORMATS: Final[dict[str, Decoder]] = {"native": native.decode, "senml": senml.decode}
