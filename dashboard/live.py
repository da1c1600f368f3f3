"""The live side of the dashboard: the hub, with everything that feeds it."""

import asyncio
import contextlib
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
import structlog

from dashboard import auth, store
from dashboard.bystander import Bystander
from dashboard.desk import Desk
from dashboard.follower import Follower
from dashboard.hub import Client, Hub, Place, Update
from dashboard.known_sessions import KnownSessions
from dashboard.metrics import Metrics
from dashboard.picture import Picture
from dashboard.pulse import Pulse
from dashboard.schemas import HeartbeatFrame
from dashboard.settings import DashboardSettings
from dashboard.store import OpenSession
from dashboard.watch import Watches
from ingest import history
from ingest.database import Pool
from ingest.errors import DatabaseUnavailable

_FIRST_PICTURE_S_MAX: Final = 5.0
_THREAD_STOP_S_MAX: Final = 1.5
_DATABASE_LOOK_S: Final = 0.5
_ANSWER_S_MAX: Final = 3.0  # of the database to a small question, before it counts as silent

log = structlog.get_logger(__name__)


class Live:
    """Everything behind /live. Started and stopped with the app."""

    def __init__(
        self,
        database_url: str,
        pool: Pool,
        settings: DashboardSettings,
        metrics: Metrics,
        spool: Path | None,
        known: KnownSessions,
    ) -> None:
        self.hub = Hub(metrics.live_slow.inc)
        self.watches = Watches(self.hub, pool)
        self.pulse = Pulse(settings.pipeline_silence_s_max)
        self._pool = pool
        self._settings = settings
        self._metrics = metrics
        self._database_url = database_url
        self._spool = spool
        self._known = known
        self._picture = Picture()
        self._turn = threading.Lock()  # one change of the picture after the other, and their frames in that order
        self._loop: asyncio.AbstractEventLoop | None = None
        self._follower: Follower | None = None
        self._bystander: Bystander | None = None
        self.desk = Desk(database_url, lambda update: self._call(lambda: self._publish(update)))
        self._tasks: list[asyncio.Task[None]] = []
        self._first_picture = asyncio.Event()
        self._people_changed = asyncio.Event()
        self._asked_at_s: float | None = None  # since when a small question has waited for its answer
        self._waiting: list[Update] = []  # for the next round of writes
        self._recorded: list[datetime] = []  # when the database recorded the events among them
        self._pausing: asyncio.TimerHandle | None = None

    @property
    def following(self) -> bool:
        """Whether the event log is being followed."""
        return self._follower is not None and self._follower.alive

    @property
    def database_silent(self) -> bool:
        """Whether the database neither answers nor refuses: whoever asks it now waits for as long as that lasts."""
        return self._asked_at_s is not None and time.monotonic() - self._asked_at_s > _ANSWER_S_MAX

    @property
    def database_away(self) -> bool:
        """Whether alarms come without the database: the log cannot be followed, or it does not answer."""
        return not self.following or self.database_silent

    async def start(self) -> None:
        """Begin to follow the log and the intake's pulse; returns when there is a picture to show, or after a while."""
        self._loop = asyncio.get_running_loop()
        self._follower = Follower(
            self._database_url,
            self.tell,
            on_people=lambda: self._call(self._people_changed.set),
            on_recorded=lambda moments: self._call(lambda: self._note_recorded(moments)),
            delay_s_max=self._settings.reconnect_delay_s_max,
        )
        self._bystander = Bystander(self._spool, self.tell, self.pulse.note_beat)
        await asyncio.to_thread(self._bystander.begin)
        self._follower.start()
        self._bystander.start()
        self.desk.start()
        for action in (
            _every(self._settings.heartbeat_s, self._send_heartbeat),
            _every(_DATABASE_LOOK_S, self._look_for_database),
            _every(self._settings.pulse_s, self._look_after, self._people_changed),
            _every(self._settings.readings_poll_s, self.watches.poll),
        ):
            self._tasks.append(asyncio.create_task(action))
        try:
            async with asyncio.timeout(_FIRST_PICTURE_S_MAX):
                await self._first_picture.wait()
        except TimeoutError:
            log.warning("the event log is not being followed yet")

    async def stop(self) -> None:
        """Close every client and end what start() began."""
        self.hub.close_all()
        if self._pausing is not None:
            self._pausing.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        threads = [each for each in (self._follower, self._bystander, self.desk) if each is not None]
        await asyncio.gather(*(asyncio.to_thread(each.end, _THREAD_STOP_S_MAX) for each in threads))

    def join(self, client: Client) -> bool:
        """Give `client` a snapshot and everything after it from now on; False when there is nothing to show yet."""
        admitted = self.hub.admit(client, datetime.now(UTC))
        self._metrics.live_clients.set(len(self.hub.clients))
        return admitted

    def leave(self, client: Client) -> None:
        """Serve `client` no longer."""
        self.watches.forget(client)
        self.hub.dismiss(client)
        self._metrics.live_clients.set(len(self.hub.clients))

    def tell(self, change: Callable[[Picture], Update | None]) -> None:
        """Change the picture, and send on what comes of it. From any thread."""
        with self._turn:
            update = change(self._picture)
            if update is not None:
                self._call(lambda: self._publish(update))

    def place_of_device(self, device_id: int) -> Place | None:
        """Where a device is, None for one that is not known."""
        places = self._picture.places
        device = places.devices.get(device_id)
        institution = places.institutions.get(device.institution_id) if device else None
        return Place(institution.id, institution.region) if institution else None

    def _call(self, action: Callable[[], None]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: so has everybody who could be told
                self._loop.call_soon_threadsafe(action)

    def _publish(self, update: Update) -> None:
        """Send on a change: at once, or with what else comes during the pause after the last round."""
        self._waiting.append(update)
        if self._pausing is None:
            self._send_waiting()

    def _send_waiting(self) -> None:
        self._pausing = None
        if not self._waiting:
            return
        updates, self._waiting = self._waiting, []
        self.hub.publish(updates, datetime.now(UTC))
        self._metrics.live_frames.inc(sum(len(update.frames) for update in updates))
        if resyncs := sum(update.fresh for update in updates):
            self._metrics.live_resyncs.inc(resyncs)
            self._first_picture.set()
        self._measure()
        self._pausing = asyncio.get_running_loop().call_later(self.hub.pause_s, self._send_waiting)

    def _note_recorded(self, moments: Iterable[datetime]) -> None:
        """The events recorded at these times have been handed to `_publish`."""
        self._recorded.extend(moments)
        if not self._waiting:
            self._measure()

    def _measure(self) -> None:
        now = datetime.now(UTC)
        for moment in self._recorded:
            self._metrics.live_delay.observe(max(0.0, (now - moment).total_seconds()))
        self._recorded.clear()

    async def _send_heartbeat(self) -> None:
        now = datetime.now(UTC)
        alive = self.pulse.alive(time.monotonic(), now)
        board = self.hub.board
        frame = HeartbeatFrame(
            server_time=now, cursor=board.cursor, pipeline_alive=alive, database_away=board.database_away
        )
        self.hub.broadcast(frame.model_dump_json())

    async def _look_for_database(self) -> None:
        """Tell the pages at once when the database goes away or is back."""
        if self.database_away != self.hub.board.database_away:
            self.hub.board.database_away = self.database_away
            await self._send_heartbeat()

    async def _look_after(self) -> None:
        """Read the pipelines' heartbeats, and end the connections of those who may not be connected any more. While
        the database does not answer, nobody is sent away."""
        self._people_changed.clear()
        in_use, known = self.hub.sessions(), self._known.tokens()
        heartbeats, standing = await asyncio.to_thread(self._read_pulse, in_use, known)
        self.pulse.note(heartbeats, time.monotonic())
        self._known.compare(known, standing, time.monotonic())
        self.hub.compare(in_use, {token: session.user.person for token, session in standing.items()})

    def _read_pulse(
        self, in_use: set[bytes], known: set[bytes]
    ) -> tuple[list[history.Heartbeat], dict[bytes, OpenSession]]:
        idle = auth.idle_max(self._settings)
        self._asked_at_s = time.monotonic()
        try:
            with self._pool.connection(timeout=self._settings.database_wait_s_max) as connection:
                store.touch_sessions(connection, in_use, idle=idle)
                return history.heartbeats(connection), store.sessions(connection, in_use | known, idle=idle)
        finally:
            self._asked_at_s = None


async def _every(period_s: float, action: Callable[[], Awaitable[None]], at_once: asyncio.Event | None = None) -> None:
    """Do `action` every `period_s`, or earlier when `at_once` is set, for ever; a failure is logged and does not end
    it."""
    while True:
        try:
            await action()
        except (psycopg.OperationalError, DatabaseUnavailable) as error:
            log.warning("live work put off: the database does not answer", work=action.__qualname__, error=str(error))
        except Exception:  # noqa: BLE001 - told in full, see below
            # The trace as text: structlog's own rendering can print local variables, and with them passwords.
            trace = traceback.format_exc()
            log.error("live work failed", work=action.__qualname__, trace=trace)  # noqa: TRY400 - see above
        if at_once is None:
            await asyncio.sleep(period_s)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(at_once.wait(), period_s)
