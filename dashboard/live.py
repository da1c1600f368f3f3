"""The live side of the dashboard: the hub, with everything that feeds it."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import psycopg
import structlog

from alerting import feed
from dashboard import auth, present, store
from dashboard.follower import Follower
from dashboard.hub import Client, Frame, Hub
from dashboard.metrics import Metrics
from dashboard.pulse import Pulse
from dashboard.schemas import HeartbeatFrame
from dashboard.settings import DashboardSettings
from dashboard.watch import Watches
from ingest import history
from ingest.database import Pool
from ingest.errors import DatabaseUnavailable

_SNAPSHOT_TRIES_MAX: Final = 5
_FOLLOWER_START_S_MAX: Final = 5.0
_FOLLOWER_STOP_S_MAX: Final = 1.5

log = structlog.get_logger(__name__)


class Live:
    """Everything behind /live. Started and stopped with the app."""

    def __init__(self, database_url: str, pool: Pool, settings: DashboardSettings, metrics: Metrics) -> None:
        self.hub = Hub(settings.ring_count_max, metrics.live_slow.inc)
        self.watches = Watches(self.hub, pool)
        self.pulse = Pulse(settings.pipeline_silence_s_max)
        self._pool = pool
        self._settings = settings
        self._metrics = metrics
        self._database_url = database_url
        self._follower: Follower | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._snapshot: Frame | None = None
        self._snapshot_at_s = float("-inf")
        self._snapshot_lock = asyncio.Lock()
        self._first_resync = asyncio.Event()

    @property
    def following(self) -> bool:
        """Whether the event log is being followed."""
        return self._follower is not None and self._follower.alive

    async def start(self) -> None:
        """Begin to follow the log and the intake's pulse; returns when the log is being followed, or after a while."""
        self._follower = Follower(
            self._database_url,
            asyncio.get_running_loop(),
            on_resync=self._resync,
            on_frames=self._publish,
            delay_s_max=self._settings.reconnect_delay_s_max,
        )
        self._follower.start()
        for period_s, action in (
            (self._settings.heartbeat_s, self._send_heartbeat),
            (self._settings.pulse_s, self._look_after),
            (self._settings.readings_poll_s, self.watches.poll),
        ):
            self._tasks.append(asyncio.create_task(_repeat(period_s, action)))
        try:
            async with asyncio.timeout(_FOLLOWER_START_S_MAX):
                await self._first_resync.wait()
        except TimeoutError:
            log.warning("the event log is not being followed yet")

    async def stop(self) -> None:
        """Close every client and end what start() began."""
        self.hub.close_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._follower is not None:
            await asyncio.to_thread(self._follower.end, _FOLLOWER_STOP_S_MAX)

    async def join(self, client: Client) -> bool:
        """Give `client` a snapshot and everything after it from now on; False when that cannot be done just now."""
        for _ in range(_SNAPSHOT_TRIES_MAX):
            snapshot = await self._shared_snapshot()
            if self.hub.admit(client, snapshot):
                self._metrics.live_clients.set(len(self.hub.clients))
                return True
            if self._snapshot is snapshot:  # the log has run past it
                self._snapshot = None
        return False

    def leave(self, client: Client) -> None:
        """Serve `client` no longer."""
        self.watches.forget(client)
        self.hub.dismiss(client)
        self._metrics.live_clients.set(len(self.hub.clients))

    async def _shared_snapshot(self) -> Frame:
        """One snapshot for all who come within a second: a thousand reconnecting pages are one question."""
        async with self._snapshot_lock:
            age_s = time.monotonic() - self._snapshot_at_s
            if self._snapshot is None or age_s > self._settings.snapshot_age_s_max:
                taken_at_s = time.monotonic()
                self._snapshot = await asyncio.to_thread(self._take_snapshot)
                self._snapshot_at_s = taken_at_s
            return self._snapshot

    def _take_snapshot(self) -> Frame:
        with self._pool.connection(timeout=self._settings.database_wait_s_max) as connection:
            taken = feed.snapshot(connection)
            return Frame(taken.cursor, present.snapshot_frame(connection, taken, datetime.now(UTC)))

    def _resync(self, snapshot: Frame) -> None:
        self._metrics.live_resyncs.inc()
        self._snapshot, self._snapshot_at_s = snapshot, time.monotonic()
        self.hub.resync(snapshot)
        self._first_resync.set()

    def _publish(self, frames: Sequence[Frame], recorded_at: Sequence[datetime]) -> None:
        self.hub.publish(frames)
        self._metrics.live_frames.inc(len(frames))
        now = datetime.now(UTC)
        for moment in recorded_at:
            self._metrics.live_delay.observe(max(0.0, (now - moment).total_seconds()))

    async def _send_heartbeat(self) -> None:
        alive = self.pulse.alive(time.monotonic())
        frame = HeartbeatFrame(server_time=datetime.now(UTC), cursor=self.hub.cursor, pipeline_alive=alive)
        self.hub.broadcast(frame.model_dump_json())

    async def _look_after(self) -> None:
        """Read the pipelines' heartbeats, and end the connections whose session has ended."""
        sessions = self.hub.sessions()
        heartbeats, valid = await asyncio.to_thread(self._read_pulse, sessions)
        self.pulse.note(heartbeats, time.monotonic())
        self.hub.end_sessions(lambda session: session in sessions and session not in valid)

    def _read_pulse(self, sessions: set[bytes]) -> tuple[list[history.Heartbeat], set[bytes]]:
        idle = auth.idle_max(self._settings)
        with self._pool.connection(timeout=self._settings.database_wait_s_max) as connection:
            store.touch_sessions(connection, sessions, idle=idle)
            return history.heartbeats(connection), store.valid_sessions(connection, sessions, idle=idle)


async def _repeat(period_s: float, action: Callable[[], Awaitable[None]]) -> None:
    """Do `action` every `period_s` for ever; a failure is logged and does not end it."""
    while True:
        try:
            await action()
        except (psycopg.OperationalError, DatabaseUnavailable) as error:
            log.warning("live work put off: the database does not answer", work=action.__qualname__, error=str(error))
        except Exception:  # noqa: BLE001 - told in full, see below
            # The trace as text: structlog's own rendering can print local variables, and with them passwords.
            trace = traceback.format_exc()
            log.error("live work failed", work=action.__qualname__, trace=trace)  # noqa: TRY400 - see above
        await asyncio.sleep(period_s)
