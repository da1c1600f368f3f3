"""Institution files (一院一档): the list with its completeness, one file, fire acceptance, workbooks."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from alerting.people import Right, Scope
from dashboard import present_institution_file as present
from dashboard import schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.personal import Personal, note_read, of_scope
from dashboard.schemas import institution_files as shapes
from dashboard.service import Service
from ingest import directory
from ingest.database import Connection
from ingest.directory import InstitutionEntry
from inspection import institution_file_operate, institution_file_store, institution_file_workbook
from inspection.errors import FireGapUnknown
from inspection.institution_file_operate import today
from inspection.institution_file_store import Writer
from inspection.institution_file_workbook import WORKBOOK_BYTES_MAX, Entry
from inspection.report import Language
from inspection.report_workbook import MEDIA_TYPE

IMPORT_PATH: Final = "/api/institution-files/workbook"
IMPORT_BYTES_MAX: Final = WORKBOOK_BYTES_MAX

router = APIRouter(prefix="/institution-files", tags=["institution files"])

Writing = Annotated[Reach, Depends(Permit(Right.WRITE_FILE))]
InstitutionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
GapId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Region = Annotated[str, Query(pattern=r"^([0-9]{2}){0,3}$", description="the beginning of a region code")]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
Limit = Annotated[int, Query(ge=1, le=200)]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}
_FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {MEDIA_TYPE: {}}}, **_REFUSED}


@router.get("", summary="List institution files", response_model=shapes.FilePage)
def list_files(
    serving: Serving,
    reach: Viewing,
    region: Region = "",
    q: Annotated[str, Query(max_length=100, description="the institution's name or code")] = "",
    offset: Offset = 0,
    limit: Limit = 50,
) -> shapes.FilePage:
    """How complete each file is, the least complete first."""
    day = today(datetime.now(UTC))
    with serving.reading() as connection:
        places = [
            each
            for each in _places(connection, reach, region).values()
            if q.strip().casefold() in f"{each.name} {each.name_en} {each.code}".casefold()
        ]
        files = institution_file_store.load_many(connection, [each.id for each in places])
    rows = sorted(
        (present.row(each, files[each.id], day) for each in places),
        key=lambda each: (each.percent, each.institution.code),
    )
    mean = sum(each.percent for each in rows) // len(rows) if rows else 0
    return shapes.FilePage(items=rows[offset : offset + limit], total=len(rows), mean_percent=mean)


@router.get("/catalogue", summary="What a file consists of", response_model=shapes.FileCatalogue)
def show_catalogue(_reach: Viewing) -> shapes.FileCatalogue:
    """Every section with its fields, their words and their bounds."""
    return present.catalogue()


@router.get("/fire-acceptance", summary="The countdown of fire acceptance", response_model=shapes.FirePage)
def show_fire(
    serving: Serving, reach: Viewing, region: Region = "", offset: Offset = 0, limit: Limit = 50
) -> shapes.FirePage:
    """How many institutions have gaps, down to zero; those with the most open gaps first."""
    with serving.reading() as connection:
        places = _places(connection, reach, region)
        standings = institution_file_store.fire_standings(connection, list(places))
    return present.fire(standings, places, today(datetime.now(UTC)), offset, limit)


@router.get("/workbook", summary="Files as an Excel workbook", response_class=Response, responses=_FILE)
def export(
    serving: Serving,
    reach: Viewing,
    region: Region = "",
    institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    lang: Language = "zh",
    reason: Annotated[schemas.Text, Query(max_length=200, description="what it is for; kept in the audit trail")] = "",
) -> Response:
    """Of one institution, or of all within reach; a sheet for each section, to be filled in and sent back."""
    with serving.recording() as connection:
        if institution_id is not None:
            reach.demand_institution(connection, institution_id)
            places = {each.id: each for each in directory.institutions(connection, [institution_id])}
        else:
            places = _places(connection, reach, region)
        note_read(
            connection, serving, reach, Personal.FILE_EXPORT, of_scope(reach)[0] if institution_id is None else
            f"institution:{institution_id}", places, reason=reason.strip(),
        )  # fmt: skip
        files = institution_file_store.load_many(connection, list(places))
    entries = [
        Entry(each.code, (each.name_en or each.name) if lang == "en" else each.name, files[each.id])
        for each in places.values()
    ]
    name = quote("一院一档.xlsx")
    return Response(
        institution_file_workbook.workbook(entries, lang),
        media_type=MEDIA_TYPE,
        headers={"content-disposition": f"attachment; filename=\"files.xlsx\"; filename*=UTF-8''{name}"},
    )


@router.post(
    "/workbook",
    summary="Take a filled-in workbook in",
    response_model=shapes.FilesImported,
    responses=_REFUSED,
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: {}}}},
)
async def take_in(request: Request, serving: Serving, reach: Writing) -> shapes.FilesImported:
    """The workbook is the body. Everything is written, or nothing: every error is told by sheet, row and column."""
    return await to_thread.run_sync(partial(_take_in, serving, reach, await request.body()))


def _take_in(serving: Service, reach: Reach, data: bytes) -> shapes.FilesImported:
    filled = institution_file_workbook.read(data)
    with serving.writing() as connection:
        known = {each.code: each.id for each in _places(connection, reach, "").values()}
        by = Writer(reach.actor, reach.person.id, "workbook")
        made = institution_file_operate.take_in(connection, filled, known, by, datetime.now(UTC))
    return shapes.FilesImported(institutions=len({code for code, _ in made.changed}), sections=len(made.changed))


@router.get("/{institution_id}", summary="One institution's file", response_model=shapes.FileDetail, responses=_REFUSED)
def show_file(institution_id: InstitutionId, serving: Serving, reach: Viewing) -> shapes.FileDetail:
    """Every section as it stands, the gaps of the fire acceptance, and how complete it is item by item."""
    with serving.recording() as connection:
        reach.demand_institution(connection, institution_id)
        note_read(connection, serving, reach, Personal.FILE, f"institution:{institution_id}", [institution_id])
        return _detail(connection, reach, institution_id)


@router.get(
    "/{institution_id}/history", summary="What was written", response_model=shapes.FileHistory, responses=_REFUSED
)
def show_history(institution_id: InstitutionId, serving: Serving, reach: Viewing) -> shapes.FileHistory:
    """Each version of each section, who wrote it and when: the newest 200."""
    with serving.recording() as connection:
        reach.demand_institution(connection, institution_id)
        note_read(connection, serving, reach, Personal.FILE, f"institution:{institution_id}", [institution_id])
        found = institution_file_store.history(connection, institution_id)
    return shapes.FileHistory(items=[shapes.FileChange.model_validate(each) for each in found])


@router.put(
    "/{institution_id}/sections/{section}",
    summary="Write a section",
    response_model=shapes.FileDetail,
    responses=_REFUSED,
)
def write(
    institution_id: InstitutionId,
    section: Annotated[str, Path(max_length=40)],
    request: shapes.FileSectionWritten,
    serving: Serving,
    reach: Writing,
) -> shapes.FileDetail:
    """The whole section anew, as it was seen at `version`; where somebody else was faster, nothing is written (409)."""
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        institution_file_operate.write(
            connection, institution_id, section, request.version, list(request.rows), _writer(reach), datetime.now(UTC)
        )
        return _detail(connection, reach, institution_id)


@router.post(
    "/{institution_id}/fire-gaps",
    summary="Put a gap of the fire acceptance on the list",
    response_model=shapes.FileDetail,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)
def open_gap(
    institution_id: InstitutionId, request: shapes.NewFireGap, serving: Serving, reach: Writing
) -> shapes.FileDetail:
    """What still keeps the institution from its fire acceptance."""
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        institution_file_operate.open_gap(
            connection, institution_id, request.title, request.found_on, request.due_on, _writer(reach),
            datetime.now(UTC),
        )  # fmt: skip
        return _detail(connection, reach, institution_id)


@router.post(
    "/fire-gaps/{gap_id}/close", summary="Close a gap", response_model=shapes.FileDetail, responses=_REFUSED
)  # fmt: skip
def close_gap(gap_id: GapId, request: shapes.FireGapClosing, serving: Serving, reach: Writing) -> shapes.FileDetail:
    """By the authority only: nobody counts themselves down (409)."""
    with serving.writing() as connection:
        found = institution_file_store.gap(connection, gap_id)
        if not reach.covers(connection, found.institution_id):
            raise FireGapUnknown(f"there is no gap {gap_id}")
        institution_file_operate.close_gap(
            connection, found, request.outcome, request.closed_on, request.note, reach.person, _writer(reach),
            datetime.now(UTC),
        )  # fmt: skip
        return _detail(connection, reach, found.institution_id)


def _writer(reach: Reach) -> Writer:
    return Writer(reach.actor, reach.person.id)


def _places(connection: Connection, reach: Reach, region: str) -> dict[int, InstitutionEntry]:
    """The institutions within reach, by code; those of `region` only."""
    found = directory.institutions(connection, reach.institution_ids(connection))
    return {each.id: each for each in found if Scope(None, region).covers(each.id, each.region)}


def _detail(connection: Connection, reach: Reach, institution_id: int) -> shapes.FileDetail:
    [place] = directory.institutions(connection, [institution_id])
    may_write = reach.holds(Right.WRITE_FILE)
    return present.detail(
        place,
        institution_file_store.load(connection, institution_id),
        today(datetime.now(UTC)),
        may_write=may_write,
        may_close_gaps=may_write and reach.scope.institution_id is None,
    )
