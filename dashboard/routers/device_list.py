"""The list of devices across institutions, what reports unregistered, and the list as a registry file."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from alerting import device_list_store
from alerting.device_list import DeviceProblem, DeviceSort, Filter
from alerting.hours import CHINA
from dashboard import present_devices
from dashboard.access import Serving, Viewing
from dashboard.schemas import device_list as shapes
from ingest import claim_store
from ingest.database import Connection
from ingest.registry_file import CSV_COLUMNS

router = APIRouter(prefix="/devices", tags=["devices"])

TEST_DUE_DAYS: Final = 30
_EXPORT_ROWS: Final = 2000  # of one transaction
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would take such a text for one
_NAMES: Final = frozenset(
    {"institution_name", "institution_name_en", "zone_name", "zone_name_en", "device_name", "model"}
)
_FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {}}}}


class Narrowed:
    """What the query asks for, held against the reach of who asks."""

    def __init__(
        self,
        reach: Viewing,
        problem: DeviceProblem | None = None,
        institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
        zone_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
        zone_kind: Annotated[str | None, Query(max_length=64)] = None,
        kind: Annotated[str | None, Query(max_length=64)] = None,
        q: Annotated[str, Query(max_length=100, description="part of the name, the code or the address")] = "",
    ) -> None:
        self.reach = reach
        self.problem = problem
        self._asked = institution_id, zone_id, zone_kind, kind, q.strip().replace("\0", "")

    def filter(self, connection: Connection, now: datetime) -> Filter:
        """Raises NotFound for an institution out of reach."""
        institution_id, zone_id, zone_kind, kind, text = self._asked
        if institution_id is not None:
            self.reach.demand_institution(connection, institution_id)
        within = self.reach.institution_ids(connection)
        until = now.astimezone(CHINA).date() + timedelta(days=TEST_DUE_DAYS)
        return Filter(within, until, now, institution_id, zone_id, zone_kind, kind, text)


Asked = Annotated[Narrowed, Depends(Narrowed)]


@router.get("", summary="Devices within reach", response_model=shapes.DevicePage)
def list_devices(
    serving: Serving,
    _reach: Viewing,
    asked: Asked,
    sort: DeviceSort = DeviceSort.PLACE,
    descending: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> shapes.DevicePage:
    """With one problem, or all; a test is due that is to be done within 30 days."""
    now = datetime.now(UTC)
    with serving.reading() as connection:
        narrowed = asked.filter(connection, now)
        counts = device_list_store.counts(connection, narrowed)
        found = device_list_store.page(
            connection, narrowed, asked.problem, sort, descending=descending, limit=limit, offset=offset
        )
        unclaimed = claim_store.heard_within(connection, narrowed.within, 1, 0)
        return shapes.DevicePage(
            items=present_devices.rows(connection, found, now),
            total=counts.by_problem[asked.problem] if asked.problem else counts.total,
            all_count=counts.total,
            counts=counts.by_problem,
            unclaimed_count=unclaimed[0].total if unclaimed else 0,
        )


@router.get(
    "/unclaimed", summary="What reports within reach without being registered", response_model=shapes.UnclaimedAtPage
)
def list_unclaimed(
    serving: Serving,
    reach: Viewing,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> shapes.UnclaimedAtPage:
    """The latest first; it is registered on its institution's page."""
    with serving.reading() as connection:
        found = claim_store.heard_within(connection, reach.institution_ids(connection), limit, offset)
        items = present_devices.unclaimed(connection, found)
    return shapes.UnclaimedAtPage(items=items, total=found[0].total if found else 0)


@router.get("/registry.csv", summary="The list as a registry file", response_class=StreamingResponse, responses=_FILE)
def export_devices(serving: Serving, _reach: Viewing, asked: Asked) -> StreamingResponse:
    """In the columns that `anhu registry import` reads. A name that a spreadsheet would take for a formula has an
    apostrophe before it."""
    now = datetime.now(UTC)
    with serving.reading() as connection:
        narrowed = asked.filter(connection, now)

    def lines() -> Iterator[str]:
        yield "\ufeff" + ",".join(CSV_COLUMNS) + "\r\n"
        after = 0, ""
        while True:
            with serving.reading() as connection:
                found = list(device_list_store.registered(connection, narrowed, asked.problem, after, _EXPORT_ROWS))
            if not found:
                return
            written = io.StringIO()
            writer = csv.writer(written)
            for institution_id, *values in found:
                row = dict(zip(CSV_COLUMNS, values, strict=True))
                writer.writerow([_cell(name, value) for name, value in row.items()])
                after = institution_id, row["device"]
            yield written.getvalue()

    headers = {"content-disposition": 'attachment; filename="devices.csv"', "cache-control": "no-store"}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(name: str, value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if name in _NAMES and text.startswith(_FORMULA) else text
