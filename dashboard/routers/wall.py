"""The supervision wall (监管大屏): figures, the alarms nobody has taken on, the institutions in order of risk."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from alerting import calling_store
from alerting.people import Right
from dashboard import present_wall, wall
from dashboard.access import Serving, Viewing
from dashboard.schemas import wall as shapes
from dashboard.wall import Placed, WallState

router = APIRouter(prefix="/wall", tags=["supervision wall"])


class WallSort(StrEnum):
    """By what the institutions are sorted."""

    RISK = "risk"
    NAME = "name"
    REGION = "region"
    GRADE = "grade"
    HAZARDS = "hazards"  # the overdue ones, major before general
    OFFLINE = "offline"  # by share


_KEYS: Final[dict[WallSort, Callable[[Placed], Any]]] = {
    WallSort.RISK: lambda each: each.rank,
    WallSort.NAME: lambda each: each.entry.name,
    WallSort.REGION: lambda each: (each.entry.region, each.rank),
    # Who has no grade comes last.
    WallSort.GRADE: lambda each: (each.standing.grade is None, -each.standing.grade_weight, each.rank),
    WallSort.HAZARDS: lambda each: (-each.standing.major_overdue.count, -each.standing.overdue.count, each.rank),
    WallSort.OFFLINE: lambda each: (-each.standing.offline_count / max(1, each.standing.device_count), each.rank),
}


@router.get("", summary="The figures of the wall", response_model=shapes.Wall)
def show_wall(serving: Serving, reach: Viewing) -> shapes.Wall:
    """Of every institution within reach, all at one moment."""
    now = datetime.now(UTC)
    with serving.reading() as connection:
        within = reach.institution_ids(connection)
        facts = wall.gather(connection, within, now)
        return present_wall.figures(connection, facts, within, reach.scope, now)


@router.get("/calls", summary="The alarms nobody has taken on", response_model=shapes.WallCalls)
def list_calls(
    serving: Serving, reach: Viewing, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> shapes.WallCalls:  # fmt: skip
    """Critical and high ones that nothing keeps quiet, the most urgent and of those the longest waiting first; with who
    has been told, for those who may see that."""
    now = datetime.now(UTC)
    with serving.reading() as connection:
        found = calling_store.calling(connection, reach.institution_ids(connection), now)
        return present_wall.calls(connection, found, limit, now, names=reach.holds(Right.VIEW_NOTIFICATIONS))


@router.get("/institutions", summary="The institutions in order of risk", response_model=shapes.WallInstitutions)
def list_institutions(
    serving: Serving,
    reach: Viewing,
    sort: WallSort = WallSort.RISK,
    state: WallState | None = None,
    grade: Annotated[str | None, Query(max_length=4)] = None,
    region: Annotated[str, Query(pattern=r"^([0-9]{2}){0,3}$", description="the beginning of a region code")] = "",
    q: Annotated[str, Query(max_length=100, description="part of the name or the code")] = "",
    backwards: bool = False,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> shapes.WallInstitutions:
    """A page of them, with the reasons for which each stands where it stands."""
    with serving.reading() as connection:
        placed = wall.gather(connection, reach.institution_ids(connection), datetime.now(UTC)).placed
    wanted = q.strip().casefold()
    chosen = [
        each
        for each in placed
        if state in (None, each.state)
        and grade in (None, each.standing.grade)
        and each.entry.region.startswith(region)
        and wanted in f"{each.entry.name} {each.entry.name_en} {each.entry.code}".casefold()
    ]
    chosen.sort(key=_KEYS[sort], reverse=backwards)
    return shapes.WallInstitutions(
        items=[present_wall.institution(each) for each in chosen[offset : offset + limit]],
        total=len(chosen),
        states=dict(Counter(each.state for each in placed)),
        regions=dict(Counter(each.entry.region for each in placed)),
    )


@router.get("/institutions/{institution_id}", summary="One of them", response_model=shapes.WallInstitution)
def show_institution(
    institution_id: Annotated[int, Path(ge=1, le=2**31 - 1)], serving: Serving, reach: Viewing
) -> shapes.WallInstitution:
    """Where it stands among all within reach, and why."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        placed = wall.gather(connection, reach.institution_ids(connection), datetime.now(UTC)).placed
    [found] = [each for each in placed if each.entry.id == institution_id]
    return present_wall.institution(found)
