"""The audit trail in the database: people's acts, what they did about alarms, which personal data they read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ingest.database import Connection

_LAST: Final = 2**63 - 1
_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Source(StrEnum):
    """Where an entry stands. Entries of the same moment come in this order."""

    ACTS = "acts"
    ALARMS = "alarms"
    READS = "reads"


class Position(NamedTuple):
    """Where in the trail an entry stands; the next page begins after it."""

    at: datetime
    source: Source
    id: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the trail is narrowed to. `within`: these institutions; None: everything, the service itself included."""

    within: Collection[int] | None
    source: Source | None = None
    institution_id: int | None = None
    who: str = ""
    what: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing somebody did or read. `name` is theirs where they are within reach."""

    source: Source
    id: int
    at: datetime
    actor: str
    name: str | None
    verb: str
    subject: str
    institution_id: int | None
    address: str
    reason: str
    body: Mapping[str, Any]


_COLUMNS: Final = {
    Source.ACTS: "'acts', id, at, actor, verb, subject, institution_id, '', '', body FROM acts",
    Source.ALARMS: (
        "'alarms', id, recorded_at, actor, 'alert_' || verb, 'alert:' || alert_id, institution_id, '',"
        " coalesce(note, ''), jsonb_build_object('kind', kind, 'drill', drill) FROM alert_events"
    ),
    Source.READS: (
        "'reads', id, at, actor, 'read_' || kind, subject, institution_id, address, reason, '{}'::jsonb"
        " FROM personal_reads"
    ),
}  # fmt: skip
_TIME: Final = {Source.ACTS: "at", Source.ALARMS: "recorded_at", Source.READS: "at"}
_VERB: Final = {Source.ACTS: "verb", Source.ALARMS: "'alert_' || verb", Source.READS: "'read_' || kind"}
_MORE: Final = {Source.ACTS: "true", Source.ALARMS: "rule IS NULL", Source.READS: "true"}


def _part(source: Source) -> str:
    """The newest entries of one source, in the order of its index."""
    at = _TIME[source]
    return (
        f"(SELECT {_COLUMNS[source]} WHERE {_MORE[source]} AND ({at}, id) < (%(at)s, %({source}_id)s)"
        " AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))"
        " AND (%(institution_id)s::int IS NULL OR institution_id = %(institution_id)s)"
        f" AND (%(who)s = '' OR strpos(lower(actor), %(who)s) > 0 OR actor = ANY(%(named)s))"
        f" AND (%(what)s = '' OR {_VERB[source]} = %(what)s)"
        f" AND (%(since)s::timestamptz IS NULL OR {at} >= %(since)s)"
        f" AND (%(until)s::timestamptz IS NULL OR {at} < %(until)s)"
        f" ORDER BY {at} DESC, id DESC LIMIT %(limit)s)"
    )


_PARTS: Final = {source: _part(source) for source in Source}
_NAMES: Final = (
    "SELECT 'user:' || username, name FROM users JOIN persons ON persons.id = person_id"
    " WHERE 'user:' || username = ANY(%s)"
)
_NAMED: Final = (
    "SELECT 'user:' || username FROM users JOIN persons ON persons.id = person_id WHERE strpos(lower(name), %s) > 0"
)
_NOTE_READ: Final = (
    "INSERT INTO personal_reads (person_id, actor, kind, subject, institution_id, address, reason)"
    " SELECT %(person_id)s, %(actor)s, %(kind)s, %(subject)s, whose, %(address)s, %(reason)s"
    " FROM unnest(%(institutions)s::int[]) whose WHERE NOT EXISTS (SELECT FROM personal_reads"
    "  WHERE person_id = %(person_id)s AND kind = %(kind)s AND subject = %(subject)s AND at > now() - %(fold)s"
    "  AND institution_id IS NOT DISTINCT FROM whose AND address = %(address)s AND reason = %(reason)s)"
)
_PURGE_READS: Final = (
    "DELETE FROM personal_reads WHERE id IN (SELECT id FROM personal_reads WHERE at < now() - interval '3 years 1 day'"
    " ORDER BY at LIMIT 10000)"
)


def note_read(
    connection: Connection,
    *,
    person_id: int,
    actor: str,
    kind: str,
    subject: str,
    institutions: Sequence[int | None],
    address: str,
    reason: str,
    fold: timedelta,
) -> None:
    """One entry for each institution, unless the same was noted within `fold`; in the caller's transaction."""
    connection.execute(
        _NOTE_READ,
        {
            "person_id": person_id, "actor": actor, "kind": kind, "subject": subject,
            "institutions": list(institutions), "address": address, "reason": reason, "fold": fold,
        },
    )  # fmt: skip


def purge_reads(connection: Connection) -> int:
    """Remove entries that have been kept for three years, some of them; how many went."""
    return connection.execute(_PURGE_READS).rowcount


def page(connection: Connection, wanted: Wanted, after: Position | None, count_max: int) -> tuple[list[Entry], bool]:
    """At most `count_max` entries after `after`, the newest first, and whether there are more."""
    who = wanted.who.strip().lower()
    named = [str(row[0]) for row in connection.execute(_NAMED, (who,))] if who else []
    arguments: dict[str, Any] = {
        "within": None if wanted.within is None else list(wanted.within), "institution_id": wanted.institution_id,
        "who": who, "named": named, "what": wanted.what, "since": wanted.since, "until": wanted.until,
        "limit": count_max + 1, "at": after.at if after else _NEVER,
    }  # fmt: skip
    order = list(Source)
    for source in order:
        reached = _LAST if after is None or order.index(source) > order.index(after.source) else 0
        arguments[f"{source}_id"] = after.id if after is not None and source is after.source else reached
    parts = [_PARTS[source] for source in order if wanted.source in (None, source)]
    statement = f"SELECT * FROM ({' UNION ALL '.join(parts)}) entries ORDER BY 3 DESC, 1, 2 DESC LIMIT %(limit)s"
    rows = connection.execute(statement.encode(), arguments).fetchall()
    actors = sorted({str(row[3]) for row in rows})
    names = {str(actor): str(name) for actor, name in connection.execute(_NAMES, (actors,))}
    entries = [
        Entry(Source(source), number, at, actor, names.get(actor), *told)
        for source, number, at, actor, *told in rows[:count_max]
    ]
    return entries, len(rows) > count_max


def chain_head(connection: Connection) -> tuple[int, datetime | None]:
    """How many entries the ledger's chain has, and when its head was last signed."""
    row = connection.execute(
        "SELECT coalesce((SELECT max(no) FROM ledger), 0), (SELECT max(at) FROM ledger_checkpoints)"
    ).fetchone()
    return (int(row[0]), row[1]) if row else (0, None)
