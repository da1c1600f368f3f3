"""All SQL about fire panels: what they said, how they are, and what is asked of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ingest.database import Connection
from ingest.formats.gb26875 import Said
from ingest.formats.gb26875_frame import clock_bytes, clock_us
from ingest.panel_report import UTC_OFFSET_S, PanelReport
from ingest.reading import from_us, to_us

COMMANDS_WAITING_MAX: Final = 100
COMMANDS_KEPT: Final = timedelta(days=400)


class PanelState(NamedTuple):
    """A registered transmission device, and how it is; times None where it was never heard or never denied."""

    address: str
    institution: str
    device: str
    name: str
    heard_at: datetime | None
    clock_ahead_s: float | None
    denied_at: datetime | None
    denied_for: str


class Asked(NamedTuple):
    """A command that waits to be sent; an empty unit is made when it is."""

    id: int
    address: str
    type_flag: int
    unit: bytes


class Outcome(NamedTuple):
    """How a command ended, "" while it has not, with the unit of the panel's answer."""

    outcome: str
    answer: bytes
    asked_at: datetime | None


def store_panels(connection: Connection, reports: Sequence[PanelReport]) -> None:
    """Keep what panels said, in the caller's transaction; what is there already is passed over."""
    rows = []
    for report in reports:
        for nth, said in enumerate(report.objects):
            said_us = clock_us(said.time, UTC_OFFSET_S) if said.time else None
            rows.append((
                report.address, from_us(report.received_at_us), nth, report.serial, said.type_flag, said.place,
                said.component_type, list(said.states), said.description, said.analog, said.value, said.operator,
                None if said_us is None else from_us(said_us),
            ))  # fmt: skip
    newest: dict[str, list[tuple[object, ...]]] = {}
    for report in reports:
        at = from_us(report.received_at_us)
        denied = (at, report.denied_for) if report.denied_for else (None, "")
        newest.setdefault(report.address, []).append((report.address, at, report.clock_ahead_s, *denied))
    with connection.cursor() as cursor:
        if rows:
            cursor.executemany(
                "INSERT INTO panel_reports VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                rows,
            )
        # In one order, so that two writers cannot wait for each other. A frame that was denied tells no time.
        cursor.executemany(
            "INSERT INTO panels VALUES (%s, %s, %s, %s, %s) ON CONFLICT (address) DO UPDATE SET"
            " heard_at = greatest(panels.heard_at, excluded.heard_at),"
            " clock_ahead_s = CASE WHEN excluded.denied_at IS NULL AND excluded.heard_at >= panels.heard_at"
            " THEN excluded.clock_ahead_s ELSE panels.clock_ahead_s END,"
            " denied_at = coalesce(greatest(panels.denied_at, excluded.denied_at), panels.denied_at),"
            " denied_for = CASE WHEN excluded.denied_at >= coalesce(panels.denied_at, excluded.denied_at)"
            " THEN excluded.denied_for ELSE panels.denied_for END",
            [row for address in sorted(newest) for row in newest[address]],
        )


def prune_panel_reports(connection: Connection, before: datetime) -> int:
    """Drop what panels said before that moment; how many rows went."""
    connection.execute("DELETE FROM panel_commands WHERE asked_at < %s", (before,))
    return connection.execute("DELETE FROM panel_reports WHERE received_at < %s", (before,)).rowcount


def panel_states(connection: Connection) -> list[PanelState]:
    """Every registered transmission device, by institution and device."""
    rows = connection.execute(
        "SELECT substr(devices.address, 9), institutions.code, devices.code, devices.name, heard_at, clock_ahead_s,"
        " denied_at, coalesce(denied_for, '') FROM devices JOIN institutions ON institutions.id = institution_id"
        " LEFT JOIN panels ON panels.address = substr(devices.address, 9)"
        " WHERE devices.address LIKE 'gb26875/%' AND devices.address NOT LIKE '%/%/%' ORDER BY 2, 3"
    )
    return [PanelState(*row) for row in rows]


def panel_log(connection: Connection, address: str, count: int) -> list[tuple[datetime, Said]]:
    """What a transmission device said of late, the newest first, and when that came."""
    rows = connection.execute(
        "SELECT received_at, type_flag, place, component_type, states, description, analog, value, operator, said_at"
        " FROM panel_reports WHERE address = %s ORDER BY received_at DESC, nth DESC LIMIT %s",
        (address, count),
    )
    return [(row[0], _said(*row[1:])) for row in rows]


def unregistered_components(connection: Connection, address: str) -> list[Said]:
    """The components a transmission device has named and no device is registered for: what was last said of each, with
    its newest description."""
    rows = connection.execute(
        "SELECT DISTINCT ON (place) type_flag, place, component_type, states, (SELECT description FROM panel_reports n"
        " WHERE n.address = said.address AND n.place = said.place AND n.description <> ''"
        " ORDER BY n.received_at DESC LIMIT 1), analog, value, operator, said_at"
        " FROM panel_reports said WHERE address = %s AND component_type IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM devices WHERE devices.address = 'gb26875/' || said.address || '/' || place)"
        " ORDER BY place, received_at DESC",
        (address,),
    )
    return sorted((_said(*row) for row in rows), key=lambda said: [int(each) for each in said.place.split(".")])


def _said(
    type_flag: int, place: str, component_type: int | None, states: list[str], description: str | None,
    analog: int | None, value: float | None, operator: int | None, said_at: datetime | None,
) -> Said:  # fmt: skip
    time = b"" if said_at is None else clock_bytes(to_us(said_at), UTC_OFFSET_S)
    return Said(type_flag, place, component_type, tuple(states), description or "", analog, value, operator, time)


def ask_panel(connection: Connection, address: str, type_flag: int, unit: bytes, asked_by: str) -> int | None:
    """Have a command sent; its number, or None while too many wait (a pipeline without a port takes none)."""
    row = connection.execute(
        "INSERT INTO panel_commands (address, type_flag, unit, asked_by) SELECT %s, %s, %s, %s"
        " WHERE (SELECT count(*) FROM panel_commands WHERE taken_at IS NULL AND ended_at IS NULL) < %s RETURNING id",
        (address, type_flag, unit, asked_by, COMMANDS_WAITING_MAX),
    ).fetchone()
    return int(row[0]) if row else None


def take_commands(connection: Connection, count_max: int, age_max: timedelta) -> list[Asked]:
    """The oldest commands nobody has taken, which are the caller's now. Those that have waited longer than `age_max`
    are ended: whoever asked has gone."""
    connection.execute(
        "UPDATE panel_commands SET taken_at = now(), ended_at = now(), outcome = 'away'"
        " WHERE taken_at IS NULL AND asked_at < now() - %s",
        (age_max,),
    )
    rows = connection.execute(
        "UPDATE panel_commands SET taken_at = now() WHERE id IN (SELECT id FROM panel_commands WHERE taken_at IS NULL"
        " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id, address, type_flag, unit",
        (count_max,),
    ).fetchall()
    return [Asked(*row) for row in sorted(rows)]


def end_command(connection: Connection, number: int, outcome: str, answer: bytes) -> None:
    """Note how a command ended."""
    connection.execute(
        "UPDATE panel_commands SET ended_at = now(), outcome = %s, answer = %s WHERE id = %s AND ended_at IS NULL",
        (outcome, answer, number),
    )


def command_outcome(connection: Connection, number: int) -> Outcome:
    """How a command ended, or that it has not."""
    row = connection.execute(
        "SELECT coalesce(outcome, ''), coalesce(answer, ''), asked_at FROM panel_commands WHERE id = %s", (number,)
    ).fetchone()
    return Outcome(*row) if row else Outcome("away", b"", None)


def duty_answered(connection: Connection, address: str, since: datetime) -> datetime | None:
    """When a transmission device first said after `since` that a duty check was answered."""
    row = connection.execute(
        "SELECT min(received_at) FROM panel_reports WHERE address = %s AND received_at >= %s AND type_flag = 24"
        " AND 'duty_answer' = ANY(states)",
        (address, since),
    ).fetchone()
    return row[0] if row else None
