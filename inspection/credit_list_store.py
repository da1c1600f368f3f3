"""Red, watch and black list in the database: appending events, where each entry stands, lists of them, the criteria in
force, and what the nightly ratings say."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.credit_criteria import Criteria, ListKind
from inspection.credit_grounds import Hit, Night, Record
from inspection.credit_list import OPEN, STANDING, CreditEvent, Delivery, End, Entry, State, Verb, fold
from inspection.errors import CreditEntryChanged, CreditEntryUnknown
from inspection.hazard import By

_FIXED: Final = (
    "id", "institution_id", "kind", "criterion", "reason", "proposed_at", "proposed_by",
)  # fmt: skip
_CHANGING: Final = (
    "no", "grounds", "state", "version", "changed_at", "handlers", "judges", "term_months", "appeal_days",
    "repair_after_months", "inspections_per_year", "risk_factor", "notified_at", "delivered_at", "delivery",
    "appeal_until", "appealed_at", "appeal_rejected_at", "listed_at", "until", "until_before", "repair_asked_at",
    "ended_at", "end",
)  # fmt: skip
_COLUMNS: Final = (*_FIXED, *_CHANGING)
_NAMES: Final = ", ".join(f'"{name}"' for name in _COLUMNS)
_SELECT: Final = f"SELECT {_NAMES} FROM credit_entries"
_INSERT: Final = f"INSERT INTO credit_entries ({_NAMES}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
_SET: Final = ", ".join(f'"{name}" = %s' for name in _CHANGING)
_UPDATE: Final = f"UPDATE credit_entries SET {_SET} WHERE id = %s"
_NARROWED: Final = (
    "(%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))"
    " AND (%(institution_id)s::int IS NULL OR institution_id = %(institution_id)s)"
    " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
    " AND state = ANY(%(states)s)"
    " AND (%(region)s = '' OR institution_id IN (SELECT id FROM institutions WHERE starts_with(region, %(region)s)))"
    " AND (NOT %(inside)s OR notified_at IS NOT NULL)"
)
_PAGE: Final = (
    f"SELECT id, proposed_at FROM credit_entries WHERE {_NARROWED}"
    " AND (%(after_id)s::uuid IS NULL OR (proposed_at, id) < (%(after_at)s, %(after_id)s))"
    " ORDER BY proposed_at DESC, id DESC LIMIT %(limit)s"
)
_RUNS: Final = (
    "SELECT u.id, u.as_of, p.policy FROM rating_runs u JOIN rating_policies p ON p.id = u.policy_id"
    " WHERE u.kind = 'night' AND u.as_of <= %(as_of)s AND u.as_of > %(since)s ORDER BY u.as_of DESC LIMIT %(limit)s"
)
_RATED: Final = (
    "SELECT institution_id, run_id, grade, CASE WHEN %(hits)s THEN"
    " (SELECT (body::jsonb -> 'vetoes')::text FROM rating_explanations WHERE sha256 = explanation) END"
    " FROM ratings WHERE institution_id = ANY(%(ids)s) AND as_of <= %(as_of)s AND as_of >= %(oldest)s"
    " ORDER BY institution_id, as_of DESC"
)


class Which(StrEnum):
    """Which entries a list shows."""

    OPEN = "open"  # proposed, and not listed yet
    STANDING = "standing"
    ENDED = "ended"
    ALL = "all"

    @property
    def states(self) -> frozenset[State]:
        """The states of these."""
        return _STATES[self]


_STATES: Final[Mapping[Which, frozenset[State]]] = {
    Which.OPEN: OPEN - STANDING,
    Which.STANDING: STANDING,
    Which.ENDED: frozenset(State) - OPEN,
    Which.ALL: frozenset(State),
}


class HistoryEntry(NamedTuple):
    """One event of an entry's history, with its number there."""

    seq: int
    recorded_at: datetime
    event: CreditEvent


class NightRun(NamedTuple):
    """A nightly run of the rating."""

    id: int
    as_of: datetime
    policy_id: int


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to. `inside`: as the institution's own people see it, without what is only proposed."""

    within: Collection[int] | None
    inside: bool
    which: Which = Which.ALL
    kind: ListKind | None = None
    institution_id: int | None = None
    region: str = ""


class Position(NamedTuple):
    """Where in the list an entry stands: the newest proposal first."""

    proposed_at: datetime
    id: UUID


def begin(connection: Connection, event: CreditEvent) -> Entry:
    """Put a proposal on record, in the caller's transaction; the act goes into the ledger."""
    entry = fold(None, event)
    _append(connection, event, entry)
    connection.execute(_INSERT.encode(), [_value(entry, name) for name in _COLUMNS])
    _record(connection, event, entry)
    return entry


def act(
    connection: Connection, entry_id: UUID, version: int | None, decide: Callable[[Entry], CreditEvent]
) -> tuple[Entry, CreditEvent]:
    """Have `decide` make an event of the entry as it stands, locked for the caller's transaction, and append it.

    `version` is that which the person saw, None where the act fits any. Raises CreditEntryUnknown, CreditEntryChanged,
    and what `decide` and the state machine refuse.
    """
    standing = _one(_entries(connection, "WHERE id = %s FOR UPDATE", (entry_id,)), entry_id)
    if version is not None and standing.version != version:
        raise CreditEntryChanged(f"the entry is at version {standing.version}, not {version}")
    event = decide(standing)
    changed = fold(standing, event)
    if event.verb is Verb.NOTIFY:
        row = connection.execute("SELECT nextval('credit_entry_numbers')").fetchone()
        changed = replace(changed, no=int(row[0]) if row else None)
    _append(connection, event, changed)
    connection.execute(_UPDATE.encode(), [*(_value(changed, name) for name in _CHANGING), changed.id])
    _record(connection, event, changed)
    return changed, event


def load(connection: Connection, entry_id: UUID) -> Entry:
    """The entry with that id. Raises CreditEntryUnknown."""
    return _one(_entries(connection, "WHERE id = %s", (entry_id,)), entry_id)


def page(
    connection: Connection, narrowed: Filter, after: Position | None, count_max: int
) -> tuple[list[Entry], Position | None]:
    """At most `count_max` entries after `after`, and where the next page begins, None on the last one."""
    parameters = {
        **_parameters(narrowed),
        "after_at": after.proposed_at if after else None,
        "after_id": after.id if after else None,
        "limit": count_max + 1,
    }
    rows = connection.execute(_PAGE.encode(), parameters).fetchall()
    found = {
        each.id: each for each in _entries(connection, "WHERE id = ANY(%s)", ([row[0] for row in rows[:count_max]],))
    }
    last = rows[count_max - 1] if len(rows) > count_max else None
    return [found[row[0]] for row in rows[:count_max]], Position(last[1], last[0]) if last else None


def counts(connection: Connection, narrowed: Filter) -> dict[tuple[ListKind, State], int]:
    """How many entries there are of each list and state."""
    rows = connection.execute(
        f"SELECT kind, state, count(*) FROM credit_entries WHERE {_NARROWED} GROUP BY 1, 2".encode(),
        _parameters(narrowed),
    )
    return {(ListKind(row[0]), State(row[1])): row[2] for row in rows}


def of_institutions(connection: Connection, ids: Collection[int]) -> dict[int, list[Entry]]:
    """Every entry of these institutions, the oldest first."""
    found: dict[int, list[Entry]] = {each: [] for each in ids}
    for entry in _entries(connection, "WHERE institution_id = ANY(%s) ORDER BY proposed_at", (list(ids),)):
        found[entry.institution_id].append(entry)
    return found


def listed(connection: Connection) -> list[Entry]:
    """The entries on a list against which no objection is open."""
    return _entries(connection, "WHERE state = 'listed' ORDER BY until", ())


def ended_by(connection: Connection, moment: datetime) -> list[Entry]:
    """The entries on a list whose term has ended at `moment`."""
    return _entries(connection, "WHERE state IN ('listed', 'contested') AND until <= %s ORDER BY until", (moment,))


def events_of(connection: Connection, entry_id: UUID) -> list[HistoryEntry]:
    """The history of one entry, in order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "SELECT seq, recorded_at, event_id, entry_id, verb, at, actor, person_id, outside, note, body"
            " FROM credit_events WHERE entry_id = %s ORDER BY seq",
            (entry_id,),
        ).fetchall()
    return [
        HistoryEntry(
            row["seq"],
            row["recorded_at"],
            CreditEvent(
                row["event_id"], row["entry_id"], Verb(row["verb"]), row["at"],
                By(row["actor"], row["person_id"], row["outside"]), row["note"], row["body"],
            ),
        )
        for row in rows
    ]  # fmt: skip


def load_criteria(connection: Connection) -> tuple[int, str] | None:
    """The criteria in force as (id, TOML text), None before the first were loaded."""
    row = connection.execute("SELECT id, body FROM credit_criteria ORDER BY id DESC LIMIT 1").fetchone()
    return (int(row[0]), str(row[1])) if row else None


def save_criteria(connection: Connection, made: Criteria, body: str, loaded_by: str) -> bool:
    """Put criteria in force, as an act in the ledger; False when the newest ones are this very text."""
    connection.execute("LOCK TABLE credit_criteria IN SHARE ROW EXCLUSIVE MODE")
    newest = load_criteria(connection)
    if newest is not None and newest[1] == body:
        return False
    connection.execute(
        "INSERT INTO credit_criteria (version, sha256, body, loaded_by) VALUES (%s, %s, %s, %s)",
        (made.version, made.sha256, body, loaded_by),
    )
    record_act(
        connection, actor=loaded_by, verb="load_credit_criteria", subject=f"credit_criteria:{made.version}",
        institution_id=None, body={"version": made.version, "sha256": made.sha256},
    )  # fmt: skip
    return True


def unjudged_night(connection: Connection) -> NightRun | None:
    """The newest nightly rating, where nobody has looked through it for proposals yet."""
    row = connection.execute(
        "SELECT id, as_of, policy_id FROM (SELECT id, as_of, policy_id FROM rating_runs WHERE kind = 'night'"
        " ORDER BY as_of DESC LIMIT 1) r WHERE NOT EXISTS (SELECT FROM credit_nights WHERE run_id = r.id)"
    ).fetchone()
    return NightRun(*row) if row else None


def save_judged(connection: Connection, run_id: int, criteria_id: int, proposed: int, prolonged: int) -> None:
    """Note that a night has been looked through, and what came of it."""
    connection.execute(
        "INSERT INTO credit_nights (run_id, criteria_id, proposed, prolonged) VALUES (%s, %s, %s, %s)",
        (run_id, criteria_id, proposed, prolonged),
    )


def rated_in(connection: Connection, run_id: int) -> list[int]:
    """The institutions of a run."""
    rows = connection.execute("SELECT institution_id FROM ratings WHERE run_id = %s ORDER BY 1", (run_id,))
    return [row[0] for row in rows]


def nights(
    connection: Connection, ids: Collection[int], as_of: datetime, *, since: datetime, count_max: int, hits: bool
) -> dict[int, list[Night]]:
    """Each institution's ratings in the newest `count_max` nightly runs after `since` and up to `as_of`, the newest
    first; with what lowered them where `hits` are wanted."""
    found: dict[int, list[Night]] = {each: [] for each in ids}
    parameters = {"as_of": as_of, "since": since, "limit": count_max, "ids": list(ids), "hits": hits}
    runs = {row[0]: (row[1], row[2]) for row in connection.execute(_RUNS.encode(), parameters)}
    if not runs or not found:
        return found
    oldest = min(moment for moment, _ in runs.values())
    for institution_id, run_id, grade, vetoes in connection.execute(_RATED.encode(), parameters | {"oldest": oldest}):
        if run_id in runs:  # a rating on demand is none of a night
            moment, policy = runs[run_id]
            found[institution_id].append(Night(run_id, moment, policy, grade, _hits(vetoes)))
    return found


def _hits(vetoes: str | None) -> tuple[Hit, ...]:
    return tuple(
        Hit(
            each["id"],
            tuple(
                Record(one["table"], one["id"], datetime.fromisoformat(one["at"])) for one in each["records"]
            ),
        )
        for each in orjson.loads(vetoes or "[]")
    )  # fmt: skip


def _append(connection: Connection, event: CreditEvent, after: Entry) -> None:
    connection.execute(
        "INSERT INTO credit_events (event_id, entry_id, seq, verb, at, actor, person_id, outside, note, body)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            event.event_id, event.entry_id, after.version, event.verb, event.at, event.by.actor, event.by.person_id,
            event.by.outside, event.note, Jsonb(dict(event.body)),
        ),
    )  # fmt: skip


def _record(connection: Connection, event: CreditEvent, after: Entry) -> None:
    """The act in the ledger: the whole event is chained with it."""
    body = {
        "kind": after.kind.value, "no": after.no, "seq": after.version, "event_id": str(event.event_id),
        "at": event.at.isoformat(), "person_id": event.by.person_id, "note": event.note, "state": after.state.value,
        "event": dict(event.body),
    }  # fmt: skip
    record_act(
        connection, actor=event.by.actor, verb=f"credit_{event.verb}", subject=f"credit:{after.id}",
        institution_id=after.institution_id, body=body,
    )  # fmt: skip


def _value(entry: Entry, name: str) -> Any:
    value = getattr(entry, name)
    if name == "grounds":
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def _one(found: Sequence[Entry], entry_id: UUID) -> Entry:
    if not found:
        raise CreditEntryUnknown(f"there is no entry {entry_id}")
    return found[0]


def _entries(connection: Connection, condition: str, parameters: Sequence[Any]) -> list[Entry]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"{_SELECT} {condition}".encode(), parameters).fetchall()
    return [_entry(row) for row in rows]


def _entry(row: Mapping[str, Any]) -> Entry:
    fields = dict(row)
    fields["kind"], fields["state"] = ListKind(fields["kind"]), State(fields["state"])
    fields["delivery"] = Delivery(fields["delivery"]) if fields["delivery"] else None
    fields["end"] = End(fields["end"]) if fields["end"] else None
    fields["grounds"] = frozenset(fields["grounds"])
    fields["handlers"], fields["judges"] = tuple(fields["handlers"]), tuple(fields["judges"])
    return Entry(**fields)


def _parameters(narrowed: Filter) -> dict[str, Any]:
    return {
        "within": None if narrowed.within is None else list(narrowed.within),
        "inside": narrowed.inside,
        "kind": narrowed.kind,
        "states": sorted(narrowed.which.states),
        "institution_id": narrowed.institution_id,
        "region": narrowed.region,
    }


def open_entries(connection: Connection, institution_id: int) -> list[Entry]:
    """The entries of an institution that have not come to their end."""
    return _entries(
        connection, "WHERE institution_id = %s AND state = ANY(%s)", (institution_id, [each.value for each in OPEN])
    )
