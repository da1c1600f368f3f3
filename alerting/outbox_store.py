"""The notifier's tables: what was decided, written with the cursor; deliveries, claimed and settled by the senders."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.rows import class_row, dict_row

from alerting import delivery
from alerting.channel_trouble import Trouble
from alerting.delivery import Answer, Delivery, Form, Push, State
from alerting.escalation import Delivery as Bounds
from alerting.ladder import Ending, Ladder, Telling, TellingKey
from ingest.database import Connection

CHANNEL: Final = "pushes"  # NOTIFY: there is something to send, or nobody could be reached
_ROUNDS: Final = 1000  # more than a step can have (escalation.parse)
_LEADER_LOCK: Final = 0x414E4E54  # one notifier decides; any number send

_LADDER: Final = (
    "alert_id", "call", "called_at", "begun_at", "done", "ahead_s", "flapping", "raised", "ended_at", "ending",
)  # fmt: skip
_PUSH: Final = (
    "id", "person_id", "form", "urgency", "drill", "alert_id", "institution_id", "zone_id", "language", "title", "body",
    "channels", "every_channel", "created_at",
)  # fmt: skip
_TELLING: Final = (
    "alert_id", "call", "step", "round", "person_id", "at", "channels", "every_channel", "hold_until", "push_id",
    "dropped",
)  # fmt: skip
_DELIVERY: Final = (
    "push_id", "contact_id", "channel", "rank", "urgency", "created_at", "next_attempt_at", "state", "attempts",
    "lost_answers", "lease_until", "detail", "settled_at",
)  # fmt: skip


def _insert(table: str, columns: Sequence[str], conflict: str) -> bytes:
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) ON CONFLICT {conflict}"
    ).encode()


_SAVE_LADDER: Final = _insert(
    "ladders", _LADDER,
    f"(alert_id, call) DO UPDATE SET {', '.join(f'{each} = excluded.{each}' for each in _LADDER[2:])}",
)  # fmt: skip
_SAVE_PUSH: Final = _insert("pushes", _PUSH, "(id) DO NOTHING")
_SAVE_TELLING: Final = _insert(
    "tellings", _TELLING,
    "(alert_id, call, step, round, person_id) DO UPDATE SET hold_until = excluded.hold_until,"
    " push_id = excluded.push_id, dropped = excluded.dropped WHERE tellings.push_id IS NULL",
)  # fmt: skip
_SAVE_DELIVERY: Final = _insert("deliveries", _DELIVERY, "(push_id, contact_id) DO NOTHING")
_RESTATE_DELIVERY: Final = _insert(
    "deliveries", _DELIVERY,
    f"(push_id, contact_id) DO UPDATE SET {', '.join(f'{each} = excluded.{each}' for each in _DELIVERY[6:])}"
    " WHERE deliveries.state <> 'sent'",
)  # fmt: skip
_UPDATE_DELIVERY: Final = (
    "UPDATE deliveries SET next_attempt_at = %s, state = %s, attempts = %s, lost_answers = %s, lease_until = %s,"
    " detail = %s, settled_at = %s WHERE push_id = %s AND contact_id = %s"
)
_JOB: Final = (
    f"SELECT {', '.join(f'd.{each}' for each in _DELIVERY)},"
    f" {', '.join(f'pushes.{each} AS of_push_{each}' for each in _PUSH)}, CASE WHEN enabled THEN address END AS address"
    " FROM deliveries d JOIN pushes ON pushes.id = d.push_id JOIN contacts ON contacts.id = d.contact_id"
)
# Pushes that tell of nothing but what others told instead, and that nobody has got.
_RIVALS: Final = (
    "WITH told AS (SELECT * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::uuid[])"
    " AS told (alert_id, call, step, round, person_id, instead))"
    " SELECT push_id FROM tellings t LEFT JOIN told USING (alert_id, call, step, round, person_id)"
    " WHERE push_id IN (SELECT push_id FROM tellings JOIN told USING (alert_id, call, step, round, person_id)"
    "   WHERE push_id <> instead)"
    " AND NOT EXISTS (SELECT FROM deliveries d WHERE d.push_id = t.push_id AND d.state = 'sent')"
    " GROUP BY push_id HAVING bool_and(instead IS NOT NULL)"
)
# The most urgent first; one whose lease has run out was on its way when its sender died.
_CLAIM: Final = (
    f"{_JOB} WHERE d.channel = %(channel)s AND d.state IN ('waiting', 'sending')"
    " AND CASE d.state WHEN 'waiting' THEN next_attempt_at <= %(now)s ELSE lease_until <= %(now)s END"
    " AND NOT contact_id = ANY(%(busy)s) ORDER BY d.urgency, next_attempt_at LIMIT 1 FOR UPDATE OF d SKIP LOCKED"
)
_ADVANCE: Final = (
    "INSERT INTO notifier_cursor (event_id) VALUES (%s) ON CONFLICT (only_row)"
    " DO UPDATE SET event_id = excluded.event_id WHERE notifier_cursor.event_id < excluded.event_id"
)
_SELECT_TELLINGS: Final = (
    f"SELECT {', '.join(f'tellings.{each}' for each in _TELLING)} FROM tellings"
    " LEFT JOIN ladders USING (alert_id, call) WHERE (push_id IS NULL AND NOT dropped) OR ladders.ended_at IS NULL"
    " ORDER BY at"
)
# What went wrong and right lately, by channel.
_TROUBLES: Final = (
    "SELECT channel, max(settled_at) FILTER (WHERE state = 'dead') AS dead_at,"
    " max(settled_at) FILTER (WHERE state = 'sent') AS sent_at,"
    " coalesce((array_agg(detail ORDER BY settled_at DESC) FILTER (WHERE state = 'dead'))[1], '') AS detail"
    " FROM deliveries WHERE settled_at > %s GROUP BY channel"
)
_NEXT_DUE: Final = (
    "SELECT min(CASE state WHEN 'waiting' THEN next_attempt_at ELSE lease_until END) FROM deliveries"
    " WHERE channel = %s AND state IN ('waiting', 'sending')"
)
_UNREACHED: Final = (
    "SELECT DISTINCT t.alert_id FROM tellings t JOIN alerts a ON a.id = t.alert_id AND NOT a.acknowledged"
    " JOIN ladders l ON l.alert_id = t.alert_id AND l.call = t.call AND l.ended_at IS NULL"
    " WHERE t.alert_id IN"
    "   (SELECT tellings.alert_id FROM tellings JOIN pushes ON pushes.id = push_id WHERE unreached_at > %s)"
    " AND NOT EXISTS (SELECT FROM tellings o LEFT JOIN pushes p ON p.id = o.push_id WHERE o.alert_id = t.alert_id"
    "   AND o.call = t.call AND NOT o.dropped AND p.unreached_at IS NULL)"
)


class Job(NamedTuple):
    """A delivery to send, with what it takes."""

    delivery: Delivery
    push: Push
    address: str | None  # None: the contact was removed meanwhile


def lead(connection: Connection) -> bool:
    """Whether this session is now the one that decides; it stays so until its connection ends."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LEADER_LOCK,)).fetchone()
    return bool(row and row[0])


def cursor(connection: Connection) -> int | None:
    """The last event the notifier has dealt with; None before its first start."""
    row = connection.execute("SELECT event_id FROM notifier_cursor").fetchone()
    return int(row[0]) if row else None


def advance(connection: Connection, event_id: int) -> None:
    """Move the cursor, in the transaction of what was decided."""
    connection.execute(_ADVANCE, (event_id,))


def write(
    connection: Connection,
    ladders: Sequence[Ladder],
    tellings: Sequence[Telling],
    pushes: Sequence[Push],
    deliveries: Sequence[Delivery],
    settled: Sequence[UUID],
) -> None:
    """Put a decision on record, in the caller's transaction. Written twice it is there once."""
    with connection.pipeline(), connection.cursor() as rows:
        if ladders:
            rows.executemany(_SAVE_LADDER, [_ladder_row(each) for each in ladders])
        if pushes:
            rows.executemany(_SAVE_PUSH, [_push_row(each) for each in pushes])
        if tellings:
            rows.executemany(_SAVE_TELLING, [_telling_row(each) for each in tellings])
        if deliveries:
            rows.executemany(_SAVE_DELIVERY, [_delivery_row(each) for each in deliveries])
        if settled:
            rows.execute(
                "UPDATE deliveries SET state = 'unneeded', settled_at = now() FROM pushes WHERE pushes.id = push_id"
                " AND pushes.alert_id = ANY(%s) AND state = 'waiting'",
                (list(settled),),
            )


def claim(connection: Connection, channel: str, now: datetime, *, lease_s: float, busy: Collection[int]) -> Job | None:
    """The most urgent delivery of `channel` that is due, marked as being sent in the caller's transaction, which is to
    be committed before anything is sent. `busy` contacts are passed over."""
    with connection.cursor(row_factory=dict_row) as rows:
        row = rows.execute(_CLAIM, {"channel": channel, "now": now, "busy": list(busy)}).fetchone()
    if row is None:
        return None
    found = _job(row)
    mine = delivery.claim(found.delivery, now, lease_s)
    _update(connection, [mine])
    return found._replace(delivery=mine)


def settle(connection: Connection, job: Job, answer: Answer, bounds: Bounds, now: datetime) -> bool:
    """Note a provider's answer; True when with it the last way to the person has failed."""
    with connection.cursor(row_factory=dict_row) as rows:
        found = rows.execute(
            f"SELECT {', '.join(_DELIVERY)} FROM deliveries WHERE push_id = %s ORDER BY rank FOR UPDATE", (job.push.id,)
        ).fetchall()
    siblings = {row["contact_id"]: _delivery(row) for row in found}
    if siblings[job.delivery.contact_id].attempts != job.delivery.attempts:
        return False  # its lease ran out, and another sender has it
    changed = delivery.settle(
        list(siblings.values()), job.delivery.contact_id, answer, bounds, now, every_channel=job.push.every_channel
    )
    _update(connection, changed)
    if any(each.state is State.DEAD for each in changed):
        connection.execute("SELECT pg_notify(%s, 'dead')", (CHANNEL,))
    siblings.update({each.contact_id: each for each in changed})
    if not delivery.unreached(list(siblings.values())):
        return False
    connection.execute("UPDATE pushes SET unreached_at = %s WHERE id = %s", (now, job.push.id))
    return True


def load_job(connection: Connection, push_id: UUID, contact_id: int) -> Job | None:
    """A delivery as it stands."""
    with connection.cursor(row_factory=dict_row) as rows:
        row = rows.execute(
            f"{_JOB} WHERE d.push_id = %s AND d.contact_id = %s".encode(), (push_id, contact_id)
        ).fetchone()
    return None if row is None else _job(row)


def next_due(connection: Connection, channel: str) -> datetime | None:
    """When a delivery of `channel` is next due."""
    row = connection.execute(_NEXT_DUE, (channel,)).fetchone()
    return row[0] if row else None


def unreached(connection: Connection, since: datetime) -> list[UUID]:
    """Alerts still being called for, all of whose pushes have failed for good, the last of them after `since`."""
    return [row[0] for row in connection.execute(_UNREACHED, (since,))]


def load_ladders(connection: Connection) -> list[Ladder]:
    """The newest ladder of every open alert."""
    with connection.cursor(row_factory=dict_row) as rows:
        found = rows.execute(
            f"SELECT DISTINCT ON (alert_id) {', '.join(f'ladders.{each}' for each in _LADDER)} FROM ladders"
            " JOIN alerts ON alerts.id = alert_id WHERE alerts.open OR ladders.ended_at IS NULL"
            " ORDER BY alert_id, call DESC"
        ).fetchall()
    return [_ladder(row) for row in found]


def newest_ladder(connection: Connection, alert_id: UUID) -> Ladder | None:
    """The ladder of the alert's newest call that the notifier has looked at."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            f"SELECT {', '.join(_LADDER)} FROM ladders WHERE alert_id = %s ORDER BY call DESC LIMIT 1", (alert_id,)
        ).fetchone()
        return _ladder(row) if row else None


def load_tellings(connection: Connection) -> list[Telling]:
    """What is held back, and what was told in ladders that still run."""
    with connection.cursor(row_factory=dict_row) as rows:
        found = rows.execute(_SELECT_TELLINGS).fetchall()
    return [_telling(row) for row in found]


def load_pushes(connection: Connection, since: datetime) -> list[Push]:
    """The pushes about alarms made after `since`, oldest first; a notice counts towards no bound on alarms."""
    with connection.cursor(row_factory=dict_row) as rows:
        found = rows.execute(
            f"SELECT {', '.join(_PUSH)} FROM pushes WHERE created_at > %s AND form <> 'notice' ORDER BY created_at",
            (since,),
        ).fetchall()
    return [_push(row) for row in found]


def alerts_of(connection: Connection, push_id: UUID) -> list[UUID]:
    """The alerts a push tells of, in the order in which they were called."""
    rows = connection.execute(
        "SELECT alert_id FROM tellings WHERE push_id = %s GROUP BY alert_id ORDER BY min(at), alert_id", (push_id,)
    )
    return [row[0] for row in rows]


def troubles(connection: Connection, since: datetime) -> list[Trouble]:
    """How the channels have fared since then."""
    with connection.cursor(row_factory=class_row(Trouble)) as rows:
        return rows.execute(_TROUBLES, (since,)).fetchall()


class Standing(NamedTuple):
    """Where one delivery of a push stands."""

    channel: str
    state: State
    detail: str

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it by itself."""
        return self.state not in (State.WAITING, State.SENDING)


def states(connection: Connection, push_id: UUID) -> list[Standing]:
    """How the deliveries of a push stand, in the order of the person's contacts."""
    rows = connection.execute(
        "SELECT channel, state, detail FROM deliveries WHERE push_id = %s ORDER BY rank", (push_id,)
    )
    return [Standing(channel, State(state), detail) for channel, state, detail in rows]


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many deliveries of a channel are in a state."""

    channel: str
    state: str
    count: int


def backlog(connection: Connection) -> list[Backlog]:
    """What is still to be sent, by channel."""
    with connection.cursor(row_factory=class_row(Backlog)) as rows:
        return rows.execute(
            "SELECT channel, state, count(*)::int AS count FROM deliveries WHERE state IN ('waiting', 'sending')"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()


def withdraw_rivals(connection: Connection, tellings: Sequence[Telling], now: datetime) -> None:
    """Withdraw pushes nobody has got that tell nothing but what `tellings` say was told by others; in the caller's
    transaction. Such are left of a decision whose commit was not answered any more, and that was made anew."""
    told = [each for each in tellings if each.push_id is not None]
    columns = [list(column) for column in zip(*(each.key for each in told), strict=True)] or [[]] * 5
    rivals = [row[0] for row in connection.execute(_RIVALS, (*columns, [each.push_id for each in told]))]
    connection.execute(
        "UPDATE deliveries SET state = 'unneeded', settled_at = %s WHERE push_id = ANY(%s)"
        " AND state IN ('waiting', 'sending')",
        (now, rivals),
    )
    connection.execute("UPDATE tellings SET push_id = NULL WHERE push_id = ANY(%s)", (rivals,))


def restate(connection: Connection, deliveries: Sequence[Delivery], unreached: Sequence[UUID], now: datetime) -> None:
    """Write deliveries as they stand, in place of what is there and was not sent; and which pushes reached nobody."""
    with connection.cursor() as rows:
        rows.executemany(_RESTATE_DELIVERY, [_delivery_row(each) for each in deliveries])
    connection.execute(
        "UPDATE pushes SET unreached_at = %s WHERE id = ANY(%s) AND unreached_at IS NULL", (now, list(unreached))
    )


def told_by(connection: Connection, push_ids: Sequence[UUID | None]) -> set[UUID]:
    """Those of the pushes by which somebody was told, as far as is on record."""
    rows = connection.execute("SELECT DISTINCT push_id FROM tellings WHERE push_id = ANY(%s)", (list(push_ids),))
    return {row[0] for row in rows}


def last_calls(connection: Connection, alert_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The newest call of each alert that has one."""
    rows = connection.execute(
        "SELECT alert_id, max(call) FROM ladders WHERE alert_id = ANY(%s) GROUP BY alert_id", (list(alert_ids),)
    )
    return {row[0]: int(row[1]) for row in rows}


def supersede(connection: Connection, alert_ids: Sequence[UUID], now: datetime) -> None:
    """End the running ladders of alerts that go on with another call."""
    connection.execute(
        "UPDATE ladders SET ended_at = %s, ending = %s WHERE alert_id = ANY(%s) AND ended_at IS NULL",
        (now, Ending.SUPERSEDED, list(alert_ids)),
    )


def _update(connection: Connection, changed: Sequence[Delivery]) -> None:
    with connection.cursor() as rows:
        rows.executemany(
            _UPDATE_DELIVERY,
            [
                (
                    each.next_attempt_at, each.state, each.attempts, each.lost_answers, each.lease_until, each.detail,
                    each.settled_at, each.push_id, each.contact_id,
                )
                for each in changed
            ],
        )  # fmt: skip


def _ladder_row(each: Ladder) -> tuple[Any, ...]:
    return (
        each.alert_id, each.call, each.called_at, each.begun_at,
        sorted(step * _ROUNDS + round_ for step, round_ in each.done), each.ahead_s, each.flapping, list(each.raised),
         each.ended_at, each.ending,
    )  # fmt: skip


def _ladder(row: dict[str, Any]) -> Ladder:
    ending = row.pop("ending")
    done = frozenset(divmod(number, _ROUNDS) for number in row["done"])
    return Ladder(**{**row, "raised": tuple(row["raised"]), "done": done}, ending=Ending(ending) if ending else None)


def _push_row(each: Push) -> tuple[Any, ...]:
    return (
        each.id, each.person_id, each.form, each.urgency, each.drill, each.alert_id, each.institution_id, each.zone_id,
        each.language, each.title, each.body, sorted(each.channels), each.every_channel, each.created_at,
    )  # fmt: skip


def _push(row: dict[str, Any]) -> Push:
    return Push(**{**row, "form": Form(row["form"]), "channels": frozenset(row["channels"])})


def _job(row: dict[str, Any]) -> Job:
    push = _push({name: row.pop(f"of_push_{name}") for name in _PUSH})
    address = row.pop("address")
    return Job(_delivery(row), push, address)


def _telling_row(each: Telling) -> tuple[Any, ...]:
    return (
        *each.key, each.at, sorted(each.channels), each.every_channel, each.hold_until, each.push_id, each.dropped,
    )  # fmt: skip


def _telling(row: dict[str, Any]) -> Telling:
    key = TellingKey(*(row.pop(name) for name in TellingKey._fields))
    return Telling(key=key, **{**row, "channels": frozenset(row["channels"])})


def _delivery_row(each: Delivery) -> tuple[Any, ...]:
    return (
        each.push_id, each.contact_id, each.channel, each.rank, each.urgency, each.created_at, each.next_attempt_at,
        each.state, each.attempts, each.lost_answers, each.lease_until, each.detail, each.settled_at,
    )  # fmt: skip


def _delivery(row: dict[str, Any]) -> Delivery:
    return Delivery(**{**row, "state": State(row["state"])})
