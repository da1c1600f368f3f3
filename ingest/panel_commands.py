"""What people ask of fire panels: taken from the table, sent over the connection that stands, and how it ended.

It has a connection to the database of its own. While the database is away nothing can be asked; what panels say is
taken as ever.
"""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from datetime import timedelta
from typing import Final

import structlog

from ingest import panel_store
from ingest.database import Connection
from ingest.errors import DatabaseUnavailable, PanelAway, PanelSilent
from ingest.formats.gb26875 import SET_CLOCK, clock_unit
from ingest.formats.gb26875_frame import Command, Frame, clock_bytes
from ingest.panel import Source
from ingest.panel_report import UTC_OFFSET_S
from ingest.panel_store import Asked
from ingest.writer import Writer

LOOK_S: Final = 0.5
ANSWER_S_MAX: Final = 5.0
UNDER_WAY_MAX: Final = 50
WAITS_MAX: Final = timedelta(seconds=60)
_OUTCOMES: Final = {Command.CONFIRM: "confirmed", Command.ANSWER: "answered", Command.DENY: "denied"}

log = structlog.get_logger("ingest.panel")


class Commands:
    """One pipeline's way from the table of commands to the panels."""

    def __init__(self, writer: Writer, panels: Source, clock: Callable[[], int]) -> None:
        self._writer = writer
        self._panels = panels
        self._clock = clock
        self._under_way: list[tuple[Asked, Future[Frame]]] = []
        self._away = False

    def run(self, stop: threading.Event) -> None:
        """Carry out what is asked, until `stop`."""
        while not stop.wait(LOOK_S):
            try:
                self.look()
            except Exception:
                log.exception("commands for fire panels failed")  # and are looked at again
        self._writer.close()

    def look(self) -> None:
        """Write down what has ended, and send what is new."""
        ended = [(asked, *_outcome(under_way)) for asked, under_way in self._under_way if under_way.done()]
        taken: list[Asked] = []

        def work(connection: Connection) -> None:
            for asked, outcome, answer in ended:
                panel_store.end_command(connection, asked.id, outcome, answer)
            room = UNDER_WAY_MAX - len(self._under_way) + len(ended)
            taken.extend(panel_store.take_commands(connection, room, WAITS_MAX))

        try:
            self._writer.run(work, ANSWER_S_MAX)
        except DatabaseUnavailable as error:
            if not self._away:
                log.warning("no commands for fire panels while the database is away", reason=str(error))
            self._away = True
            return  # what has ended is written down later; what was perhaps taken ends as unanswered with its asker
        self._away = False
        done = {asked.id for asked, _, _ in ended}
        self._under_way = [each for each in self._under_way if each[0].id not in done]
        self._under_way += [(asked, self._send(asked)) for asked in taken]

    def _send(self, asked: Asked) -> "Future[Frame]":
        command = Command.CONTROL if asked.type_flag >= 89 else Command.REQUEST
        return self._panels.ask(asked.address, command, lambda: self._unit(asked))

    def _unit(self, asked: Asked) -> bytes:
        if asked.type_flag == SET_CLOCK:  # made anew each time it is sent
            return clock_unit(clock_bytes(self._clock() + 500_000, UTC_OFFSET_S))  # to the nearest second
        return asked.unit


def _outcome(ended: "Future[Frame]") -> tuple[str, bytes]:
    try:
        frame = ended.result(0)
    except PanelSilent:
        return "unanswered", b""
    except (PanelAway, CancelledError):
        return "away", b""
    return _OUTCOMES[Command(frame.command)], frame.unit
