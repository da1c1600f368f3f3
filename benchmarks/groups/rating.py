"""A province's rating: 1,500 institutions with three years of hazards and alerts, rated by one nightly run; and a
page of the hazard ledger on the same history."""

import statistics
import time
from datetime import UTC, datetime
from typing import Final

import numpy as np

from benchmarks.figures import Figure
from benchmarks.stage import Stage
from dashboard import present_hazard
from ingest.database import Connection, connect
from inspection import hazard_list_store, operate, rating_run
from inspection.hazard_list_store import Filter, Which

INSTITUTIONS: Final = 1500
HAZARDS_EACH: Final = 60  # over the three years
ALERTS_EACH: Final = 180
PAGES: Final = 40
_GUARDED: Final = ("hazards", "hazard_events", "alert_events")
_HISTORY: Final = (
    """
    INSERT INTO institutions (code, name, name_en, kind, region, created_at)
    SELECT 'rated-' || n, '评价测试院 ' || n, 'Rated ' || n, 'nursing_home', (220100 + n %% 60)::text,
      now() - interval '4 years'
    FROM generate_series(1, %(institutions)s) n
    """,
    "INSERT INTO persons (name, role) VALUES ('rating bench', 'supervisor')",
    # Seven of eight are closed; every tenth was rectified after its deadline.
    """
    CREATE TEMP TABLE life AS
    SELECT gen_random_uuid() AS id, i.id AS institution_id, n, t.at, n %% 8 = 0 AS open,
      t.at + interval '8 days' AS deadline,
      t.at + CASE WHEN n %% 10 = 1 THEN interval '12 days' ELSE interval '5 days' END AS done,
      CASE WHEN n %% 9 = 0 THEN 'major' ELSE 'general' END AS level, (SELECT max(id) FROM persons) AS person
    FROM institutions i, generate_series(1, %(hazards)s) n,
      LATERAL (SELECT now() - (n * 1095.0 / %(hazards)s + 20 + i.id * 7919 %% 17) * interval '1 day' AS at) t
    WHERE i.code LIKE 'rated-%%'
    """,
    """
    INSERT INTO hazards (id, institution_id, origin, category, level, supervisor, title, detail, state, version,
      reported_at, reported_by, clause, occurrence, failures, extensions, escalated, assignee_id, assigned_at, deadline,
      rectifier_id, rectified_at, rechecked_at, closed_at)
    SELECT id, institution_id, 'person', 'fire', level, 'deputy', '通道堵塞 ' || n, '',
      CASE WHEN open THEN 'assigned' ELSE 'closed' END, CASE WHEN open THEN 2 ELSE 5 END, at, 'user:x', '',
      1 + (n %% 5 = 0)::int, 0, 0, 0, person, at + interval '1 day', deadline, CASE WHEN NOT open THEN person END,
      CASE WHEN NOT open THEN done END, CASE WHEN NOT open THEN done + interval '1 day' END,
      CASE WHEN NOT open THEN done + interval '2 days' END
    FROM life
    """,
    """
    INSERT INTO hazard_events (event_id, hazard_id, seq, verb, at, recorded_at, actor, person_id, outside, passed, note,
      body)
    SELECT gen_random_uuid(), id, seq, verb, e.at, e.at, 'user:x', person, true, CASE verb WHEN 'recheck' THEN true END,
      'x', CASE verb WHEN 'assign' THEN jsonb_build_object('deadline', deadline, 'level', level)
                     WHEN 'report' THEN jsonb_build_object('level', 'general') ELSE '{}' END
    FROM life, LATERAL (VALUES (1, 'report', life.at), (2, 'assign', life.at + interval '1 day'), (3, 'rectify', done),
      (4, 'recheck', done + interval '1 day'), (5, 'close', done + interval '2 days')) AS e (seq, verb, at)
    WHERE NOT open OR seq < 3
    """,
    """
    INSERT INTO alert_events (event_id, alert_id, verb, at, onset_at, recorded_at, institution_id, kind, priority,
      latching, rule, actor, evidence)
    SELECT gen_random_uuid(), md5(i.id || '.' || n)::uuid, verb, e.at, t.at, e.at, i.id,
      CASE n %% 4 WHEN 0 THEN 'unanswered' ELSE 'offline' END, 'medium', false, 'unanswered.x', 'engine', '{}'
    FROM institutions i, generate_series(1, %(alerts)s) n,
      LATERAL (SELECT now() - (n * 1095.0 / %(alerts)s) * interval '1 day' AS at) t,
      LATERAL (VALUES ('raise', t.at), ('clear', t.at + interval '30 hours')) AS e (verb, at)
    WHERE i.code LIKE 'rated-%%' AND e.at < now()
    """,
    "ANALYZE",
)


def run(stage: Stage) -> list[Figure]:
    """Rate once as by night, verify it as a whole, and turn pages of the ledger."""
    with connect(stage.database_url, autocommit=True, application="anhu bench") as connection:
        connection.execute("SET statement_timeout = 0")
        _fill(connection)
        connection.execute("RESET statement_timeout")
        time.sleep(6)  # what was just written is settled after five seconds
        began_s = time.perf_counter()
        with connection.transaction():
            made, _ = rating_run.run(connection, None, "night", "bench")
        nightly_s = time.perf_counter() - began_s
        count, differing = rating_run.verify(connection, made)
        pages_ms = [
            _page_ms(connection, which) for _ in range(PAGES) for which in (Which.OPEN, Which.OVERDUE, Which.ALL)
        ]
    return [
        Figure("rating.nightly_s", nightly_s, "s"),
        Figure("rating.institutions", count, "institutions"),
        Figure("rating.differing", len(differing), "ratings"),
        Figure("ledger.page_ms.p50", statistics.median(pages_ms), "ms"),
        Figure("ledger.page_ms.p99", float(np.quantile(pages_ms, 0.99)), "ms"),
    ]


def _fill(connection: Connection) -> None:
    """Three years in a few statements, past the triggers that stamp the time of writing."""
    sizes = {"institutions": INSTITUTIONS, "hazards": HAZARDS_EACH, "alerts": ALERTS_EACH}
    for table in _GUARDED:
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
    for statement in _HISTORY:
        connection.execute(statement.encode(), sizes)
    for table in _GUARDED:
        connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())


def _page_ms(connection: Connection, which: Which) -> float:
    """A page as `GET /api/hazards` makes it: its rows with all names, and the count."""
    began_s = time.perf_counter()
    now, narrowed = datetime.now(UTC), Filter(which)
    policy = operate.policy_in_force(connection)
    found, _ = hazard_list_store.page(connection, narrowed, None, 50, now, policy)
    present_hazard.rows(connection, found, now, policy)
    hazard_list_store.count(connection, narrowed, now, policy)
    return (time.perf_counter() - began_s) * 1000
