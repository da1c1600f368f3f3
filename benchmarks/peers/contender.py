"""What is measured side by side, as the measurements see it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from benchmarks.load import Load
from benchmarks.peers.traffic import Form
from benchmarks.stage import Child, Stage
from ingest.database import Connection


class Counted(NamedTuple):
    """Rows that are there, and how many of them are there more than once."""

    distinct: int
    doubled: int


@dataclass(frozen=True)
class Running:
    """A contender at work. `roots`: its processes by name. `kill` ends the one that takes messages with SIGKILL and
    lets it come back after so many seconds. `listen`: a child that says READY and then which devices' alerts reached
    a websocket when ([(code, µs since 1970)]); None where the contender has no websocket. `flush` has a contender
    commit that else does so with the next message."""

    roots: Mapping[str, int]
    kill: Callable[[float], None]
    listen: Callable[[frozenset[str], float], Child] | None
    alerts: Callable[[Connection], "Counter[str]"]
    flush: Callable[[], None] = lambda: None


class Contender(Protocol):
    """A system with its settings."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def settings(self) -> str: ...
    @property
    def first_per_s(self) -> float: ...
    @property
    def form(self) -> Form: ...
    def version(self) -> str: ...
    def running(self, stage: Stage) -> AbstractContextManager[Running]: ...
    def load(self, rate_per_s: float, count: int, start_us: int) -> Load: ...
    def probes(self, rate_per_s: float, count: int, start_us: int, devices: tuple[int, ...]) -> Load: ...
    def alarms(self, rate_per_s: float, count: int, start_us: int, devices: tuple[int, ...]) -> Load: ...
    def messages_each(self) -> int: ...
    def count(self, connection: Connection) -> Counted: ...
    def clear(self, connection: Connection) -> None: ...
    def seen(self, stage: Stage, connection: Connection, load: Load, numbers: Sequence[int]) -> list[int]: ...


PEER_TABLES = """
    CREATE TABLE peer_readings (
        measured_at timestamptz NOT NULL, device text NOT NULL, quantity text NOT NULL, value real NOT NULL
    );
    SELECT create_hypertable('peer_readings', 'measured_at', chunk_time_interval => interval '1 day');
    CREATE TABLE peer_alerts (raised_at timestamptz NOT NULL, device text NOT NULL);
"""
UNIQUE = "CREATE UNIQUE INDEX ON peer_readings (device, quantity, measured_at)"


def count_peer(connection: Connection) -> Counted:
    """Of the tables both peers write to."""
    row = connection.execute(
        "SELECT count(*), count(DISTINCT (device, quantity, measured_at)) FROM peer_readings"
    ).fetchone()
    total, distinct = row or (0, 0)
    return Counted(distinct, total - distinct)


def seen_peer(connection: Connection, wanted: Sequence[tuple[int, str, str, int]]) -> list[int]:
    """Which of (number, device code, quantity, measured_at in µs) are rows; a millisecond off counts, as collectd keeps
    time in steps of 2⁻³⁰ s."""
    numbers, devices, quantities, dues = (list(each) for each in zip(*wanted, strict=True))
    found = connection.execute(
        "SELECT number"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[]) AS w (number, device, quantity, due)"
        " WHERE EXISTS (SELECT FROM peer_readings r WHERE r.device = w.device AND r.quantity = w.quantity"
        " AND measured_at BETWEEN timestamptz 'epoch' + (due - 1000) * interval '1 us'"
        " AND timestamptz 'epoch' + (due + 1000) * interval '1 us')",
        (numbers, devices, quantities, dues),
    )
    return [int(number) for (number,) in found]
