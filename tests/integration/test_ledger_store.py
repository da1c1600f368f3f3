"""The ledger against the real database: whoever gets past the triggers still leaves a trace."""

import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alerting import ledger_store, store
from alerting.alert import Condition, Kind, Priority, Source, Verb, alert_id, engine_event
from alerting.alert import Key as AlertKey
from alerting.ledger import Fault, verify
from anhu.commands.migrate import PACKAGES
from ingest.database import connect, migrate

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FIRE = Condition("self.test", Kind.SYSTEM, Priority.HIGH, latching=False)


def event(n: int, verb: Verb = Verb.RAISE):
    source = Source(None, None, None)
    number = alert_id(AlertKey(None, None, Kind.SYSTEM), NOW_US)
    told = {"value": 0.1 * n, "big": 1e22, "list": [1, 2.5, None], "text_zh": "火"}
    return engine_event(number, verb, NOW_US + n * 1_000_000, NOW_US, source, FIRE, told)


@pytest.fixture
def connection(database_url: str):
    migrate(database_url, PACKAGES)
    with connect(database_url) as connection:
        for n in range(1, 41, 2):
            with connection.transaction():
                store.append(connection, [event(n), event(n + 1, Verb.CLEAR)])
            with connection.transaction():
                ledger_store.record_act(
                    connection, actor="user:admin", verb="note", subject=f"n:{n}", institution_id=None, body={"n": n}
                )
        with connection.transaction():
            assert ledger_store.checkpoint(connection, KEY, NOW + timedelta(hours=1))
        yield connection


def faults(connection) -> list[tuple[Fault, str, int | None]]:
    trusted = KEY.public_key().public_bytes_raw()
    found = list(verify(ledger_store.entries(connection), ledger_store.checkpoints(connection), trusted))
    connection.commit()
    return [(each.fault, each.source, each.row_id) for each in found]


def behind_the_back(connection, statement: str, *parameters: object) -> None:
    """As the owner of the tables, who can switch triggers off."""
    for table in ("alert_events", "acts", "ledger"):
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
    connection.execute(statement.encode(), parameters)
    connection.commit()


def test_what_was_written_verifies(connection):
    assert faults(connection) == []
    assert list(ledger_store.unchained(connection)) == []
    assert sum(1 for _ in ledger_store.entries(connection)) == 60


@pytest.mark.parametrize("table", ["alert_events", "acts", "ledger", "ledger_checkpoints"])
def test_records_cannot_be_changed_by_the_front_door(connection, table):
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute(statement.encode())
        connection.rollback()


def test_a_changed_event_is_named(connection):
    row = connection.execute("SELECT id FROM alert_events ORDER BY id OFFSET 7 LIMIT 1").fetchone()
    behind_the_back(connection, "UPDATE alert_events SET priority = 'low' WHERE id = %s", row[0])
    assert faults(connection) == [(Fault.CHANGED, "alert_events", row[0])]


def test_a_removed_event_is_named(connection):
    row = connection.execute("SELECT id FROM alert_events ORDER BY id OFFSET 7 LIMIT 1").fetchone()
    behind_the_back(connection, "DELETE FROM alert_events WHERE id = %s", row[0])
    assert faults(connection) == [(Fault.REMOVED, "alert_events", row[0])]


def test_a_removed_entry_is_named(connection):
    behind_the_back(connection, "DELETE FROM ledger WHERE no = 12")
    assert faults(connection) == [(Fault.REMOVED, "ledger", None)]


def test_an_inserted_act_is_named(connection):
    behind_the_back(
        connection, "INSERT INTO acts (actor, verb, subject, body) VALUES ('user:admin', 'reset', 'alert:x', '{}')"
    )
    assert [source for source, _ in ledger_store.unchained(connection)] == ["acts"]


def test_a_cut_off_end_is_named(connection):
    connection.execute("ALTER TABLE ledger_checkpoints DISABLE TRIGGER USER")
    connection.execute("ALTER TABLE ledger_checkpoints DROP CONSTRAINT ledger_checkpoints_no_fkey")
    behind_the_back(connection, "DELETE FROM ledger WHERE no > 50")
    assert (Fault.REMOVED, "ledger", None) in faults(connection)


def test_two_writers_make_one_chain(connection, database_url):
    with connect(database_url) as other:
        for n in range(50):
            for each in (connection, other):
                with each.transaction():
                    ledger_store.record_act(
                        each, actor="user:a", verb="note", subject=str(uuid.uuid4()), institution_id=None, body={"n": n}
                    )
    assert faults(connection) == []
