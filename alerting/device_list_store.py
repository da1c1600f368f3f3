"""All SQL of the list of devices: which have a problem, and a page of them. What a problem is, the open alerts, the
suppressions in force and the registry say."""

from collections.abc import Iterator
from typing import Any, Final

from alerting.device_list import Counts, DeviceProblem, DeviceSort, Filter, Row
from ingest.database import Connection

_PROBLEMS: Final = (
    "WITH told AS MATERIALIZED (SELECT device_id, institution_id, kind, onset_at FROM alerts WHERE open AND NOT drill"
    "  AND kind IN ('offline', 'low_battery', 'sensor_fault') AND (active OR kind <> 'offline')"
    "  AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))),"
    " troubles AS (SELECT device_id AS id, kind AS problem, onset_at AS since FROM told WHERE device_id IS NOT NULL"
    "  UNION ALL SELECT d.id, 'offline', onset_at FROM told JOIN devices d USING (institution_id)"
    "   WHERE device_id IS NULL AND told.kind = 'offline'"
    "  UNION ALL SELECT id, 'test_due', test_due_on::timestamp AT TIME ZONE 'Asia/Shanghai' FROM devices"
    "   WHERE test_due_on <= %(test_until)s AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))"
    "  UNION ALL SELECT d.id, 'quiet', s.from_at FROM suppressions s JOIN devices d"
    "   ON d.institution_id = s.institution_id AND (s.zone_id IS NULL OR s.zone_id = d.zone_id)"
    "   AND (s.device_id IS NULL OR s.device_id = d.id)"
    "   WHERE (%(within)s::int[] IS NULL OR s.institution_id = ANY(%(within)s))"
    "   AND s.ended_at IS NULL AND s.from_at <= %(now)s AND s.until_at > %(now)s),"
    " problems AS (SELECT id, problem, min(since) AS since FROM troubles GROUP BY 1, 2)"
)
_NARROWED: Final = (
    " (%(within)s::int[] IS NULL OR d.institution_id = ANY(%(within)s))"
    " AND (%(zone_id)s::int IS NULL OR d.zone_id = %(zone_id)s)"
    " AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)"
    " AND (%(zone_kind)s::text IS NULL OR d.zone_id IN (SELECT id FROM zones WHERE kind = %(zone_kind)s))"
    " AND (%(text)s = '' OR strpos(lower(concat_ws(' ', d.name, d.code, d.address)), %(text)s) > 0)"
)
_TOTAL: Final = f"SELECT count(*) FROM devices d WHERE{_NARROWED}"
_COUNTS: Final = (
    f"{_PROBLEMS} SELECT problem, count(*) FROM problems JOIN devices d USING (id) WHERE{_NARROWED} GROUP BY 1"
)
_ORDERS: Final = {
    DeviceSort.PLACE: "d.institution_id {way}, d.code {way}",
    DeviceSort.NAME: "d.name {way}, d.id",
    DeviceSort.KIND: "d.kind {way}, d.institution_id, d.code",
    DeviceSort.INSTALLED: "d.installed_on {way} NULLS LAST, d.institution_id, d.code",
    DeviceSort.TEST_DUE: "d.test_due_on {way} NULLS LAST, d.institution_id, d.code",
    DeviceSort.SINCE: "since {way}, d.institution_id, d.code",
}
_PAGE: Final = (
    "SELECT d.id, {since} AS since FROM {devices} WHERE{narrowed} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s"
)
_EXPORT: Final = (
    "SELECT d.institution_id, i.code, i.name, i.name_en, i.kind, i.region, z.code, z.name, z.name_en, z.kind, z.floor,"
    " d.code, d.name, d.kind, d.model, d.report_interval_s, (SELECT string_agg(quantity, ';' ORDER BY id) FROM points"
    "  WHERE device_id = d.id), d.wear, d.address, d.installed_on, d.test_due_on FROM {devices}"
    " JOIN institutions i ON i.id = d.institution_id JOIN zones z ON z.id = d.zone_id"
    " WHERE{narrowed} AND (d.institution_id, d.code) > (%(after_institution)s, %(after_code)s)"
    " ORDER BY d.institution_id, d.code LIMIT %(limit)s"
)


def counts(connection: Connection, narrowed: Filter) -> Counts:
    """How many devices the filter leaves, and how many of them with each problem."""
    parameters = _parameters(narrowed)
    row = connection.execute(_TOTAL.encode(), parameters).fetchone()
    found: dict[str, int] = dict(connection.execute(_COUNTS.encode(), parameters).fetchall())
    return Counts(int(row[0]) if row else 0, {each: int(found.get(each.value, 0)) for each in DeviceProblem})


def page(
    connection: Connection,
    narrowed: Filter,
    problem: DeviceProblem | None,
    sort: DeviceSort,
    *,
    descending: bool,
    limit: int,
    offset: int,
) -> list[Row]:
    """Devices with `problem`, or all, in that order."""
    if problem is None and sort is DeviceSort.SINCE:
        sort = DeviceSort.PLACE
    statement = _PAGE.format(
        since="since" if problem else "NULL::timestamptz",
        devices=_devices(problem),
        narrowed=_of(problem),
        order=_ORDERS[sort].format(way="DESC" if descending else "ASC"),
    )
    rows = connection.execute(
        (f"{_PROBLEMS} {statement}" if problem else statement).encode(),
        _parameters(narrowed) | {"problem": problem, "limit": limit, "offset": offset},
    )
    return [Row(*row) for row in rows]


def registered(
    connection: Connection, narrowed: Filter, problem: DeviceProblem | None, after: tuple[int, str], limit: int
) -> Iterator[tuple[Any, ...]]:
    """The institution's id and then what the registry holds of each device, in the order of registry_file.CSV_COLUMNS:
    those after that institution and code."""
    statement = _EXPORT.format(devices=_devices(problem), narrowed=_of(problem))
    parameters = _parameters(narrowed) | {
        "problem": problem, "limit": limit, "after_institution": after[0], "after_code": after[1],
    }  # fmt: skip
    yield from connection.execute((f"{_PROBLEMS} {statement}" if problem else statement).encode(), parameters)


def _devices(problem: DeviceProblem | None) -> str:
    return "problems JOIN devices d USING (id)" if problem else "devices d"


def _of(problem: DeviceProblem | None) -> str:
    return f" problem = %(problem)s AND{_NARROWED}" if problem else _NARROWED


def _parameters(narrowed: Filter) -> dict[str, Any]:
    within = narrowed.within if narrowed.institution_id is None else [narrowed.institution_id]
    return {
        "within": None if within is None else list(within),
        "test_until": narrowed.test_until,
        "now": narrowed.now,
        "zone_id": narrowed.zone_id,
        "zone_kind": narrowed.zone_kind,
        "kind": narrowed.kind,
        "text": narrowed.text.casefold(),
    }
