"""Live readings of watched devices: one question to the database for all of them, and only what is new."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from dashboard.hub import Client, Hub
from dashboard.schemas import LiveSeries, ReadingsFrame
from ingest import directory, history
from ingest.database import Pool
from ingest.history import Sample
from ingest.registry import Point

SAMPLES_PER_POINT_MAX: Final = 100  # in one look; the rest comes with the next
RECENT_COUNT_MAX: Final = 500  # samples kept for somebody who joins a watched device
DEVICES_PER_QUERY_MAX: Final = 500
# A watch begins this long before the newest reading: what was stored between the page's request for the history and its
# request to watch would otherwise be lost.
OVERLAP: Final = timedelta(seconds=30)
# Where a point never reported; older readings are refused on arrival (PipelineSettings.age_days_max).
_NEVER: Final = timedelta(days=7)


@dataclass(slots=True)
class _Watched:
    """One device and who watches it."""

    quantities: dict[int, str] = field(default_factory=dict)  # point id → quantity
    cursors: dict[int, datetime] = field(default_factory=dict)  # point id → newest sample sent
    recent: deque[Sample] = field(default_factory=lambda: deque(maxlen=RECENT_COUNT_MAX))
    clients: set[Client] = field(default_factory=set)
    joined: set[Client] = field(default_factory=set)  # have not had the recent samples yet
    ready: bool = False


class Watches:
    """Who watches what. Everything but the questions runs on the event loop."""

    def __init__(self, hub: Hub, pool: Pool) -> None:
        self._hub = hub
        self._pool = pool
        self._devices: dict[int, _Watched] = {}

    def add(self, client: Client, device_id: int) -> None:
        """`client` wants the readings of a device; a device that does not exist has none."""
        watched = self._devices.setdefault(device_id, _Watched())
        if client not in watched.clients:
            client.watched.add(device_id)
            watched.clients.add(client)
            watched.joined.add(client)

    def remove(self, client: Client, device_id: int) -> None:
        """`client` wants them no longer."""
        client.watched.discard(device_id)
        watched = self._devices.get(device_id)
        if watched is None:
            return
        watched.clients.discard(client)
        watched.joined.discard(client)
        if not watched.clients:
            del self._devices[device_id]

    def forget(self, client: Client) -> None:
        """`client` has gone."""
        for device_id in tuple(client.watched):
            self.remove(client, device_id)

    async def poll(self) -> None:
        """Look once for new readings of everything watched and hand them on. Raises psycopg.OperationalError."""
        ids = list(self._devices)
        for start in range(0, len(ids), DEVICES_PER_QUERY_MAX):
            await self._poll_some(ids[start : start + DEVICES_PER_QUERY_MAX])

    async def _poll_some(self, device_ids: Sequence[int]) -> None:
        fresh = [each for each in device_ids if each in self._devices and not self._devices[each].ready]
        if fresh:
            await self._prepare(fresh)
        cursors: dict[int, datetime] = {}
        for device_id in device_ids:
            if watched := self._devices.get(device_id):
                cursors.update(watched.cursors)
        samples = await asyncio.to_thread(self._samples, cursors)
        by_point: dict[int, list[Sample]] = {}
        for sample in samples:
            by_point.setdefault(sample.point_id, []).append(sample)
        for device_id in device_ids:
            if (watched := self._devices.get(device_id)) and watched.ready:
                self._hand_on(device_id, watched, by_point)

    async def _prepare(self, device_ids: Sequence[int]) -> None:
        points, last = await asyncio.to_thread(self._points, device_ids)
        now = datetime.now(UTC)
        for point in points:
            if watched := self._devices.get(point.device_id):
                watched.quantities[point.id] = point.quantity
                newest = last.get(point.id)
                watched.cursors[point.id] = newest.measured_at - OVERLAP if newest else now - _NEVER
        for device_id in device_ids:
            if watched := self._devices.get(device_id):
                watched.ready = True

    def _hand_on(self, device_id: int, watched: _Watched, by_point: dict[int, list[Sample]]) -> None:
        samples = [
            sample
            for point_id in watched.quantities
            for sample in by_point.get(point_id, [])
            if sample.measured_at > watched.cursors[point_id]
        ]
        for sample in samples:
            watched.cursors[sample.point_id] = sample.measured_at
        watched.recent.extend(samples)
        if samples and (others := watched.clients - watched.joined):
            self._hub.give(others, _frame(device_id, watched, samples))
        if watched.joined and watched.recent:
            self._hub.give(watched.joined, _frame(device_id, watched, watched.recent))
        watched.joined.clear()

    def _samples(self, cursors: dict[int, datetime]) -> list[Sample]:
        with self._pool.connection() as connection:
            return history.samples_after(connection, cursors, SAMPLES_PER_POINT_MAX)

    def _points(self, device_ids: Sequence[int]) -> tuple[list[Point], dict[int, history.Last]]:
        with self._pool.connection() as connection:
            points = directory.points_of(connection, device_ids)
            return points, history.last_readings(connection, [point.id for point in points])


def _frame(device_id: int, watched: _Watched, samples: Collection[Sample]) -> str:
    columns: dict[int, list[Sample]] = {}
    for sample in samples:
        columns.setdefault(sample.point_id, []).append(sample)
    return ReadingsFrame(
        device_id=device_id,
        series=[
            LiveSeries(
                point_id=point_id,
                quantity=watched.quantities[point_id],
                measured_at_ms=[history.epoch_ms(sample.measured_at) for sample in column],
                value=[sample.value for sample in column],
            )
            for point_id, column in columns.items()
        ],
    ).model_dump_json()
