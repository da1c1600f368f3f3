"""First steps: from an empty system to a device that reports and a test alarm on the desk."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Path, Query, Response, status

from alerting import claiming, drill_store, first_steps, first_steps_store
from alerting.drill_runner import trial_wanted
from alerting.first_steps import Facts
from alerting.ledger_store import record_act
from alerting.people import Right
from alerting.settings import DrillSettings
from dashboard import present_desk, schemas
from dashboard.access import Permit, Reach, Serving
from dashboard.schemas import first_steps as shapes
from dashboard.service import Service
from ingest import directory
from ingest.place import NewInstitution, NewZone
from ingest.routes import PREFIX

router = APIRouter(prefix="/first-steps", tags=["first steps"])
places = APIRouter(prefix="/institutions", tags=["first steps"])

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
Managing = Annotated[Reach, Depends(Permit(Right.MANAGE_SYSTEM))]
Everywhere = Annotated[Reach, Depends(Permit(Right.MANAGE_SYSTEM, everywhere=True))]
Registering = Annotated[Reach, Depends(Permit(Right.REGISTER_DEVICE))]
Drilling = Annotated[Reach, Depends(Permit(Right.DRILL))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}

log = structlog.get_logger("dashboard.first_steps")


@router.get("", summary="How far the installation has got", response_model=shapes.FirstSteps)
def show_steps(
    serving: Serving,
    reach: Managing,
    institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="default: added last")] = None,
) -> shapes.FirstSteps:
    """Each step, worked out from what is there."""
    with serving.reading() as connection:
        if institution_id is not None:
            reach.demand_institution(connection, institution_id)
        else:
            institution_id = first_steps_store.newest_institution(connection, reach.institution_ids(connection))
        everywhere = reach.scope.covers(None, "")
        facts = first_steps_store.facts(connection, institution_id, everywhere=everywhere)
        trial = present_desk.drills(connection, [facts.trial])[0] if facts.trial else None
    return _shown(serving, facts, trial)


@places.post(
    "", summary="Add an institution", status_code=status.HTTP_201_CREATED, response_model=shapes.Added,
    responses=_REFUSED,
)  # fmt: skip
def add_institution(request: shapes.InstitutionRequest, serving: Serving, reach: Everywhere) -> shapes.Added:
    """A running service takes it up within seconds. 409 where the code is taken."""
    wanted = NewInstitution(**request.model_dump())
    with serving.writing() as connection:
        institution_id = claiming.add_institution(connection, wanted, reach.actor)
    log.info("institution added", institution_id=institution_id, code=wanted.code, actor=reach.actor)
    return shapes.Added(id=institution_id)


@places.post(
    "/{institution_id}/zones", summary="Add a zone", status_code=status.HTTP_201_CREATED, response_model=shapes.Added,
    responses=_REFUSED,
)  # fmt: skip
def add_zone(institution_id: Id, request: shapes.ZoneRequest, serving: Serving, reach: Registering) -> shapes.Added:
    """A room or corridor; 409 where the code is taken."""
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        zone_id = claiming.add_zone(connection, institution_id, NewZone(**request.model_dump()), reach.actor)
    return shapes.Added(id=zone_id)


@places.post(
    "/{institution_id}/gateway", summary="Make the account of an institution's gateway",
    response_model=shapes.GatewayAccount, responses=_REFUSED,
)  # fmt: skip
def make_gateway(
    institution_id: Id, request: shapes.GatewayRequest, serving: Serving, reach: Managing, response: Response
) -> shapes.GatewayAccount:
    """It may publish its own institution's topics only. The password is told once. 409 where the broker's accounts are
    not kept from here."""
    response.headers["Cache-Control"] = "no-store"
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        [institution] = directory.institutions(connection, [institution_id])
    account = serving.gateways.give(institution.code, institution.name, renew=request.renew)
    if account.password:
        with serving.writing() as connection:
            record_act(
                connection,
                actor=reach.actor,
                verb="renew_gateway" if request.renew else "make_gateway",
                subject=f"institution:{institution_id}",
                institution_id=institution_id,
                body={"user": account.user},
            )
    return shapes.GatewayAccount(user=account.user, password=account.password)


@places.post(
    "/{institution_id}/trial", summary="Send a test alarm that calls nobody", status_code=status.HTTP_201_CREATED,
    response_model=schemas.Drill, responses=_REFUSED,
)  # fmt: skip
def start_trial(institution_id: Id, request: shapes.TrialRequest, serving: Serving, reach: Drilling) -> schemas.Drill:
    """A drill that reaches the screens only: through the broker, the intake and the engine to the desk. 409 beside
    another drill, or during a real alarm."""
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        settings = DrillSettings()
        wanted = trial_wanted(connection, institution_id, request.device_id, settings, by=reach.actor)
        return present_desk.drills(connection, [drill_store.start(connection, wanted)])[0]


def _shown(serving: Service, facts: Facts, trial: schemas.Drill | None) -> shapes.FirstSteps:
    standings = first_steps.standings(facts)
    institution = facts.institution
    place = serving.gateways.place()
    refused, stranger = facts.refused, facts.stranger
    return shapes.FirstSteps(
        institution=shapes.StepsInstitution.model_validate(institution) if institution else None,
        steps=[shapes.StepState(step=each.step, done=each.done, missing=each.missing) for each in standings],
        complete=first_steps.complete(standings),
        zone_count=facts.zone_count,
        heard_count=facts.heard_count,
        device_count=facts.device_count,
        reporting_at=facts.reporting_at,
        refused=shapes.RefusedMessage.model_validate(refused) if refused else None,
        stranger=shapes.StrangerMessage.model_validate(stranger) if stranger else None,
        trial=trial,
        responsible_count=facts.responsible_count,
        reachable_count=facts.reachable_count,
        broker=shapes.BrokerPlace(
            managed=serving.gateways.managed(),
            host=place.host if place else None,
            port=place.port if place else None,
            tls=place.tls if place else None,
            user=serving.gateways.user(institution.code) if institution else None,
            topic=f"{PREFIX}/{institution.code}/" if institution else None,
        ),
        intake_alive=serving.live.pulse.alive(time.monotonic(), datetime.now(UTC)),
    )
