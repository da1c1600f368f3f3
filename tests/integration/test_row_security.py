# ruff: noqa: S608 - every name in these statements comes from the catalog
"""Row-level security, table by table: who is bound to one institution sees and changes nothing of another."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from anhu import doctor
from anhu.doctor import Health
from anhu.language import Language
from dashboard.service import RowSecurity
from ingest import history, reach
from ingest.reach import Bound, Guard
from tests.integration.people_world import Two, build_two

pytestmark = pytest.mark.integration

# Tables without a row that belongs to an institution. Whoever makes a table puts it behind a policy (reach_guard… in
# ingest/migrations/0009_reach.sql), or says here why it needs none.
OPEN: Final = {
    "anhu_migrations": "closed to the role", "readings": "closed to the role", "readings_late": "closed to the role",
    "readings_1min": "closed to the role", "readings_1h": "closed to the role", "readings_packed": "closed to the role",
    "registry_version": "a counter", "pipeline_heartbeats": "of the service", "spool_progress": "of the service",
    "storage_boundaries": "of the service", "storage_progress": "of the service", "packed_days": "of the service",
    "rollup_late": "hours to be rolled up",
    "shard_count": "a number", "shard_subscriptions": "closed to the role",
    "rule_sets": "rules in force", "escalation_policies": "rules in force", "hazard_policies": "rules in force",
    "rating_policies": "rules in force", "protection_policies": "rules in force", "credit_criteria": "rules in force",
    "commitment_texts": "the words that are signed", "checklist_editions": "checklists in force",
    "ledger": "hashes", "ledger_checkpoints": "hashes and signatures",
    "notifier_cursor": "a number", "hazard_cursor": "a number",
    "rating_runs": "when ratings were made", "credit_nights": "when lists were looked at",
}  # fmt: skip


def _value(kind: str, institution: int) -> Any:
    """Something of that type which only this institution's row has."""
    if kind in {"integer", "bigint", "smallint", "real", "double precision"}:
        return institution
    return {
        "boolean": False, "jsonb": [], "ARRAY": [], "timestamp with time zone": f"2026-11-0{institution}T00:00:00Z",
        "date": f"2026-11-0{institution}", "bytea": f"\\x0{institution}",
        "uuid": f"00000000-0000-4000-8000-00000000000{institution}",
    }.get(kind, f"x{institution}")  # fmt: skip


@pytest.fixture(scope="module")
def two(shared_database_url: str) -> Two:
    two = build_two(shared_database_url)
    with two.world.connect() as connection:
        _fill(connection, two)
        _fill_what_is_empty(connection, two)
    return two


def _fill(connection: psycopg.Connection[Any], two: Two) -> None:
    """What build_two leaves empty and no foreign key leads to, for both institutions."""
    connection.execute("ALTER TABLE credit_publications DISABLE TRIGGER USER")
    for home, device in ((two.world.home, two.world.devices[0]), (two.far, two.far_device)):
        point = connection.execute("SELECT min(id) FROM points WHERE device_id = %s", (device,)).fetchone()
        assert point is not None
        connection.execute("INSERT INTO readings VALUES (now(), %s, 1, 1, NULL)", point)
        connection.execute("INSERT INTO plan_cards VALUES (%s, 'gas', '[]', '[]', now(), 'x', 1)", (home,))
        connection.execute("INSERT INTO residents_lists VALUES (%s, 1, now(), 'x')", (home,))
        connection.execute(
            "INSERT INTO credit_publications (entry_id, published, words_zh, words_en, note, at, actor, person_id)"
            " VALUES (%s, true, %s, '', '', now(), 'x', (SELECT id FROM persons WHERE name = 'county'))",
            (two.own_entry if home == two.world.home else two.far_entry, f"x{home}"),
        )
    connection.execute("INSERT INTO dead_letters (received_at, topic, reason, detail, payload, payload_bytes)"
                       " VALUES (now(), 'anhu/faraway-1/x', 'r', '', '', 0)")  # fmt: skip


def _fill_what_is_empty(connection: psycopg.Connection[Any], two: Two) -> None:
    """A row for each institution in every table that has none, whatever its checks and triggers say: here only whose it
    is matters. Foreign keys lead to rows of the same institution, everything else is as empty as the type allows."""
    expressions = paths(connection)
    relations = {str(row[0]) for row in connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r'")}
    for _ in range(4):
        for table, path in expressions.items():
            if table not in relations:
                continue
            for institution in (two.world.home, two.far):
                if not rows_at(connection, table, path, institution):
                    _insert_empty(connection, table, institution, expressions)


def _insert_empty(
    connection: psycopg.Connection[Any], table: str, institution: int, expressions: Mapping[str, str]
) -> None:
    connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
    for (check,) in connection.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'", (table,)
    ).fetchall():
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*map(sql.Identifier, (table, check))))
    row: dict[str, Any] = {
        str(name): _value(str(kind), institution) for name, kind in connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND table_schema ="
            " 'public' AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'", (table,)
        )
    }  # fmt: skip
    for own, parent, theirs in connection.execute(
        "SELECT ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY k (n, o) JOIN pg_attribute ON attnum = n"
        "  AND attrelid = conrelid ORDER BY o), confrelid::regclass::text,"
        " ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY k (n, o)"
        "  JOIN pg_attribute ON attnum = n AND attrelid = confrelid ORDER BY o)"
        " FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f' ORDER BY cardinality(conkey)", (table,)
    ).fetchall():  # fmt: skip
        everyone = f"SELECT to_jsonb(t) FROM {parent} t WHERE %s IN ('', to_jsonb(t) ->> 'body')"
        if parent == "rating_explanations":  # belongs to the ratings that name it
            parents = [each[0] for each in connection.execute(everyone.encode(), (f"x{institution}",))]
        elif parent in expressions:
            parents = list(rows_at(connection, parent, expressions[parent], institution).values())
        else:
            if connection.execute(everyone.encode(), ("",)).fetchone() is None:
                _insert_empty(connection, parent, institution, expressions)
            parents = [each[0] for each in connection.execute(everyone.encode(), ("",))]
        if parents:
            row |= dict(zip(own, (parents[0][each] for each in theirs), strict=True))
    if "institution_id" in row:
        row["institution_id"] = institution
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    into = sql.SQL(
        "INSERT INTO {} ({}) SELECT {} FROM jsonb_populate_record(NULL::{}, %s) ON CONFLICT DO NOTHING"
    ).format(sql.Identifier(table), names, names, sql.Identifier(table))
    with suppress(psycopg.errors.ForeignKeyViolation, psycopg.errors.NotNullViolation):  # its parent comes first
        connection.execute(into, (Jsonb(row),))


@contextmanager
def bound(two: Two, to: Bound | None) -> Iterator[psycopg.Connection[Any]]:
    """A transaction bound as a request's, which leaves nothing behind."""
    with psycopg.connect(two.world.database_url) as connection:
        reach.bind(connection, to)
        yield connection
        connection.rollback()


def tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Every table and view of the schema."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')"
        " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e') ORDER BY 1"
    )
    return [str(row[0]) for row in rows]


def rows_of(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """What a bare SELECT * shows, each row as text; nothing of a table the role may not read."""
    try:
        with connection.transaction():
            found = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))).fetchall()
    except psycopg.errors.InsufficientPrivilege:
        return []
    return [str(row[0]) for row in found]


def test_every_table_is_behind_a_policy_or_stated_to_need_none(two: Two):
    with two.world.connect() as connection:
        guarded = {
            str(row[0]) for row in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
                " AND relrowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)"
            )
        }  # fmt: skip
        plain = {
            str(row[0]) for row in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            )
        }  # fmt: skip
        assert plain - guarded == set(OPEN)
        views = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'"
            " AND NOT coalesce(reloptions @> '{security_invoker=true}', false)"
            " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')"
        ).fetchall()
        assert views == []  # a view that asks as its owner shows everything
        blind = connection.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND prorettype = 'trigger'::regtype"
            " AND (NOT prosecdef OR NOT coalesce(proconfig::text LIKE '%search_path=public, pg_temp%', false))"
            " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
        ).fetchall()
        assert blind == []  # a trigger that sees no further than who sets it off takes the unseen for missing


def test_who_is_bound_to_nothing_sees_nothing(two: Two):
    with bound(two, None) as connection:
        guarded = [table for table in tables(connection) if table not in OPEN]
        assert {table: found for table in guarded if (found := rows_of(connection, table))} == {}
    with psycopg.connect(two.world.database_url) as connection:  # the role alone is no reach either, nor is nonsense
        for setting in ("", "institution:", "institution:1 OR true", "region:", "region:x", "region:2'", "everything"):
            connection.execute(
                "SELECT set_config('anhu.reach', %s, true), set_config('role', %s, true)", (setting, reach.PAGE_ROLE)
            )
            assert rows_of(connection, "institutions") == [], setting
            connection.rollback()


# How a row belongs to an institution where no foreign key tells.
PATHS: Final = {
    "institutions": "t.id",
    "unclaimed_devices": "(SELECT id FROM institutions WHERE code = t.institution)",
    "credit_publications": "(SELECT institution_id FROM credit_entries WHERE id = t.entry_id)",
    "rating_explanations": "(SELECT min(institution_id) FROM ratings WHERE explanation = t.sha256)",
}
WITHHELD: Final = {"acknowledge_links", "acknowledge_link_uses", "service_accounts"}  # also what is one's own
OF_REGIONS: Final = {
    "campaigns",
    "draws",
    "draw_seeds",
    "draw_events",
}  # what an institution sees of them is another thing


def paths(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """For every table with institution data, found from the catalog: the expression of a row's institution."""
    keys = connection.execute(
        "SELECT conrelid::regclass::text, a.attname, confrelid::regclass::text, f.attname FROM pg_constraint"
        " JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]"
        " JOIN pg_attribute f ON f.attrelid = confrelid AND f.attnum = confkey[1]"
        " WHERE contype = 'f' AND cardinality(conkey) = 1 AND connamespace = 'public'::regnamespace"
        " ORDER BY confrelid = 'persons'::regclass, conkey[1]"
    ).fetchall()
    named_ = {str(row[0]) for row in connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name = 'institution_id'"
    )}  # fmt: skip
    found = dict.fromkeys(named_, "t.institution_id") | PATHS
    for _ in range(4):
        for table, column, parent, key in keys:
            if table not in found and parent in found and table not in OPEN:
                above = found[parent].replace("t.", f"{parent}_.")
                found[table] = f"(SELECT {above} FROM {parent} {parent}_ WHERE {parent}_.{key} = t.{column})"
    return found


def rows_at(connection: psycopg.Connection[Any], table: str, path: str, institution: int) -> dict[str, Any]:
    """The rows of an institution as their owner sees them: text → JSON."""
    statement = f"SELECT t::text, to_jsonb(t) FROM {table} t WHERE {path} = %s"
    return {str(row[0]): row[1] for row in connection.execute(statement.encode(), (institution,))}


def test_who_is_bound_sees_all_of_their_own_and_nothing_of_another_institution(two: Two):
    with two.world.connect() as connection:
        expressions = paths(connection)
        assert len(expressions) > 60
        theirs = {table: rows_at(connection, table, path, two.far) for table, path in expressions.items()}
        ours = {table: rows_at(connection, table, path, two.world.home) for table, path in expressions.items()}
        kept = {str(row[0]) for row in connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r'")}
    assert [table for table in kept & set(theirs) if not theirs[table]] == []  # nothing tried, nothing proved
    reaches = (Bound(two.world.home, actor="user:operator"), Bound(region="220322", actor="user:county"))
    for reach_ in reaches:
        with bound(two, reach_) as connection:
            for table, foreign in theirs.items():
                shown = set(rows_of(connection, table))
                assert not shown & set(foreign), (table, reach_)
                if table not in WITHHELD | OF_REGIONS:
                    assert shown >= set(ours[table]), (table, reach_)
    with bound(two, Bound(actor="user:admin")) as connection:
        for table, foreign in theirs.items():
            if table not in {"acknowledge_links", "acknowledge_link_uses"}:
                assert set(rows_of(connection, table)) >= set(foreign), table


def test_rows_of_another_institution_are_neither_written_nor_changed_nor_removed(two: Two):
    with two.world.connect() as connection:
        expressions = {
            table: path for table, path in paths(connection).items()
            if connection.execute(
                "SELECT relkind = 'r' FROM pg_class WHERE oid = %s::regclass", (table,)).fetchone() == (True,)
        }  # fmt: skip
    with psycopg.connect(two.world.database_url) as connection:
        for table, path in expressions.items():
            [text, row] = next(iter(rows_at(connection, table, path, two.far).items()))
            # Not our triggers, which would refuse much of this as well, but the policies are what is tried.
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
            columns = ", ".join(f'"{each[0]}"' for each in connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'"
                " AND table_schema = 'public' ORDER BY is_identity", (table,)
            ))  # fmt: skip
            first = columns.split(",")[0]
            again = (f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns}"
                     f" FROM jsonb_populate_record(NULL::{table}, %s)")  # fmt: skip
            reach.bind(connection, Bound(two.world.home, actor="user:operator"))
            # Reasons are found by their hash, so whoever has them may write them: they are there already.
            there = table == "rating_explanations"
            refused = psycopg.errors.UniqueViolation if there else psycopg.errors.InsufficientPrivilege
            with pytest.raises(refused), connection.transaction():
                connection.execute(again.encode(), (Jsonb(row),))
            if table in {"acknowledge_links", "acknowledge_link_uses"}:
                connection.rollback()
                continue
            for statement in (f"UPDATE {table} t SET {first} = {first} WHERE t::text = %s",
                              f"DELETE FROM {table} t WHERE t::text = %s"):  # fmt: skip
                assert connection.execute(statement.encode(), (text,)).rowcount == 0, (table, statement)
            connection.rollback()


def test_readings_are_closed_and_read_by_points_within_reach(two: Two):
    with two.world.connect() as connection:
        own, far = (
            connection.execute("SELECT min(id) FROM points WHERE device_id = %s", (device,)).fetchone()
            for device in (two.world.devices[0], two.far_device)
        )
    assert own is not None
    assert far is not None
    points = [own[0], far[0]]
    now = datetime.now(UTC)
    span = now - timedelta(hours=1), now + timedelta(hours=1), 600
    for to, seen in ((Bound(two.world.home), {own[0]}), (Bound(), set(points)), (None, set())):
        with bound(two, to) as connection:
            for table in (
                "readings",
                "readings_1min",
                "readings_1h",
                "readings_packed",
                "readings_late",
                "readings_all",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    connection.execute(f"SELECT FROM {table}".encode())
            assert set(history.last_readings(connection, points)) == seen, to
            found = history.series(connection, points, *span)
            assert {point for point in points if found[point].value} == seen, to
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute("SELECT FROM readings")  # closed again


def test_a_binding_ends_with_its_transaction_and_lifting_it_ends_within(two: Two):
    with psycopg.connect(two.world.database_url) as connection:
        reach.bind(connection, Bound(two.world.home))
        assert len(rows_of(connection, "institutions")) == 1
        with reach.lifted(connection):
            assert len(rows_of(connection, "institutions")) == 3
        assert len(rows_of(connection, "institutions")) == 1
        with pytest.raises(ZeroDivisionError), reach.lifted(connection):
            raise ZeroDivisionError
        assert len(rows_of(connection, "institutions")) == 1
        with pytest.raises(psycopg.errors.UndefinedTable), connection.transaction(), reach.lifted(connection):
            connection.execute("SELECT FROM there_is_no_such_table")
        assert len(rows_of(connection, "institutions")) == 1  # as it was when the savepoint was set
        connection.commit()
        assert connection.execute("SELECT current_user = session_user").fetchone() == (True,)
        assert len(rows_of(connection, "institutions")) == 3
        with reach.lifted(connection):
            assert len(rows_of(connection, "institutions")) == 3
        connection.rollback()
        reach.bind(connection, Bound(two.world.home), snapshot=True)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("UPDATE institutions SET name = name")


def test_the_role_is_made_by_whoever_may_and_its_absence_is_told(
    two: Two, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    with two.world.connect() as connection:
        assert reach.guard(connection) is Guard.READY
        assert reach.prepare(connection) is Guard.READY  # again: nothing changes
        monkeypatch.setattr(reach, "PAGE_ROLE", "anhu_page_missing")
        assert reach.guard(connection) is Guard.NO_ROLE
        assert reach.prepare(connection) is Guard.NO_ROLE  # our user makes no roles
        assert connection.execute("SELECT FROM pg_roles WHERE rolname = 'anhu_page_missing'").fetchone() is None
        env = {"ANHU_DATABASE_URL": two.world.database_url, "ANHU_MQTT_URL": "mqtt://127.0.0.1:1"}
        monkeypatch.setattr(doctor, "PAGE_ROLE", "anhu_page_missing")
        monkeypatch.setattr(doctor, "is_fit", lambda _found: True)  # there is no broker
        [told] = [each for each in doctor.examine(env, tmp_path, Language.EN) if each.name == "Row-level security"]
        assert told.health is Health.WANTING
        assert "CREATE ROLE anhu_page_missing NOLOGIN" in told.remedy
        assert "anhu migrate" in told.remedy
    with psycopg.connect(two.world.database_url) as connection:
        security = RowSecurity()
        assert security.holds(connection) is False
        monkeypatch.undo()
        assert security.holds(connection) is True  # it was made meanwhile
    monkeypatch.setattr(doctor, "is_fit", lambda _found: True)
    [told] = [each for each in doctor.examine(env, tmp_path, Language.ZH) if each.name == "行级安全"]
    assert told.health is Health.FOUND
