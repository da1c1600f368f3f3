"""Binding a transaction to somebody's reach: row-level security behind the application's own checks.

A bound transaction runs as the role PAGE_ROLE, which owns nothing, and carries the reach as a setting of the
transaction; the policies of the tables (migrations/0009_reach.sql) show and take only rows within it. Both fall with
the transaction, so a pooled connection goes back as it came. Without a reach, nothing is within it.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

PAGE_ROLE: Final = "anhu_page"
# What requests do not read themselves: readings (see `readable`), the key that signs drills, links that stand for a
# sign-in.
CLOSED: Final = (
    "readings", "readings_late", "readings_1min", "readings_1h", "readings_packed", "readings_unpacked",
    "readings_late_new", "readings_all", "drill_key", "acknowledge_links", "acknowledge_link_uses", "anhu_migrations",
    "shard_subscriptions",
)  # fmt: skip
_SETS_SINCE: Final = 160_000  # PostgreSQL tells becoming a role from having its rights
_MADE_MEANWHILE: Final = (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation)

_Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a transaction reaches: one institution, or a region by its prefix ("": everywhere). `actor` is who acts,
    as the ledger names them."""

    institution_id: int | None = None
    region: str = ""
    actor: str = ""

    @property
    def setting(self) -> str:
        """The value of the setting `anhu.reach`.

        >>> Bound(12).setting, Bound(region="2203").setting, Bound().setting
        ('institution:12', 'region:2203', 'all')
        """
        if self.institution_id is not None:
            return f"institution:{self.institution_id}"
        return f"region:{self.region}" if self.region else "all"


class Guard(StrEnum):
    """Whether a database can bind transactions."""

    READY = "ready"
    NO_ROLE = "no_role"  # the role does not exist, or this user may not become it
    NO_GRANTS = "no_grants"  # the role may not read this database's tables


_GUARD: Final = (
    "SELECT coalesce(pg_has_role(current_user, (SELECT oid FROM pg_roles WHERE rolname = %(role)s), %(how)s), false),"
    " coalesce((SELECT has_table_privilege(oid, to_regclass('institutions'), 'SELECT') FROM pg_roles"
    "  WHERE rolname = %(role)s), false)"
)
_POINTS: Final = (
    "SELECT current_setting('role'), ARRAY(SELECT id FROM points WHERE id = ANY(%s)"
    " AND current_setting('role') <> 'none')"
)
_BIND: Final = sql.SQL(
    "SELECT set_config('anhu.reach', {}, true), set_config('anhu.actor', {}, true), set_config('role', {}, true)"
)
_SNAPSHOT: Final = sql.SQL("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; ")


def guard(connection: _Connection) -> Guard:
    """Whether transactions of this user can be bound here."""
    how = "SET" if connection.info.server_version >= _SETS_SINCE else "MEMBER"
    row = connection.execute(_GUARD, {"role": PAGE_ROLE, "how": how}).fetchone()
    becomes, reads = row or (False, False)
    if not becomes:
        return Guard.NO_ROLE
    return Guard.READY if reads else Guard.NO_GRANTS


def bind(connection: _Connection, bound: Bound | None, *, snapshot: bool = False) -> None:
    """Bind the transaction that begins here, to nothing at all where `bound` is None; with `snapshot` it reads only,
    and sees one moment. One round trip."""
    reach, actor = (bound.setting, bound.actor) if bound is not None else ("", "")
    statement = _BIND.format(reach, actor, PAGE_ROLE)
    connection.execute(_SNAPSHOT + statement if snapshot else statement)


@contextmanager
def lifted(connection: _Connection) -> Iterator[None]:
    """What the service does of its own within somebody's transaction, such as telling people who are out of their
    reach: no more than that, and nothing of what it reads goes to the page. An unbound transaction stays as it is."""
    row = connection.execute("SELECT current_setting('role')").fetchone()
    if row is None or row[0] != PAGE_ROLE:
        yield
        return
    with _as_owner(connection):
        yield


@contextmanager
def readable(connection: _Connection, point_ids: Collection[int]) -> Iterator[list[int]]:
    """Those of `point_ids` within reach, whose readings can be read as long as this lasts: to a bound transaction the
    tables of readings are closed. An unbound one may read all."""
    row = connection.execute(_POINTS, (list(point_ids),)).fetchone()
    role, visible = row or ("", [])
    if role != PAGE_ROLE:
        yield list(point_ids)
        return
    with _as_owner(connection):
        yield visible


@contextmanager
def _as_owner(connection: _Connection) -> Iterator[None]:
    connection.execute("SELECT set_config('role', 'none', true)")
    try:
        yield
    finally:
        # A failed transaction is rolled back, and its role with it.
        if connection.info.transaction_status is TransactionStatus.INTRANS:
            connection.execute("SELECT set_config('role', %s, true)", (PAGE_ROLE,))


def prepare(connection: _Connection) -> Guard:
    """Make the role, let this user become it and let it at the tables of the schema, as far as that is not so and this
    user may; how it stands then. Roles belong to the whole server: several databases may do this at once."""
    with connection.transaction():
        if guard(connection) is Guard.NO_ROLE:
            try:
                with connection.transaction():
                    _make_role(connection)
            except psycopg.errors.InsufficientPrivilege:
                return Guard.NO_ROLE
        if not _role_exists(connection):
            return Guard.NO_ROLE
        _grant(connection)
        return guard(connection)


def _role_exists(connection: _Connection) -> bool:
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (PAGE_ROLE,)).fetchone() is not None


def _make_role(connection: _Connection) -> None:
    if not _role_exists(connection):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(PAGE_ROLE)))
        except _MADE_MEANWHILE:
            pass  # by another database of the server
    # Who made a role may give it away, but is not yet in it.
    options = " WITH INHERIT FALSE, SET TRUE" if connection.info.server_version >= _SETS_SINCE else ""
    membership = sql.SQL("GRANT {} TO CURRENT_USER" + options)
    superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if superuser is not None and not superuser[0]:
        connection.execute(membership.format(sql.Identifier(PAGE_ROLE)))


def _grant(connection: _Connection) -> None:
    """Tables that came with a migration have to be opened to the role; what is closed to it stays so."""
    role = sql.Identifier(PAGE_ROLE)
    row = connection.execute("SELECT current_schema()").fetchone()
    schema = sql.Identifier(str(row[0]) if row else "public")
    tables = connection.execute(
        "SELECT relname, relname = ANY(%s), has_table_privilege(%s, oid, 'SELECT') FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v')"
        " AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)",
        (list(CLOSED), PAGE_ROLE),
    ).fetchall()
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
    connection.execute(sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {} TO {}").format(schema, role))
    for name, closed, open_now in tables:
        if closed and open_now:
            connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.Identifier(name), role))
        elif not closed and not open_now:
            rights = sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}")
            connection.execute(rights.format(sql.Identifier(name), role))
