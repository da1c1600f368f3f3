"""What machines ask without signing in: health and metrics."""

import ipaddress

import psycopg
import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from dashboard import schemas
from dashboard.access import Serving, client_address
from dashboard.errors import NotPermitted
from dashboard.service import Service
from dashboard.service_figures import ServiceFigures
from ingest import history
from ingest.errors import DatabaseUnavailable
from inspection import cell_store

router = APIRouter(tags=["operations"])

log = structlog.get_logger(__name__)

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@router.get(
    "/healthz",
    summary="Whether the dashboard can do its work",
    response_model=schemas.Health,
    responses={503: {"model": schemas.Health}},
)
def health(serving: Serving) -> Response:
    """503 when the database cannot be reached or the event log is not being followed."""
    database, follower = _database_answers(serving), serving.live.following
    ok = database and follower
    shown = schemas.Health(status="ok" if ok else "failing", database=database, follower=follower)
    return JSONResponse(shown.model_dump(), 200 if ok else 503)


@router.get(
    "/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse,
    responses={403: {"model": schemas.Problem}},
)  # fmt: skip
def metrics(request: Request, serving: Serving) -> Response:
    """Only for the configured networks, by default this machine."""
    if not _may_measure(request, serving):
        raise NotPermitted("metrics are for the configured networks only")
    return Response(serving.metrics.text() + _of_the_service(serving).text(), media_type=CONTENT_TYPE_LATEST)


def _of_the_service(serving: Service) -> ServiceFigures:
    """As it is now; of a database that does not answer, only that."""
    try:
        reachable = serving.gateways.reachable()
        with serving.as_service() as connection:
            return ServiceFigures(
                serving.health.look(connection, reachable),
                history.heartbeats(connection),
                cell_store.servers_above(connection),
            )
    except (psycopg.OperationalError, DatabaseUnavailable) as error:
        log.warning("metrics: the database does not answer", error=str(error))
        return ServiceFigures()


def _database_answers(serving: Service) -> bool:
    try:
        with serving.as_service() as connection:
            connection.execute("SELECT 1")
    except (psycopg.OperationalError, DatabaseUnavailable) as error:
        log.warning("health: the database does not answer", error=str(error))
        return False
    return True


def _may_measure(request: Request, serving: Service) -> bool:
    # Behind a proxy on this machine every request comes from loopback: what was forwarded by one that is not trusted
    # could come from anywhere.
    if not serving.settings.trusted_proxies and any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(client_address(request))
    except ValueError:
        return False
    return any(address in network for network in serving.settings.metrics_networks)
