"""The thread that follows drills and duty checks, and tells the pages whose scope covers them."""

import threading
import traceback
from collections.abc import Callable, Hashable, Iterable
from typing import Final
from uuid import UUID

import psycopg
import structlog

from alerting import drill_store, duty_check, duty_check_store
from alerting.drill import State
from alerting.errors import DrillUnknown, DutyCheckUnknown
from dashboard import desk_schemas, present_desk
from dashboard.hub import Frame, Place, Shown, Update, on_wire
from ingest import directory
from ingest.database import Connection, connect
from ingest.errors import DatabaseUnavailable

_WAIT_S: Final = 0.25
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
        self._drills: dict[UUID, Place] = {}  # the running ones
        self._checks: set[int] = set()  # the open ones

    def end(self, timeout_s: float) -> None:
        """Stop following; waits for the thread at most `timeout_s`."""
        self._ending.set()
        self.join(timeout_s)

    def place_of_drill(self, alert_id: UUID) -> Place | None:
        """Where the drill is held that has this alert; None unless one is running."""
        return self._drills.get(alert_id)

    def run(self) -> None:
        """Follow until the end."""
        while not self._ending.is_set():
            try:
                self._follow()
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("drills and duty checks cannot be followed", error=str(error))
            except Exception:  # noqa: BLE001 - told in full, and begun again
                # The trace as text: structlog's own rendering can print local variables, and with them passwords.
                trace = traceback.format_exc()
                log.error("the follower of drills and duty checks failed", trace=trace)  # noqa: TRY400 - see above
            self._ending.wait(_DELAY_S)

    def _follow(self) -> None:
        with connect(self._database_url, autocommit=True, application="anhu desk") as connection:
            for channel in (drill_store.CHANNEL, duty_check_store.CHANNEL):
                connection.execute(f"LISTEN {channel}".encode())
            # What was open when we last looked may have ended unseen.
            running = {each.drill.id for each in drill_store.running(connection)} | self._drills.keys()
            self._show_drills(connection, running)
            self._show_checks(connection, {each.id for each in duty_check_store.open_checks(connection)} | self._checks)
            while not self._ending.is_set():
                for told in connection.notifies(timeout=_WAIT_S, stop_after=1):
                    if told.channel == drill_store.CHANNEL:
                        self._show_drills(connection, [UUID(told.payload)])
                    else:
                        self._show_checks(connection, [int(told.payload)])

    def _show_drills(self, connection: Connection, numbers: Iterable[UUID]) -> None:
        frames: list[Frame] = []
        section: dict[Hashable, Shown | None] = {}
        for number in numbers:
            try:
                record = drill_store.load(connection, number)
            except DrillUnknown:
                continue
            place = _place(connection, record.drill.institution_id)
            [shown] = present_desk.drills(connection, [record])
            frames.append(Frame(place, on_wire(desk_schemas.DrillFrame(drill=shown).model_dump_json())))
            if record.state is State.RUNNING:
                self._drills[number] = place
                rank = (record.drill.started_at.timestamp(),)
                section[number] = Shown(place, rank, shown.model_dump_json())
            else:
                self._drills.pop(number, None)
                section[number] = None
        self._tell(Update(frames, {"drills": section}))

    def _show_checks(self, connection: Connection, numbers: Iterable[int]) -> None:
        frames: list[Frame] = []
        section: dict[Hashable, Shown | None] = {}
        for number in numbers:
            try:
                check = duty_check_store.load(connection, number)
            except DutyCheckUnknown:
                continue
            place = _place(connection, check.institution_id)
            [shown] = present_desk.duty_checks(connection, [check])
            frames.append(Frame(place, on_wire(desk_schemas.DutyCheckFrame(check=shown).model_dump_json())))
            if check.state is duty_check.State.OPEN:
                self._checks.add(number)
                section[number] = Shown(place, (check.due_at.timestamp(),), shown.model_dump_json())
            else:
                self._checks.discard(number)
                section[number] = None
        self._tell(Update(frames, {"duty_checks": section}))


def _place(connection: Connection, institution_id: int) -> Place:
    return Place(institution_id, directory.region_of(connection, institution_id) or "")
