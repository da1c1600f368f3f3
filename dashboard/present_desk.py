"""From records to the shapes people see: drills, duty checks, emergency plans, flapping."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alerting import flapping, floor_plan, floor_plan_store, plan_card, plan_card_store
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
    kept, defaults = plan_card_store.own_cards(connection, institution_id), plan_card.default_cards()
    shown = []
    for kind in Kind:
        own = kept.get(kind)
        plan = plan_card.plan_for(kind, defaults, own.own if own else None)
        if plan is not None:
            shown.append(
                schemas.Plan(
                    **_card(plan),
                    own_phones=[schemas.PlanPhone.model_validate(phone) for phone in own.own.phones] if own else [],
                    own_steps=bool(own and own.own.steps),
                    version=own.version if own else 0,
                )
            )
    return shown


def alert_plan(connection: Connection, alert: Alert, *, residents: bool) -> schemas.AlertPlan | None:
    """The card that opens with `alert`; None for a kind nobody has written one for. With `residents` it tells how many
    people cannot walk."""
    institution_id, zone_id = alert.source.institution_id, alert.source.zone_id
    if institution_id is None:
        return None
    kept = plan_card_store.own_cards(connection, institution_id).get(alert.kind)
    plan = plan_card.plan_for(alert.kind, plan_card.default_cards(), kept.own if kept else None)
    if plan is None:
        return None
    carried = plan_card_store.residents(connection, institution_id).items if residents else ()
    return schemas.AlertPlan(
        **_card(plan),
        cannot_walk=schemas.CannotWalk.model_validate(plan_card.cannot_walk(carried, zone_id)) if residents else None,
        floor_plan=_floor_plan(connection, institution_id, zone_id, alert.source.device_id),
    )


def _card(plan: plan_card.Plan) -> dict[str, Any]:
    card = plan.card
    return {
        "kind": card.kind,
        "title_zh": card.title_zh,
        "title_en": card.title_en,
        "steps": [schemas.PlanStep.model_validate(step) for step in card.steps],
        "phones": [schemas.PlanPhone.model_validate(phone) for phone in card.phones],
        "source": plan.source,
    }


def _floor_plan(
    connection: Connection, institution_id: int, zone_id: int | None, device_id: int | None
) -> schemas.AlertFloorPlan | None:
    """The plan of the floor that zone is on, with the place marked; None where there is none."""
    zones = directory.zones(connection, [zone_id]) if zone_id is not None else []
    known = floor_plan_store.plans(connection, institution_id) if zones else []
    found = next((each for each in known if each.floor == zones[0].floor), None)
    if found is None:
        return None
    mark = floor_plan.mark_of(found.marks, zone_id, device_id)
    spot = mark and schemas.Spot(x=mark.x, y=mark.y, of="zone" if mark.device_id is None else "device")
    return schemas.AlertFloorPlan(
        floor=found.floor, version=found.version, width_px=found.width_px, height_px=found.height_px, spot=spot
    )


def alert_flapping(events: Sequence[AlertEvent], now: datetime) -> schemas.Flapping:
    """Whether the condition behind these events, in order, comes and goes too often."""
    found = flapping.judge(flapping.changes(events), now, flapping.Limits())
    return schemas.Flapping.model_validate(found.evidence())
