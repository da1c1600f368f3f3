"""The pipeline with fire panels beside the broker, and what was said of them."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from anhu.roles import now_us
from ingest import panel, panel_store, sources
from ingest.database import connect
from ingest.message import Message
from ingest.panel_commands import Commands
from ingest.pipeline import Pipeline
from ingest.settings import PanelSettings, PipelineSettings
from ingest.writer import Writer
from simulators.panel import Panel
from tests.integration import world as worlds
from tests.integration.world import World

ADDRESSES = [f"7903000000{number:02x}" for number in range(16)]
REGISTRY = """
[[institution]]
code = "panel-home"
name = "安和养老院"
kind = "nursing_home"
""" + "".join(
    f"""
[[institution.zone]]
code = "duty-{address[-2:]}"
name = "消防控制室 {address[-2:]}"
kind = "office"
[[institution.zone.device]]
code = "fp-{address[-2:]}"
name = "火灾报警主机 {address[-2:]}"
kind = "multi"
report_interval_s = 60
quantities = ["fire_alarm", "fault", "mains_power", "alive"]
address = "GB26875/{address.upper()}"
[[institution.zone.device]]
code = "smk-{address[-2:]}"
name = "走廊烟感 {address[-2:]}"
kind = "smoke"
report_interval_s = 86400
quantities = ["smoke_alarm"]
address = "gb26875/{address}/1.1.2.10"
"""
    for address in ADDRESSES
)
_next = itertools.count()


@dataclass
class Held:
    """The broker's source; what is taken while `held` waits for its acknowledgement."""

    inner: sources.Sources
    held: threading.Event
    kept: list[Message]

    @property
    def connected(self) -> bool:
        return self.inner.connected

    @property
    def fenced(self) -> bool:
        return self.inner.fenced

    @property
    def waiting_count(self) -> int:
        return self.inner.waiting_count

    def take(self, *, count_max: int, age_ms_max: float, wait_s: float) -> list[Message]:
        return self.inner.take(count_max=count_max, age_ms_max=age_ms_max, wait_s=wait_s)

    def send(self, topic: str, payload: bytes) -> None:
        self.inner.send(topic, payload)

    def ack(self, messages: list[Message]) -> None:
        self.kept += messages
        if not self.held.is_set():
            self.inner.ack(self.kept)
            self.kept = []


class Centre(World):
    """The pipeline with its panels."""

    pipe: Pipeline
    panels: panel.Source
    held: threading.Event
    settings: PanelSettings

    def device(self) -> str:
        """The address of a transmission device that no other test uses."""
        return ADDRESSES[next(_next)]

    def panel(self, address: str, **more: object) -> Panel:
        return Panel("127.0.0.1", self.panels.port or 0, address, **more)  # type: ignore[arg-type]

    def raised(self, address: str) -> list[tuple[str, str, str]]:
        """(device, rule, what it says) of each fire that was raised by a panel or behind it, oldest first."""
        return self.rows(  # type: ignore[return-value]
            "SELECT d.code, e.rule, e.evidence->>'text_zh' FROM alert_events e JOIN devices d ON d.id = e.device_id"
            " WHERE d.address LIKE %s AND e.kind = 'fire' AND verb = 'raise' ORDER BY e.id", f"gb26875/{address}%",
        )  # fmt: skip

    def state(self, address: str) -> panel_store.PanelState:
        with connect(self.database_url) as connection:
            return next(each for each in panel_store.panel_states(connection) if each.address == address)


@contextmanager
def running(centre: Centre, mqtt_url: str) -> Iterator[None]:
    """A pipeline as the tests' world runs it, and beside the broker the panels."""
    stop = threading.Event()

    def with_panels(broker: worlds.Source) -> Held:
        return Held(sources.Sources(broker, centre.panels), centre.held, [])

    settings = PipelineSettings(database_answer_s_max=20)  # what is slow here is the machine, not the database
    with worlds.pipeline(
        centre.database_url, mqtt_url, settings, prepare=lambda pipe: listen(centre, pipe), around=with_panels
    ):
        commands = Commands(Writer(centre.database_url, lambda _: None), centre.panels, now_us)
        thread = threading.Thread(target=commands.run, args=(stop,), name="commands")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)
            centre.panels.close()
    assert not thread.is_alive()


def listen(centre: Centre, pipe: Pipeline) -> None:
    centre.pipe = pipe
    centre.panels = panel.Source(centre.settings, lambda each: pipe.registry.on_panel(each) is not None, now_us)
    centre.panels.open()
