"""Errors as RFC 9457 problem responses: the one place where an error becomes an HTTP status."""

import http
import traceback
from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson
import psycopg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alerting.errors import (
    AlertUnknown,
    DrillRefused,
    DrillUnknown,
    DutyCheckRefused,
    DutyCheckUnknown,
    FloorPlanRefused,
    FloorPlanUnknown,
    HandoverRefused,
    HandoverUnknown,
    IllegalVerb,
    PlanInvalid,
    RotationRefused,
    RotationUnknown,
    RulesInvalid,
    RulesUnknown,
    StaleVersion,
    StandInRefused,
    SuppressionRefused,
    SuppressionTooLong,
)
from dashboard.errors import (
    AccessTokenRefused,
    AccountKeyUnusable,
    BadRequest,
    BodyTooLarge,
    BodyTooSlow,
    BrokerRefused,
    Busy,
    DashboardError,
    IdentityTaken,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OriginRefused,
    PasswordChangeRequired,
    PasswordUnfit,
    ProviderMissing,
    SecondFactorRefused,
    SecondFactorRequired,
    SecondFactorWanted,
    TokenRefused,
    TooManyAttempts,
    UsernameTaken,
    WrongCode,
    WrongCredentials,
)
from ingest.errors import (
    ClaimRefused,
    DatabaseUnavailable,
    DatesRefused,
    DeviceRegistered,
    DeviceUnknown,
    NotHeard,
    PlaceRefused,
    PlaceTaken,
)
from inspection import checklist
from inspection.errors import (
    ActReused,
    CampaignUnknown,
    ChecklistsUnsuitable,
    ChecklistUnknown,
    CommitmentChanged,
    CreditEntryUnknown,
    CursorRefused,
    DocumentChanged,
    DocumentRefused,
    DocumentSurplus,
    DocumentUnknown,
    DrawImpossible,
    DrawUnknown,
    FileSectionChanged,
    FileSectionInvalid,
    FileSectionUnknown,
    FireGapUnknown,
    HazardChanged,
    HazardUnknown,
    NotPublished,
    PhotoRefused,
    PhotosMissing,
    PhotoUnknown,
    ProofMissing,
    RatingRefused,
    RatingUnknown,
    RelationUnknown,
    ReportChanged,
    ReportRefused,
    SafetyRecordRefused,
    SafetyRecordUnknown,
    SignatureRefused,
    StepRefused,
    VersionUnknown,
    VisitUnknown,
    WordsUnfit,
    WorkbookRefused,
    WrongPerson,
)

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_S: Final = 2

log = structlog.get_logger(__name__)


class _Kind(NamedTuple):
    status: int
    name: str
    title: str


_KINDS: Final[dict[type[Exception], _Kind]] = {
    NotSignedIn: _Kind(401, "not-signed-in", "Not signed in"),
    TokenRefused: _Kind(401, "token-refused", "The token opens nothing"),
    WrongCredentials: _Kind(401, "wrong-credentials", "Wrong user name or password"),
    WrongCode: _Kind(401, "wrong-code", "Wrong code"),
    SecondFactorWanted: _Kind(401, "second-factor-wanted", "A code is wanted as well"),
    SecondFactorRequired: _Kind(403, "second-factor-required", "Enrol a second factor first"),
    SecondFactorRefused: _Kind(409, "second-factor-refused", "Not possible like this"),
    AccountKeyUnusable: _Kind(500, "account-key-unusable", "The key of the accounts cannot be used"),
    ProviderMissing: _Kind(409, "provider-missing", "No provider"),
    IdentityTaken: _Kind(409, "identity-taken", "Linked already"),
    AccessTokenRefused: _Kind(409, "access-token-refused", "There can be no such token"),
    TooManyAttempts: _Kind(429, "too-many-attempts", "Too many attempts"),
    NotPermitted: _Kind(403, "not-permitted", "Not permitted"),
    PasswordChangeRequired: _Kind(403, "password-change-required", "Choose a password first"),
    PasswordUnfit: _Kind(422, "password-unfit", "The password is too easily guessed"),
    UsernameTaken: _Kind(409, "username-taken", "The user name is taken"),
    BrokerRefused: _Kind(409, "broker-refused", "The broker's accounts cannot be changed from here"),
    Busy: _Kind(409, "busy", "Being done already"),
    SuppressionTooLong: _Kind(422, "suppression-too-long", "Too long in one go"),
    SuppressionRefused: _Kind(409, "suppression-refused", "Not possible now"),
    DrillRefused: _Kind(409, "drill-refused", "Not possible now"),
    DrillUnknown: _Kind(404, "not-found", "Not found"),
    DutyCheckRefused: _Kind(409, "duty-check-refused", "Not possible now"),
    DutyCheckUnknown: _Kind(404, "not-found", "Not found"),
    RulesInvalid: _Kind(422, "rules-invalid", "The rules have errors"),
    RulesUnknown: _Kind(404, "not-found", "Not found"),
    HandoverRefused: _Kind(409, "handover-refused", "This cannot be signed here now"),
    HandoverUnknown: _Kind(404, "not-found", "Not found"),
    RotationRefused: _Kind(422, "rotation-refused", "This rotation cannot be"),
    RotationUnknown: _Kind(404, "not-found", "Not found"),
    StandInRefused: _Kind(409, "stand-in-refused", "Not possible like this"),
    ClaimRefused: _Kind(422, "claim-refused", "This cannot be registered"),
    DeviceRegistered: _Kind(409, "device-registered", "Registered already"),
    DatesRefused: _Kind(422, "dates-refused", "These cannot be a device's dates"),
    DeviceUnknown: _Kind(404, "not-found", "Not found"),
    PlaceRefused: _Kind(422, "place-refused", "This cannot be added"),
    PlaceTaken: _Kind(409, "place-taken", "There is one with this code already"),
    NotHeard: _Kind(404, "not-found", "Not found"),
    FloorPlanRefused: _Kind(422, "floor-plan-refused", "This cannot be a floor plan"),
    FloorPlanUnknown: _Kind(404, "not-found", "Not found"),
    PlanInvalid: _Kind(422, "plan-invalid", "The plan has errors"),
    ChecklistUnknown: _Kind(404, "not-found", "Not found"),
    HazardUnknown: _Kind(404, "not-found", "Not found"),
    PhotoUnknown: _Kind(404, "not-found", "Not found"),
    PhotoRefused: _Kind(422, "photo-refused", "This cannot be kept as a photo"),
    HazardChanged: _Kind(409, "stale-version", "Somebody else was faster"),
    ProofMissing: _Kind(409, "proof-missing", "The sensors do not show it yet"),
    ActReused: _Kind(409, "act-reused", "This id stands for something else"),
    PhotosMissing: _Kind(409, "photos-missing", "Send the photos again"),
    WrongPerson: _Kind(409, "wrong-person", "Somebody else has to do this"),
    ChecklistsUnsuitable: _Kind(409, "checklists-unsuitable", "Not for this kind of institution"),
    StepRefused: _Kind(409, "step-refused", "Not possible now"),
    FileSectionUnknown: _Kind(404, "not-found", "Not found"),
    FileSectionInvalid: _Kind(422, "file-section-invalid", "This cannot be written into the file"),
    FileSectionChanged: _Kind(409, "stale-version", "Somebody else was faster"),
    FireGapUnknown: _Kind(404, "not-found", "Not found"),
    DocumentUnknown: _Kind(404, "not-found", "Not found"),
    DocumentRefused: _Kind(422, "document-refused", "This cannot be kept as a document"),
    DocumentSurplus: _Kind(409, "document-surplus", "It is there already, or there is no more room"),
    DocumentChanged: _Kind(409, "stale-version", "Somebody else was faster"),
    CommitmentChanged: _Kind(409, "stale-version", "Another text is in force"),
    WordsUnfit: _Kind(422, "words-unfit", "These words cannot stand on a public page"),
    NotPublished: _Kind(404, "not-found", "Not found"),
    WorkbookRefused: _Kind(422, "workbook-refused", "The workbook has errors"),
    RatingUnknown: _Kind(404, "not-found", "Not found"),
    RatingRefused: _Kind(409, "rating-refused", "Not possible now"),
    CreditEntryUnknown: _Kind(404, "not-found", "Not found"),
    SafetyRecordUnknown: _Kind(404, "not-found", "Not found"),
    SafetyRecordRefused: _Kind(422, "safety-record-refused", "This cannot be put on record"),
    VisitUnknown: _Kind(404, "not-found", "Not found"),
    CampaignUnknown: _Kind(404, "not-found", "Not found"),
    DrawUnknown: _Kind(404, "not-found", "Not found"),
    RelationUnknown: _Kind(404, "not-found", "Not found"),
    DrawImpossible: _Kind(409, "draw-impossible", "Too few institutions or inspectors"),
    ReportRefused: _Kind(422, "report-refused", "There can be no such report"),
    ReportChanged: _Kind(409, "report-changed", "The facts have changed since"),
    SignatureRefused: _Kind(409, "signature-refused", "This cannot be signed"),
    VersionUnknown: _Kind(404, "not-found", "Not found"),
    CursorRefused: _Kind(422, "bad-request", "The request does not make sense"),
    OriginRefused: _Kind(403, "origin-refused", "Refused: another site's request"),
    NotFound: _Kind(404, "not-found", "Not found"),
    AlertUnknown: _Kind(404, "not-found", "Not found"),
    BadRequest: _Kind(422, "bad-request", "The request does not make sense"),
    BodyTooLarge: _Kind(413, "too-large", "The request is too large"),
    BodyTooSlow: _Kind(408, "too-slow", "The request came too slowly"),
    StaleVersion: _Kind(409, "stale-version", "Somebody else was faster"),
    IllegalVerb: _Kind(409, "illegal-verb", "Not possible now"),
    DatabaseUnavailable: _Kind(503, "database-unavailable", "The database does not answer"),
    psycopg.OperationalError: _Kind(503, "database-unavailable", "The database does not answer"),
}


def problem(
    status: int, name: str, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """One problem response; `more` are members of this problem's own."""
    body = {"type": f"urn:anhu:problem:{name}", "title": title, "status": status, "detail": detail, **more}
    return Response(orjson.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def of(error: Exception) -> Response:
    """The response to one of the errors of this file's table."""
    kind = next(_KINDS[base] for base in type(error).__mro__ if base in _KINDS)
    headers: dict[str, str] = {}
    detail = str(error)
    if isinstance(error, TokenRefused):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after_s)
    if kind.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(_RETRY_AFTER_S)
        log.warning("database unavailable", error=detail)
        detail = DatabaseUnavailable.__doc__ or ""  # the driver's text can name hosts and users
    if isinstance(error, AccountKeyUnusable):
        log.error("the key of the accounts cannot be used", error=detail)
        detail = "Codes cannot be checked just now: a recovery code still works, and the service's log says more."
    more: dict[str, object] = {}
    if isinstance(error, SuppressionTooLong):
        more["limit_s"] = round(error.longest.total_seconds())
    if isinstance(error, HandoverRefused):
        more["why"] = error.refusal
    if isinstance(error, WordsUnfit):
        more["why"] = error.why
    if isinstance(error, ChecklistsUnsuitable):
        named = [checklist.get(each) for each in error.checklists]
        more["checklists"] = [{"id": each.id, "zh": each.title_zh, "en": each.title_en} for each in named]
    return problem(kind.status, kind.name, kind.title, detail, headers, **more)


async def _known(_request: Request, error: Exception) -> Response:
    return of(error)


async def _http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    title = http.HTTPStatus(error.status_code).phrase
    name = title.lower().replace(" ", "-")
    return problem(error.status_code, name, title, str(error.detail), error.headers)


async def _invalid(_request: Request, error: Exception) -> Response:
    """What is wrong and where, without repeating the input: it may hold a password."""
    if not isinstance(error, RequestValidationError):
        raise error
    parts = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()[:20]]
    return problem(422, "bad-request", "The request does not make sense", "; ".join(parts))


class Unexpected:
    """Turns what nobody foresaw into a 500, inside of the middleware that puts the security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            # The trace as text: structlog's own rendering can print local variables, and with them passwords.
            trace = traceback.format_exc()
            log.error("request failed", method=scope["method"], path=scope["path"], trace=trace)  # noqa: TRY400 - see above
            if began:
                raise
            detail = "Something went wrong in the service; its log says more."
            await problem(500, "internal-error", "Internal error", detail)(scope, receive, send)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""
    for kind in _KINDS:
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Unexpected)


__all__ = ["MEDIA_TYPE", "DashboardError", "install", "of", "problem"]
