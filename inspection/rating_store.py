"""Ratings in the database: policies, runs, each institution's rating with its reasons, and how far the past is
settled."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.rows import class_row

from alerting.ledger_store import record_act
from ingest.database import Connection
from ingest.reach import lifted
from inspection.errors import RatingRefused, RatingUnknown
from inspection.rating import Rating
from inspection.rating_policy import RatingPolicy, parse

_LEADER_LOCK: Final = 0x52415445  # one worker rates by night
_APPEND_LOCK: Final = 0x52415441  # held from a run's number to its commit: the order of numbers is that of commits
_SETTLE_S: Final = 5  # for a row that is being written while we look
CHANGE_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Run:
    """One run over some or all institutions."""

    id: int
    as_of: datetime
    policy_id: int
    kind: str
    actor: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an institution stands: its newest rating and the grade of CHANGE_DAYS before. All None: not rated yet."""

    institution_id: int
    as_of: datetime | None
    policy_id: int | None
    score: int | None
    grade: str | None
    earlier_grade: str | None
    earlier_score: int | None
    inspections_per_year: float | None


_NEWEST: Final = (
    "SELECT as_of, run_id, score, grade, inspections_per_year FROM ratings WHERE institution_id = i.id AND as_of <= {0}"
    " ORDER BY as_of DESC, run_id DESC LIMIT 1"
)
_STANDINGS: Final = (
    "SELECT i.id AS institution_id, r.as_of, u.policy_id, r.score, r.grade, e.grade AS earlier_grade,"
    " e.score AS earlier_score, r.inspections_per_year FROM institutions i"
    f" LEFT JOIN LATERAL ({_NEWEST.format('%(now)s')}) r ON true"
    f" LEFT JOIN LATERAL ({_NEWEST.format('r.as_of - %(change)s')}) e ON true"
    " LEFT JOIN rating_runs u ON u.id = r.run_id"
    " WHERE (%(within)s::int[] IS NULL OR i.id = ANY(%(within)s)) "
    " AND (%(text)s = '' OR strpos(lower(i.name || ' ' || i.name_en), %(text)s) > 0)"
    " ORDER BY r.score NULLS LAST, i.code"
)


def load_policy(connection: Connection) -> tuple[int, RatingPolicy] | None:
    """The policy in force with its id, None before the first was loaded. Raises RatingPolicyInvalid."""
    row = connection.execute("SELECT id, body FROM rating_policies ORDER BY id DESC LIMIT 1").fetchone()
    return (int(row[0]), parse(str(row[1]))) if row else None


def policy(connection: Connection, policy_id: int) -> RatingPolicy:
    """The policy with that id. Raises RatingUnknown."""
    row = connection.execute("SELECT body FROM rating_policies WHERE id = %s", (policy_id,)).fetchone()
    if row is None:
        raise RatingUnknown(f"there is no rating policy {policy_id}")
    return parse(str(row[0]))


def save_policy(connection: Connection, made: RatingPolicy, body: str, loaded_by: str) -> bool:
    """Put a policy in force, as an act in the ledger; False when the newest one is this very text."""
    connection.execute("LOCK TABLE rating_policies IN SHARE ROW EXCLUSIVE MODE")
    newest = load_policy(connection)
    if newest is not None and newest[1].sha256 == made.sha256:
        return False
    connection.execute(
        "INSERT INTO rating_policies (policy, version, sha256, body, loaded_by) VALUES (%s, %s, %s, %s, %s)",
        (made.id, made.version, made.sha256, body, loaded_by),
    )
    record_act(
        connection, actor=loaded_by, verb="load_rating_policy", subject=f"rating_policy:{made.id}", institution_id=None,
        body={"version": made.version, "sha256": made.sha256},
    )  # fmt: skip
    return True


def settled(connection: Connection) -> datetime:
    """Up to when everything is on record: nobody is still writing a row whose `recorded_at` lies before."""
    with lifted(connection):  # only to the owner does the database tell of the owner's transactions
        row = connection.execute(
            "SELECT least(clock_timestamp() - %s, min(xact_start)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' AND backend_xid IS NOT NULL"
            " AND pid <> pg_backend_pid()",
            (timedelta(seconds=_SETTLE_S),),
        ).fetchone()
    if row is None:
        raise RuntimeError("SELECT least(…) returned nothing")
    found: datetime = row[0]
    return found


def save_run(
    connection: Connection, policy_id: int, in_force: RatingPolicy, as_of: datetime, kind: str, actor: str,
    made: Sequence[Rating],
) -> int:  # fmt: skip
    """Keep a run with its ratings, in the caller's transaction; its number. Raises RatingRefused when that night has
    been rated already."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_APPEND_LOCK,))
    row = connection.execute(
        "INSERT INTO rating_runs (as_of, policy_id, kind, actor) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING id",
        (as_of, policy_id, kind, actor),
    ).fetchone()
    if row is None:
        raise RatingRefused("this night has been rated already")
    explanations = {each.sha256: each.explanation.decode() for each in made}
    connection.execute(
        "INSERT INTO rating_explanations (sha256, body) SELECT * FROM unnest(%s::bytea[], %s::text[])"
        " ON CONFLICT DO NOTHING",
        (list(explanations), list(explanations.values())),
    )
    grades = {each.id: each for each in in_force.grades}
    connection.execute(
        "INSERT INTO ratings (run_id, institution_id, as_of, score, grade, explanation, inspections_per_year,"
        " risk_weight)"
        " SELECT %s, number, %s, score, grade, sha256, visits, weight FROM unnest(%s::int[], %s::int[], %s::text[],"
        " %s::bytea[], %s::real[], %s::real[]) AS t (number, score, grade, sha256, visits, weight)",
        (
            row[0], as_of, [each.institution_id for each in made], [each.score for each in made],
            [each.grade for each in made], [each.sha256 for each in made],
            [grades[each.grade].inspections_per_year for each in made],
            [grades[each.grade].risk_weight for each in made],
        ),
    )  # fmt: skip
    return int(row[0])


def night_is_rated(connection: Connection, as_of: datetime) -> bool:
    """Whether there is a nightly run as of `as_of`."""
    found = connection.execute("SELECT FROM rating_runs WHERE kind = 'night' AND as_of = %s", (as_of,)).fetchone()
    return found is not None


def runs(connection: Connection, count_max: int) -> list[Run]:
    """The newest runs, the newest first."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(
            "SELECT id, as_of, policy_id, kind, actor FROM rating_runs ORDER BY id DESC LIMIT %s", (count_max,)
        ).fetchall()


def ratings_of_run(connection: Connection, run_id: int) -> list[Rating]:
    """Every rating of a run, by institution."""
    rows = connection.execute(
        "SELECT institution_id, score, grade, body FROM ratings JOIN rating_explanations ON sha256 = explanation"
        " WHERE run_id = %s ORDER BY institution_id",
        (run_id,),
    )
    return [Rating(row[0], row[1], row[2], row[3].encode()) for row in rows]


def standings(
    connection: Connection, *, within: Collection[int] | None, now: datetime, text: str = ""
) -> list[Standing]:
    """Where the institutions stand, the lowest score first, those not rated last."""
    parameters = {
        "within": None if within is None else list(within),
        "now": now,
        "text": text.strip().lower(),
        "change": timedelta(days=CHANGE_DAYS),
    }
    with connection.cursor(row_factory=class_row(Standing)) as cursor:
        return cursor.execute(_STANDINGS.encode(), parameters).fetchall()


def regions(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """The region codes of these institutions."""
    rows = connection.execute("SELECT id, region FROM institutions WHERE id = ANY(%s)", (list(ids),))
    return {row[0]: row[1] for row in rows}


def explained(connection: Connection, institution_id: int, now: datetime) -> tuple[Run, Rating] | None:
    """The newest rating of an institution up to `now`, None where there is none."""
    row = connection.execute(
        "SELECT u.id, u.as_of, u.policy_id, u.kind, u.actor, r.score, r.grade, x.body FROM ratings r"
        " JOIN rating_runs u ON u.id = r.run_id JOIN rating_explanations x ON x.sha256 = r.explanation"
        " WHERE r.institution_id = %s AND r.as_of <= %s ORDER BY r.as_of DESC, r.run_id DESC LIMIT 1",
        (institution_id, now),
    ).fetchone()
    if row is None:
        return None
    return Run(*row[:5]), Rating(institution_id, row[5], row[6], row[7].encode())


def history(connection: Connection, institution_id: int, since: datetime) -> list[tuple[datetime, int, str]]:
    """The ratings from `since` on at which score or grade changed, the newest first, as (as_of, score, grade)."""
    rows: list[Any] = connection.execute(
        "SELECT as_of, score, grade FROM (SELECT as_of, score, grade, lag(score) OVER w AS score_was,"
        " lag(grade) OVER w AS grade_was FROM ratings WHERE institution_id = %s AND as_of >= %s"
        " WINDOW w AS (ORDER BY as_of, run_id)) t WHERE (score, grade) IS DISTINCT FROM (score_was, grade_was)"
        " ORDER BY as_of DESC",
        (institution_id, since),
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def to_rate_at_once(connection: Connection, kinds: Collection[str], as_of: datetime) -> list[int]:
    """The institutions about which such a record was made since their newest rating."""
    rows = connection.execute(
        "SELECT DISTINCT s.institution_id FROM safety_records s LEFT JOIN safety_records a ON a.id = s.about"
        " JOIN LATERAL (SELECT max(as_of) AS rated_at FROM ratings WHERE institution_id = s.institution_id) r ON true"
        " WHERE coalesce(a.kind, s.kind) = ANY(%s) AND s.recorded_at <= %s AND s.recorded_at > r.rated_at",
        (list(kinds), as_of),
    )
    return [row[0] for row in rows]


def lead(connection: Connection) -> bool:
    """Whether this session is now the one worker that rates by night; it stays so until its connection ends."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LEADER_LOCK,)).fetchone()
    return bool(row and row[0])
