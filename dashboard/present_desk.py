"""From records to the shapes people see: drills, duty checks, emergency plans, flapping."""

from collections.abc import Sequence
from datetime import datetime

from alerting import flapping, plan_card, plan_card_store
from alerting.alert import Alert, AlertEvent, Kind
from alerting.drill import Stage, measured
from alerting.drill_store import Record
from alerting.duty_check import DutyCheck
from dashboard import schemas
from ingest import directory
from ingest.database import Connection


def drills(connection: Connection, records: Sequence[Record]) -> list[schemas.Drill]:
    """`records` with the names of their places, in their order."""
    ids = {record.drill.institution_id for record in records}
    institutions = {each.id: each for each in directory.institutions(connection, ids)}
    wanted = {record.drill.device_id for record in records if record.drill.device_id is not None}
    devices = {each.id: each for each in directory.devices(connection, wanted)}
    shown = []
    for record in records:
        each, took = record.drill, {stage.stage: stage.seconds for stage in measured(record.drill, record.seen)}
        device = devices.get(each.device_id) if each.device_id is not None else None
        shown.append(
            schemas.Drill(
                id=each.id,
                institution=schemas.AlertInstitution.model_validate(institutions[each.institution_id]),
                device=schemas.AlertDevice.model_validate(device) if device else None,
                kind=each.kind,
                by=each.by,
                scheduled=each.scheduled,
                reach=each.reach,
                note=each.note,
                started_at=each.started_at,
                state=record.state,
                raised_at=record.seen.reached.get(Stage.RAISED),
                raised_s=took[Stage.RAISED],
                seen_on_screen_s=took[Stage.SHOWN],
                pushed_s=took[Stage.PUSHED],
                acknowledged_s=took[Stage.ACKNOWLEDGED],
                acknowledged_by=record.seen.acknowledged_by,
                limits={stage.value: limit for stage, limit in each.limits.items()},
                ended_at=record.ended_at,
                report=None if record.report is None else dict(record.report),
            )
        )
    return shown


def duty_checks(connection: Connection, records: Sequence[DutyCheck]) -> list[schemas.DutyCheck]:
    """`records` with the names of their places, in their order."""
    ids = {record.institution_id for record in records}
    institutions = {each.id: each for each in directory.institutions(connection, ids)}
    return [
        schemas.DutyCheck(
            id=each.id,
            institution=schemas.AlertInstitution.model_validate(institutions[each.institution_id]),
            called_at=each.called_at,
            due_at=each.due_at,
            answered_at=each.answered_at,
            answered_by=each.answered_by,
            called_by=each.called_by,
            note=each.note,
            state=each.state,
        )
        for each in records
    ]


def plans(connection: Connection, institution_id: int) -> list[schemas.Plan]:
    """Every card of an institution: its own, and the defaults for the other kinds."""
    own, defaults = plan_card_store.own_cards(connection, institution_id), plan_card.default_cards()
    residents = plan_card_store.residents(connection, institution_id)
    carried = [schemas.PlanResidents.model_validate(each) for each in residents]
    found = [plan_card.plan_for(kind, defaults, own.get(kind)) for kind in Kind]
    return [
        schemas.Plan(
            kind=plan.card.kind,
            title_zh=plan.card.title_zh,
            title_en=plan.card.title_en,
            steps=[schemas.PlanStep.model_validate(step) for step in plan.card.steps],
            phones=[schemas.PlanPhone.model_validate(phone) for phone in plan.card.phones],
            residents=carried,
            source="institution" if plan.source == "institution" else "default",
        )
        for plan in found
        if plan is not None
    ]


def alert_plan(connection: Connection, alert: Alert) -> schemas.AlertPlan | None:
    """The card that opens with `alert`; None for a kind nobody has written one for."""
    institution_id = alert.source.institution_id
    if institution_id is None:
        return None
    own = plan_card_store.own_cards(connection, institution_id).get(alert.kind)
    plan = plan_card.plan_for(alert.kind, plan_card.default_cards(), own)
    if plan is None:
        return None
    carried = plan_card.cannot_walk(plan_card_store.residents(connection, institution_id), alert.source.zone_id)
    return schemas.AlertPlan(
        kind=plan.card.kind,
        title_zh=plan.card.title_zh,
        title_en=plan.card.title_en,
        steps=[schemas.PlanStep.model_validate(step) for step in plan.card.steps],
        phones=[schemas.PlanPhone.model_validate(phone) for phone in plan.card.phones],
        cannot_walk=schemas.CannotWalk.model_validate(carried),
        source="institution" if plan.source == "institution" else "default",
    )


def alert_flapping(events: Sequence[AlertEvent], now: datetime) -> schemas.Flapping:
    """Whether the condition behind these events, in order, comes and goes too often."""
    found = flapping.judge(flapping.changes(events), now, flapping.Limits())
    return schemas.Flapping.model_validate(found.evidence())
