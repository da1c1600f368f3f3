"""The dashboard's web application, put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from dashboard import auth, openapi, page, problems, schemas
from dashboard.access import Permit, signed_in
from dashboard.account_key import AccountKey
from dashboard.answer_headers import SecurityHeaders
from dashboard.backtests import Backtests
from dashboard.gateways import Gateways, NoGateways
from dashboard.health import HealthCheck
from dashboard.known_sessions import KnownSessions
from dashboard.live import Live
from dashboard.metrics import MeasureRequests, Metrics, RouteNames
from dashboard.oidc import Provider
from dashboard.request_body import BodyLimit, Keepable
from dashboard.request_origin import OriginGuard
from dashboard.routers import (
    account,
    acknowledge,
    alerts,
    audit,
    checklists,
    claims,
    credit_lists,
    device_list,
    devices,
    draws,
    drills,
    duty_checks,
    export,
    first_steps,
    floor_plans,
    handovers,
    hazards,
    inspections,
    institution_documents,
    institution_files,
    institutions,
    ledger,
    live,
    oidc,
    operations,
    people,
    people_accounts,
    phone,
    plans,
    protections,
    public,
    publicity,
    ratings,
    reports,
    rotations,
    rules,
    session,
    suppressions,
    system,
    wall,
)
from dashboard.service import Service
from dashboard.settings import DashboardSettings
from ingest import database

_UNPROTECTED = (
    operations.router,
    session.public,
    oidc.public,
    acknowledge.router,
    draws.public,
    public.router,
    export.router,
)
_OF_ONESELF = (session.router, account.router)
_RIGHTFUL = (
    institutions.router,
    alerts.router,
    suppressions.router,
    device_list.router,
    devices.router,
    claims.router,
    first_steps.router,
    first_steps.places,
    people.router,
    people_accounts.router,
    ledger.router,
    audit.router,
    system.router,
    drills.router,
    duty_checks.router,
    handovers.router,
    plans.router,
    hazards.router,
    checklists.router,
    ratings.router,
    ratings.records,
    credit_lists.router,
    credit_lists.due,
    inspections.router,
    inspections.campaigns,
    draws.router,
    phone.router,
    reports.router,
    institution_documents.router,
    institution_files.router,
    protections.router,
    publicity.router,
    publicity.entries,
    floor_plans.router,
    rotations.router,
    rules.router,
    wall.router,
)
_WITH_SESSION = (*_OF_ONESELF, *_RIGHTFUL)
_PREFIX: Final = "/api"  # of what needs a session
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (401, 403)}
_LIVE_CONNECTIONS_MAX = 4  # of the live side's own pool: requests can never starve the alarms


def create_app(
    database_url: str,
    settings: DashboardSettings,
    *,
    spool: Path | None = None,
    static: Path = page.STATIC,
    gateways: Gateways | None = None,
) -> FastAPI:
    """The app on a migrated database; `spool` is the file of a pipeline on this machine, `gateways` the broker's
    accounts. Its start raises DatabaseUnavailable."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            pools = stack.enter_context(ExitStack())
            requests, background = await anyio.to_thread.run_sync(_open_pools, pools, database_url, settings)
            await anyio.to_thread.run_sync(auth.prepare)
            known = KnownSessions(settings.session_known_minutes_max * 60)
            live_side = Live(database_url, background, settings, metrics, spool, known)
            key = AccountKey(settings.account_key_file())
            provider = Provider(settings.oidc) if settings.oidc.issuer else None
            if provider is not None:
                stack.push_async_callback(provider.close)
            backtests = Backtests(database_url, settings.backtest_minutes_max * 60)
            stack.push_async_callback(anyio.to_thread.run_sync, backtests.close)
            app.state.service = Service(
                settings,
                requests,
                live_side,
                known,
                metrics,
                backtests,
                HealthCheck(spool),
                key,
                provider,
                gateways or NoGateways(),
            )
            stack.push_async_callback(live_side.stop)
            await live_side.start()
            yield

    app = FastAPI(
        title=openapi.TITLE,
        summary=openapi.SUMMARY,
        version=openapi.VERSION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # they load scripts from elsewhere, which the content security policy forbids
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.router.routes.extend(_routes())
    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way: else it would write its own, on request
    app.mount("/", page.Page(static))
    problems.install(app)
    # The last one added is the first a request meets.
    app.add_middleware(Keepable)
    app.add_middleware(
        BodyLimit,
        bytes_max=settings.body_bytes_max,
        picture_bytes_max=settings.picture_mib_max * 1_048_576,
        larger={
            **dict.fromkeys(rules.TEXT_PATHS, rules.TEXT_BYTES_MAX),
            hazards.PHOTOS_PATH: hazards.PHOTO_BYTES_MAX,
            phone.PHOTOS_PATH: phone.PHOTO_BYTES_MAX,
            institution_files.IMPORT_PATH: institution_files.IMPORT_BYTES_MAX,
            institution_documents.ADD_PATH: institution_documents.UPLOAD_BYTES_MAX,
            institution_documents.REPLACE_PATH: institution_documents.UPLOAD_BYTES_MAX,
        },
    )
    app.add_middleware(OriginGuard, allowed_origins=settings.allowed_origins)
    app.add_middleware(SecurityHeaders, indexed=settings.public_indexed, https_only_days=settings.https_only_days)
    app.add_middleware(MeasureRequests, metrics=metrics, routes=_route_names())
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Of every app of this process: they know nothing of its settings, and putting them together takes a while."""
    whole = APIRouter()
    for each in (*_UNPROTECTED, _protected(), live.router):
        whole.include_router(each)
    for route in whole.routes:  # FastAPI works out what a router's routes need at its first request, for half a second
        route.matches({"type": "http", "method": "GET", "path": "/", "headers": []})
    return tuple(whole.routes)


@cache
def described() -> dict[str, Any]:
    """The OpenAPI document of every app of this process: made when somebody asks for it, for it takes a second."""
    return openapi.document(_routes())


@cache
def path_templates() -> tuple[str, ...]:
    """The paths of the OpenAPI document, in its order."""
    within = [(each, "") for each in _UNPROTECTED] + [(each, _PREFIX) for each in _WITH_SESSION]
    found = (
        prefix + route.path_format
        for router, prefix in within
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
    )
    return tuple(dict.fromkeys(found))


@cache
def _route_names() -> RouteNames:
    return RouteNames(path_templates())


def _protected() -> APIRouter:
    """Everything that needs a session. Every route names the right it is about: one that does not cannot be added."""
    protected = APIRouter(prefix=_PREFIX, dependencies=[Depends(signed_in)], responses=_REFUSED)
    for each in _OF_ONESELF:
        protected.include_router(each)
    for each in _RIGHTFUL:
        for route in each.routes:
            if not isinstance(route, APIRoute) or not any(
                isinstance(one.call, Permit) for one in route.dependant.dependencies
            ):
                raise TypeError(f"{route} does not say which right it needs")
        protected.include_router(each)
    return protected


def _open_pools(
    stack: ExitStack, database_url: str, settings: DashboardSettings
) -> tuple[database.Pool, database.Pool]:
    requests = stack.enter_context(
        database.pool(database_url, count_max=settings.database_connections_max, application="anhu dashboard")
    )
    background = stack.enter_context(
        database.pool(database_url, count_max=_LIVE_CONNECTIONS_MAX, application="anhu live")
    )
    return requests, background
