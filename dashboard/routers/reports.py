"""Reports: the monthly ledger and its signatures, notices, the bulletin, campaigns, years; as pages and Excel files."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response, status

from alerting.people import Right, Scope
from dashboard import present_report, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.errors import BadRequest, NotFound
from dashboard.routers.inspections import knows
from dashboard.schemas import reports as shapes
from ingest.database import Connection
from inspection import (
    hazard_store,
    operate,
    report_operate,
    report_workbook,
    signature_store,
    visit,
    visit_list_store,
    visit_store,
)
from inspection.errors import CampaignUnknown, HazardUnknown, VersionUnknown, VisitUnknown
from inspection.report import Document, Language, Period, ReportKind
from inspection.report_operate import Asked, Signed
from inspection.signature_store import Version

router = APIRouter(prefix="/reports", tags=["reports"])

VersionId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Signing = Annotated[Reach, Depends(Permit(Right.SIGN_REPORT))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}
_FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {report_workbook.MEDIA_TYPE: {}}}, **_REFUSED}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the query says; each report needs some of it."""

    first: date | None
    last: date | None
    region: str | None
    institution_id: int | None
    hazard_id: UUID | None
    inspection_id: UUID | None
    campaign_id: UUID | None
    language: Language


def _wanted(
    first: Annotated[date | None, Query(alias="from", description="the first day, in China")] = None,
    last: Annotated[date | None, Query(alias="to", description="the last day, which is included")] = None,
    region: Annotated[str | None, Query(pattern=r"^([0-9]{2}){0,3}$", description="without it one's own reach")] = None,
    institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    hazard_id: Annotated[UUID | None, Query(description="notice: of this hazard")] = None,
    inspection_id: Annotated[UUID | None, Query(description="notice: of what this inspection found")] = None,
    campaign_id: Annotated[UUID | None, Query(description="campaign: this one")] = None,
    lang: Language = "zh",
) -> Wanted:
    return Wanted(first, last, region, institution_id, hazard_id, inspection_id, campaign_id, lang)


Asking = Annotated[Wanted, Depends(_wanted)]


@router.get("/{report}", summary="A report", response_model=shapes.Report, responses=_REFUSED)
def show_report(report: ReportKind, wanted: Asking, serving: Serving, reach: Viewing) -> shapes.Report:
    """Ledger, bulletin and year need `from` and `to`; a notice a hazard or an inspection; campaign a campaign."""
    with serving.reading() as connection:
        if report is ReportKind.LEDGER:
            asked, period = _asked(connection, reach, wanted), _period(wanted)
            found = report_operate.ledger(connection, period, asked)
            may_sign = reach.holds(Right.SIGN_REPORT) and period.is_month and period.begins <= asked.now
            return present_report.signed(found, reach.person, may_sign=may_sign)
        return present_report.document(_document(connection, report, wanted, reach))


@router.get(
    "/{report}/file", summary="A report as an Excel file", response_class=Response, responses=_FILE
)  # fmt: skip
def show_file(report: ReportKind, wanted: Asking, serving: Serving, reach: Viewing) -> Response:
    """The same as the page, set up to be printed on A4."""
    with serving.reading() as connection:
        found = _document(connection, report, wanted, reach)
    return _file(found)


@router.get(
    "/ledger/versions/{version_id}", summary="What was signed", response_model=shapes.Report, responses=_REFUSED
)
def show_version(version_id: VersionId, serving: Serving, reach: Viewing, lang: Language = "zh") -> shapes.Report:
    """A signed version of a monthly ledger, word for word, whatever the records say now."""
    with serving.reading() as connection:
        _version(connection, reach, version_id)
        return present_report.document(report_operate.signed_ledger(connection, version_id, lang))


@router.get(
    "/ledger/versions/{version_id}/file",
    summary="What was signed, as an Excel file",
    response_class=Response,
    responses=_FILE,
)
def show_version_file(version_id: VersionId, serving: Serving, reach: Viewing, lang: Language = "zh") -> Response:
    """A signed version of a monthly ledger."""
    with serving.reading() as connection:
        _version(connection, reach, version_id)
        found = report_operate.signed_ledger(connection, version_id, lang)
    return _file(found)


@router.post(
    "/ledger/signatures",
    summary="Sign the ledger of a month",
    response_model=shapes.ReportVersion,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)
def sign(request: shapes.ReportSignatureRequest, serving: Serving, reach: Signing) -> shapes.ReportVersion:
    """The signer names the hash of what they saw; where the facts have changed since, nothing is signed (409)."""
    with serving.writing() as connection:
        scope = _scope(connection, reach, request.region, request.institution_id)
        asked = Asked(scope, "zh", datetime.now(UTC))
        period = Period(request.first, request.last)
        made = report_operate.sign(
            connection, period, asked, request.sha256, reach.person, reach.actor, request.note
        )  # fmt: skip
    return present_report.version(made)


def _document(connection: Connection, report: ReportKind, wanted: Wanted, reach: Reach) -> Document:
    asked = _asked(connection, reach, wanted)
    match report:
        case ReportKind.LEDGER:
            found: Signed = report_operate.ledger(connection, _period(wanted), asked)
            return found.document
        case ReportKind.BULLETIN:
            return report_operate.bulletin(connection, _period(wanted), asked)
        case ReportKind.YEAR:
            return report_operate.year(connection, _period(wanted), asked)
        case ReportKind.CAMPAIGN:
            return _campaign(connection, wanted, reach, asked)
        case ReportKind.NOTICE:
            return _notice(connection, wanted, reach, asked)


def _campaign(connection: Connection, wanted: Wanted, reach: Reach, asked: Asked) -> Document:
    if wanted.campaign_id is None:
        raise BadRequest("say which campaign")
    made = visit_list_store.campaign(connection, wanted.campaign_id)
    if not knows(connection, reach, made):
        raise CampaignUnknown(f"there is no campaign {wanted.campaign_id}")
    return report_operate.campaign(connection, made.id, asked)


def _notice(connection: Connection, wanted: Wanted, reach: Reach, asked: Asked) -> Document:
    """Raises HazardUnknown, VisitUnknown, in the same words for what is out of reach and for what does not exist."""
    if wanted.hazard_id is not None:
        hazard = hazard_store.load(connection, wanted.hazard_id)
        if not reach.covers(connection, hazard.institution_id):
            raise HazardUnknown(f"there is no hazard {wanted.hazard_id}")
        return report_operate.notice_of_hazard(connection, hazard.id, asked)
    if wanted.inspection_id is None:
        raise BadRequest("say which hazard or which inspection")
    found = visit_store.load(connection, wanted.inspection_id)
    by = operate.by_person(reach.person, reach.actor)
    if not reach.covers(connection, found.institution_id) or not visit.visible(found, by):
        raise VisitUnknown(f"there is no inspection {wanted.inspection_id}")
    return report_operate.notice_of_visit(connection, found.id, asked)


def _period(wanted: Wanted) -> Period:
    if wanted.first is None or wanted.last is None:
        raise BadRequest("say from which day to which day")
    return Period(wanted.first, wanted.last)


def _asked(connection: Connection, reach: Reach, wanted: Wanted) -> Asked:
    scope = _scope(connection, reach, wanted.region, wanted.institution_id)
    return Asked(scope, wanted.language, datetime.now(UTC))


def _scope(connection: Connection, reach: Reach, region: str | None, institution_id: int | None) -> Scope:
    """Whose report; without either that of one's own reach. Raises NotFound for what lies outside of it."""
    if institution_id is not None:
        reach.demand_institution(connection, institution_id)
        return Scope(institution_id)
    if region is None:
        return reach.scope
    asked = Scope(None, region)
    if not asked.within(reach.scope):
        raise NotFound(f"there is no region {region}")
    return asked


def _version(connection: Connection, reach: Reach, version_id: int) -> Version:
    """The version, if its ledger lies within reach. Raises VersionUnknown, in the same words for all others."""
    found, _ = signature_store.version(connection, version_id)
    scope = found.scope
    within = (
        reach.covers(connection, scope.institution_id)
        if scope.institution_id is not None
        else scope.within(reach.scope)
    )
    if not within:
        raise VersionUnknown(f"there is no signed version {version_id}")
    return found


def _file(found: Document) -> Response:
    name = quote(f"{found.title}.xlsx")
    return Response(
        report_workbook.workbook(found),
        media_type=report_workbook.MEDIA_TYPE,
        headers={"content-disposition": f"attachment; filename=\"report.xlsx\"; filename*=UTF-8''{name}"},
    )
