"""The thread that follows drills and duty checks, and tells the pages whose scope covers them."""

import threading
import time
import traceback
from collections.abc import Callable, Hashable
from typing import Final
from uuid import UUID

import psycopg
import structlog

from alerting import drill_store, duty_check, duty_check_store
from alerting.drill import State
from dashboard import present_desk
from dashboard.hub import Frame, Place, Shown, Update, on_wire
from ingest import directory
from ingest.database import Connection, connect, cut
from ingest.errors import DatabaseUnavailable

_WAIT_S: Final = 0.25
_LOOK_S: Final = 1.0
_DELAY_S: Final = 1.0

log = structlog.get_logger(__name__)


class Desk(threading.Thread):
    """Follows until the end; when the database goes away it begins again with what is open then. `tell` is called from
    this thread."""

    def __init__(self, database_url: str, tell: Callable[[Update], None]) -> None:
        super().__init__(name="anhu-live-desk", daemon=True)
        self._database_url = database_url
        self._tell = tell
        self._ending = threading.Event()
        self._connection: Connection | None = None
        self._drills: dict[UUID, Shown] = {}  # the running ones, as last told
        self._checks: dict[int, Shown] = {}  # the open ones

    def end(self, timeout_s: float) -> None:
        """Stop following; waits for the thread at most `timeout_s`."""
        self._ending.set()
        if self._connection is not None:
            cut(self._connection)  # it may be waiting there for something to happen
        self.join(timeout_s)

    def run(self) -> None:
        """Follow until the end."""
        while not self._ending.is_set():
            try:
                self._follow()
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                if not self._ending.is_set():
                    log.warning("drills and duty checks cannot be followed", error=str(error))
            except Exception:  # noqa: BLE001 - told in full, and begun again
                # The trace as text: structlog's own rendering can print local variables, and with them passwords.
                trace = traceback.format_exc()
                log.error("the follower of drills and duty checks failed", trace=trace)  # noqa: TRY400 - see above
            self._ending.wait(_DELAY_S)

    def _follow(self) -> None:
        with connect(self._database_url, autocommit=True, application="anhu desk") as connection:
            self._connection = connection
            for channel in (drill_store.CHANNEL, duty_check_store.CHANNEL):
                connection.execute(f"LISTEN {channel}".encode())
            looked_s = float("-inf")
            while not self._ending.is_set():
                # Notifications that come while a query runs may be lost, so now and then we look unasked.
                told = any(True for _ in connection.notifies(timeout=_WAIT_S, stop_after=1))
                if told or time.monotonic() - looked_s >= _LOOK_S:
                    looked_s = time.monotonic()
                    self._look_at_drills(connection)
                    self._look_at_checks(connection)

    def _look_at_drills(self, connection: Connection) -> None:
        """Tell what has changed of the drills that run, or ran when we last looked."""
        running = {record.drill.id: record for record in drill_store.running(connection)}
        ended = {number: drill_store.load(connection, number) for number in self._drills.keys() - running.keys()}
        records = [*running.values(), *ended.values()]
        frames: list[Frame] = []
        section: dict[Hashable, Shown | None] = {}
        for record, shown in zip(records, present_desk.drills(connection, records), strict=True):
            number, json = record.drill.id, shown.model_dump_json()
            known = self._drills.get(number)
            if known is not None and known.json == json:
                continue
            place = _place(connection, record.drill.institution_id)
            entry = Shown(place, (record.drill.started_at.timestamp(),), json)
            frames.append(Frame(place, on_wire(f'{{"type":"drill","drill":{json}}}')))
            if record.state is State.RUNNING:
                self._drills[number] = section[number] = entry
            else:
                del self._drills[number]
                section[number] = None
        if frames:
            self._tell(Update(frames, {"drills": section}))

    def _look_at_checks(self, connection: Connection) -> None:
        """The same of the duty checks that are open, or were."""
        waiting = {check.id: check for check in duty_check_store.open_checks(connection)}
        over = [duty_check_store.load(connection, number) for number in self._checks.keys() - waiting.keys()]
        checks = [*waiting.values(), *over]
        frames: list[Frame] = []
        section: dict[Hashable, Shown | None] = {}
        for check, shown in zip(checks, present_desk.duty_checks(connection, checks), strict=True):
            json = shown.model_dump_json()
            known = self._checks.get(check.id)
            if known is not None and known.json == json:
                continue
            place = _place(connection, check.institution_id)
            frames.append(Frame(place, on_wire(f'{{"type":"duty_check","check":{json}}}')))
            if check.state is duty_check.State.OPEN:
                entry = Shown(place, (check.due_at.timestamp(),), json)
                self._checks[check.id] = section[check.id] = entry
            else:
                del self._checks[check.id]
                section[check.id] = None
        if frames:
            self._tell(Update(frames, {"duty_checks": section}))


def _place(connection: Connection, institution_id: int) -> Place:
    return Place(institution_id, directory.region_of(connection, institution_id) or "")
