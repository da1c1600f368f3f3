"""Floor plans and the marks on them in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerting.errors import FloorPlanRefused, FloorPlanUnknown, StaleVersion
from alerting.floor_plan import FLOORS_MAX, Mark, Picture, Place, marks_problems
from alerting.ledger_store import record_act
from ingest import directory
from ingest.database import Connection


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """The plan of a floor without its picture. Its version moves with every change of the picture or the marks."""

    floor: int
    version: int
    width_px: int
    height_px: int
    marks: tuple[Mark, ...]


def plans(connection: Connection, institution_id: int) -> list[FloorPlan]:
    """An institution's floor plans, the lowest floor first."""
    marks: dict[int, list[Mark]] = {}
    for floor, *mark in connection.execute(
        "SELECT floor, zone_id, device_id, x, y FROM floor_plan_marks WHERE institution_id = %s"
        " ORDER BY zone_id, device_id",
        (institution_id,),
    ):
        marks.setdefault(floor, []).append(Mark(*mark))
    rows = connection.execute(
        "SELECT floor, version, width_px, height_px FROM floor_plans WHERE institution_id = %s ORDER BY floor",
        (institution_id,),
    )
    return [
        FloorPlan(floor, version, width_px, height_px, tuple(marks.get(floor, ())))
        for floor, version, width_px, height_px in rows
    ]


def picture(connection: Connection, institution_id: int, floor: int) -> Picture:
    """The picture of a floor. Raises FloorPlanUnknown."""
    row = connection.execute(
        "SELECT media_type, image, width_px, height_px FROM floor_plans WHERE institution_id = %s AND floor = %s",
        (institution_id, floor),
    ).fetchone()
    if row is None:
        raise FloorPlanUnknown
    return Picture(*row)


def save_picture(
    connection: Connection, institution_id: int, floor: int, made: Picture, *, seen: int, actor: str
) -> None:
    """Put a picture in place of version `seen` (0: there was none), in the caller's transaction; the marks stay. Raises
    StaleVersion, FloorPlanRefused."""
    version = _next_version(connection, institution_id, floor, seen)
    count = connection.execute(
        "SELECT count(*) FROM floor_plans WHERE institution_id = %s", (institution_id,)
    ).fetchone()
    if seen == 0 and count is not None and count[0] >= FLOORS_MAX:
        raise FloorPlanRefused(f"at most {FLOORS_MAX} floors")
    connection.execute(
        "INSERT INTO floor_plans (institution_id, floor, version, media_type, image, width_px, height_px, saved_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (institution_id, floor) DO UPDATE SET"
        " version = excluded.version, media_type = excluded.media_type, image = excluded.image,"
        " width_px = excluded.width_px, height_px = excluded.height_px, saved_by = excluded.saved_by,"
        " saved_at = clock_timestamp()",
        (institution_id, floor, version, made.media_type, made.image, made.width_px, made.height_px, actor),
    )
    _note(connection, "save_floor_plan", institution_id, floor, actor, {
        "version": version, "media_type": made.media_type, "bytes": len(made.image),
    })  # fmt: skip


def save_marks(
    connection: Connection, institution_id: int, floor: int, marks: Sequence[Mark], *, seen: int, actor: str
) -> None:
    """Put the marks of a floor in place of those of version `seen`, in the caller's transaction. Raises
    FloorPlanUnknown, FloorPlanRefused, StaleVersion."""
    if seen == 0:
        raise FloorPlanUnknown
    version = _next_version(connection, institution_id, floor, seen)
    zones = directory.zones_of(connection, institution_id)
    floors = {zone.id: zone.floor for zone in zones}
    devices = [Place(each.id, floors[each.zone_id]) for each in directory.devices_of(connection, institution_id)]
    problems = marks_problems(marks, floor, [Place(zone.id, zone.floor) for zone in zones], devices)
    if problems:
        raise FloorPlanRefused("; ".join(problems[:20]))
    connection.execute("DELETE FROM floor_plan_marks WHERE institution_id = %s AND floor = %s", (institution_id, floor))
    for column, ids in (
        ("zone_id", [mark.zone_id for mark in marks if mark.zone_id is not None]),
        ("device_id", [mark.device_id for mark in marks if mark.device_id is not None]),
    ):  # a zone that has moved to this floor since may still be marked on its old one
        connection.execute(f"DELETE FROM floor_plan_marks WHERE {column} = ANY(%s)".encode(), (ids,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO floor_plan_marks (institution_id, floor, zone_id, device_id, x, y)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [(institution_id, floor, *mark) for mark in marks],
        )
    connection.execute(
        "UPDATE floor_plans SET version = %s, saved_by = %s, saved_at = clock_timestamp()"
        " WHERE institution_id = %s AND floor = %s",
        (version, actor, institution_id, floor),
    )
    _note(connection, "save_floor_plan_marks", institution_id, floor, actor, {"version": version, "marks": len(marks)})


def remove(connection: Connection, institution_id: int, floor: int, *, seen: int, actor: str) -> None:
    """Take the plan of a floor away with its marks, in the caller's transaction. Raises FloorPlanUnknown,
    StaleVersion."""
    if seen == 0:
        raise FloorPlanUnknown
    _next_version(connection, institution_id, floor, seen)
    connection.execute("DELETE FROM floor_plans WHERE institution_id = %s AND floor = %s", (institution_id, floor))
    _note(connection, "remove_floor_plan", institution_id, floor, actor, {"version": seen})


def _next_version(connection: Connection, institution_id: int, floor: int, seen: int) -> int:
    connection.execute("LOCK TABLE floor_plans IN SHARE ROW EXCLUSIVE MODE")
    row = connection.execute(
        "SELECT version FROM floor_plans WHERE institution_id = %s AND floor = %s", (institution_id, floor)
    ).fetchone()
    if row is None and seen:
        raise FloorPlanUnknown
    if (int(row[0]) if row else 0) != seen:
        raise StaleVersion
    return seen + 1


def _note(
    connection: Connection, verb: str, institution_id: int, floor: int, actor: str, body: Mapping[str, Any]
) -> None:
    record_act(
        connection, actor=actor, verb=verb, subject=f"floor_plan:{institution_id}:{floor}",
        institution_id=institution_id, body=body,
    )  # fmt: skip
