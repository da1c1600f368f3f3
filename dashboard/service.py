"""What the routes work with: the database, the live side, and the bounds of signing in."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import structlog

from alerting.people import Scope
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
from ingest import reach
from ingest.database import Connection, Pool
from ingest.errors import DatabaseUnavailable
from ingest.reach import Bound, Guard

_AWAY_WAIT_S_MAX = 0.5  # for a connection while the event log cannot be followed: it is hardly worth waiting
_PASSWORD_CHECKS_MAX = 2  # at once: each takes 64 MiB

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RowSecurity:
    """Whether this database binds requests to their person's reach; found out with the first of them."""

    guard: Guard | None = None

    def holds(self, connection: Connection) -> bool:
        """Asks in the transaction that begins, until the answer is yes: what is missing may be given meanwhile."""
        if self.guard is not Guard.READY:
            found = reach.guard(connection)
            if found is not self.guard and found is not Guard.READY:
                log.warning("row-level security is off: only the application's own checks hold", reason=found.value)
            self.guard = found
            connection.rollback()  # the transaction of the request begins with how it is bound
        return self.guard is Guard.READY


@dataclass(slots=True)
class Service:
    """One of these lives as long as the app, in `app.state.service`; each request has a copy, bound to who asks."""

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

    row_security: RowSecurity = field(default_factory=RowSecurity)
    # Of a request's own copy:
    bound: Bound | None = None  # who asks; None: nobody, who reaches nothing
    address: str = ""  # where it comes from

    def of_request(self, address: str) -> "Service":
        """The same for one request, in which nobody is known yet."""
        return replace(self, bound=None, address=address)

    def bind(self, scope: Scope, actor: str) -> None:
        """From here on the request's transactions reach as far as `scope`."""
        self.bound = Bound(scope.institution_id, scope.region, actor)

    @contextmanager
    def as_service(self) -> Iterator[Connection]:
        """One transaction that reaches everything: for what comes before anybody is known, and for what anybody may
        read. Raises as `writing`: at once while the database is silent, for requests that wait for it would soon take
        every thread."""
        if self.live.database_silent:
            raise DatabaseUnavailable
        wait_s_max = self.settings.database_wait_s_max
        if self.live.database_away:
            wait_s_max = min(wait_s_max, _AWAY_WAIT_S_MAX)
        with self.pool.connection(timeout=wait_s_max) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction within the reach of who asks, committed at the end. Raises psycopg.OperationalError,
        DatabaseUnavailable."""
        with self.as_service() as connection:
            if self.row_security.holds(connection):
                reach.bind(connection, self.bound)
            yield connection

    @contextmanager
    def recording(self) -> Iterator[Connection]:
        """As `reading`, for personal data: what is read is recorded in the same transaction, or not read."""
        with self.as_service() as connection:
            held = self.row_security.holds(connection)
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            if held:
                reach.bind(connection, self.bound)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """As `writing`, one that sees one moment of the database and changes nothing."""
        with self.as_service() as connection:
            if self.row_security.holds(connection):
                reach.bind(connection, self.bound, snapshot=True)
            else:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection
