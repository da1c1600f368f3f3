"""What the routes work with: the database, the live side, and the bounds of signing in."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dashboard.account_key import AccountKey
from dashboard.backtests import Backtests
from dashboard.gateways import Gateways, NoGateways
from dashboard.health import HealthCheck
from dashboard.known_sessions import KnownSessions
from dashboard.live import Live
from dashboard.metrics import Metrics
from dashboard.oidc import Provider
from dashboard.public_answers import PublicAnswers
from dashboard.settings import DashboardSettings
from dashboard.throttle import SignInThrottle
from ingest.database import Connection, Pool
from ingest.errors import DatabaseUnavailable

_AWAY_WAIT_S_MAX = 0.5  # for a connection while the event log cannot be followed: it is hardly worth waiting
_PASSWORD_CHECKS_MAX = 2  # at once: each takes 64 MiB


@dataclass(slots=True)
class Service:
    """One of these lives as long as the app, in `app.state.service`."""

    settings: DashboardSettings
    pool: Pool
    live: Live
    known: KnownSessions
    metrics: Metrics
    backtests: Backtests
    health: HealthCheck
    account_key: AccountKey
    provider: Provider | None = None  # where one signs in besides with a password
    gateways: Gateways = field(default_factory=NoGateways)
    throttle: SignInThrottle = field(default_factory=SignInThrottle)
    ledger_check: threading.Lock = field(default_factory=threading.Lock)
    public: PublicAnswers = field(default_factory=PublicAnswers)
    picture_work: threading.Lock = field(default_factory=threading.Lock)
    password_checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PASSWORD_CHECKS_MAX))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed at the end. Raises psycopg.OperationalError, DatabaseUnavailable: at once while
        the database is silent, for requests that wait for it would soon take every thread."""
        if self.live.database_silent:
            raise DatabaseUnavailable
        wait_s_max = self.settings.database_wait_s_max
        if self.live.database_away:
            wait_s_max = min(wait_s_max, _AWAY_WAIT_S_MAX)
        with self.pool.connection(timeout=wait_s_max) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that sees one moment of the database. Raises psycopg.OperationalError."""
        with self.writing() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection
