"""The nine protections of GB 38600: the share of counties against the target, month by month, and one institution.

What is known of them comes from inspections with their checklist; there is no other door, so there is no act here.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from alerting.people import Scope
from dashboard import present_protection as present
from dashboard import schemas
from dashboard.access import Reach, Serving, Viewing
from dashboard.schemas import protections as shapes
from ingest import directory
from ingest.database import Connection
from inspection import protection_operate, protection_store
from inspection.protection import MONTHS_MAX, Standing

router = APIRouter(prefix="/protections", tags=["nine protections"])

InstitutionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Region = Annotated[str, Query(pattern=r"^([0-9]{2}){0,3}$", description="the beginning of a region code")]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 422)}
_ORDER: Final = (Standing.NOT_CONFORMING, Standing.INCOMPLETE, Standing.CONFORMING)


@router.get("", summary="Who conforms to the nine protections", response_model=shapes.ProtectionPage)
def list_protections(
    serving: Serving,
    reach: Viewing,
    region: Region = "",
    standing: Standing | None = None,
    q: Annotated[str, Query(max_length=100, description="the institution's name or code")] = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> shapes.ProtectionPage:
    """The share of all nursing homes within reach and of each county; then the institutions, those that do not conform
    first, each with what is missing and why."""
    with serving.reading() as connection:
        entries = {
            each.id: each
            for each in directory.institutions(connection, reach.institution_ids(connection))
            if Scope(None, region).covers(each.id, each.region)
        }
        found = protection_operate.overview(connection, list(entries), datetime.now(UTC))
    wanted = q.strip().casefold()
    rows = [
        each
        for each in found.known.values()
        if standing in (None, each.standing)
        and wanted in f"{(at := entries[each.institution_id]).name} {at.name_en} {at.code}".casefold()
    ]
    rows.sort(key=lambda each: (_ORDER.index(each.standing), entries[each.institution_id].code))
    return present.page(found, rows[offset : offset + limit], len(rows), entries)


@router.get("/trend", summary="The share month by month", response_model=shapes.ProtectionTrend)
def show_trend(
    serving: Serving,
    reach: Viewing,
    region: Region = "",
    months: Annotated[int, Query(ge=1, le=MONTHS_MAX)] = 12,
) -> shapes.ProtectionTrend:
    """How it stood at the end of each month, worked out of the records by the policy in force now."""
    with serving.reading() as connection:
        within = _within(connection, reach, region)
        found = protection_operate.trend(connection, within, datetime.now(UTC), months)
        policy = protection_operate.policy_in_force(connection)
    return present.trend(found, policy.target_percent)


@router.get(
    "/{institution_id}",
    summary="One institution's nine protections",
    response_model=shapes.ProtectionDetail,
    responses=_REFUSED,
)
def show_protections(institution_id: InstitutionId, serving: Serving, reach: Viewing) -> shapes.ProtectionDetail:
    """Each of the nine with what it rests on, and every record there is."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        [entry] = directory.institutions(connection, [institution_id])
        policy, found, history = protection_operate.one(connection, institution_id, datetime.now(UTC))
        evidence = protection_store.evidence(connection, institution_id)
    return present.detail(entry, policy, found, history, evidence)


def _within(connection: Connection, reach: Reach, region: str) -> list[int]:
    found = directory.institutions(connection, reach.institution_ids(connection))
    return [each.id for each in found if Scope(None, region).covers(each.id, each.region)]
