"""The broker and the fire panels as one source."""

from collections.abc import Sequence
from typing import Final

from ingest import mqtt, panel
from ingest.message import Message

PANEL_LOOK_S: Final = 0.05  # how much later than the broker's a panel's alarm may be noticed


class Sources:
    """What comes from the broker and from fire panels, as the pipeline takes it (ingest.pipeline.Source). Whether we
    listen, and whether another pipeline has taken over, is for the broker's to say."""

    def __init__(self, broker: mqtt.Source, panels: panel.Source) -> None:
        self._broker = broker
        self._panels = panels

    @property
    def connected(self) -> bool:
        """See mqtt.Source."""
        return self._broker.connected

    @property
    def fenced(self) -> bool:
        """See mqtt.Source."""
        return self._broker.fenced

    @property
    def waiting_count(self) -> int:
        """How many messages and frames wait."""
        return self._broker.waiting_count + self._panels.waiting_count

    def take(self, *, count_max: int, age_ms_max: float, wait_s: float) -> list[Message]:
        """See Inbox.take; the panels' come first, as they are few."""
        frames = self._panels.take(count_max=max(1, count_max // 2), age_ms_max=0, wait_s=0)
        wait_s = 0.0 if frames else min(wait_s, PANEL_LOOK_S)
        rest = count_max - len(frames)
        return frames + (self._broker.take(count_max=rest, age_ms_max=age_ms_max, wait_s=wait_s) if rest else [])

    def send(self, topic: str, payload: bytes) -> None:
        """Publish on the broker."""
        self._broker.send(topic, payload)

    def ack(self, messages: Sequence[Message]) -> None:
        """Each to those it came from."""
        self._broker.ack(messages)
        self._panels.ack(messages)
