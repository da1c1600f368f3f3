"""From records to the shapes people see: handovers between shifts, and the facts of a shift."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from alerting import drill_store, duty_check_store, listing, suppression_store
from alerting.alert import Kind, Priority
from alerting.duty_check import State as CheckState
from alerting.handover import Handover
from alerting.suppression import Suppression
from dashboard import present, present_desk, schemas
from dashboard.schemas import handovers as shapes
from ingest import directory
from ingest.database import Connection
from inspection import hazard_list_store, operate

_LISTED_MAX: Final = 20  # of alerts, drills, checks, hazards
_SILENCES_MAX: Final = 50
_HAZARDS_LOOKED_AT_MAX: Final = 200


def facts(connection: Connection, ids: Collection[int] | None, since: datetime, now: datetime) -> shapes.HandoverFacts:
    """The shift from `since` to `now` at these institutions (None: all), as the records have it."""
    groups = listing.open_groups(connection, ids)
    worst, _ = listing.page(connection, listing.Filter(listing.Which.OPEN, within=ids), None, _LISTED_MAX)
    standing = suppression_store.in_force_or_planned(connection, now)
    silences = sorted(
        (each for each in standing if ids is None or each.institution_id in ids), key=lambda each: each.until_at
    )
    drills = [each for each in drill_store.of_institutions(connection, ids) if each.drill.started_at >= since]
    checks = [each for each in duty_check_store.of_institutions(connection, ids) if each.called_at >= since]
    missed = [each for each in checks if each.state is CheckState.MISSED]
    by_priority = {each: sum(group.open_count for group in groups if group.priority is each) for each in Priority}
    hazards = _hazards(connection, ids, since, now)
    return shapes.HandoverFacts(
        open_by_priority={priority: number for priority, number in by_priority.items() if number},
        unacknowledged=listing.unacknowledged_count(connection, ids),
        alerts=[_alert(each) for each in present.alerts(connection, worst, now) if not each.drill],
        silences=_silences(connection, silences[:_SILENCES_MAX]),
        silence_count=len(silences),
        drills=[
            shapes.HandoverDrill.model_validate(each) for each in present_desk.drills(connection, drills[:_LISTED_MAX])
        ],
        drill_count=len(drills),
        checks_called=len(checks),
        checks_missed=[
            shapes.HandoverCheck.model_validate(each)
            for each in present_desk.duty_checks(connection, missed[:_LISTED_MAX])
        ],
        checks_missed_count=len(missed),
        hazards=hazards[:_LISTED_MAX],
        hazard_count=len(hazards),
        offline_count=sum(each.open_count for each in groups if each.kind is Kind.OFFLINE and not each.whole),
    )


def handovers(connection: Connection, records: Sequence[Handover]) -> list[schemas.Handover]:
    """`records` with the names of their places, in their order."""
    ids = {each.desk.institution_id for each in records if each.desk.institution_id is not None}
    institutions = {each.id: each for each in directory.institutions(connection, ids)} if ids else {}
    shown = []
    for each in records:
        institution = institutions.get(each.desk.institution_id or 0)
        shown.append(
            schemas.Handover(
                id=each.id,
                desk=schemas.Scope(institution_id=each.desk.institution_id, region=each.desk.region),
                institution=schemas.AlertInstitution.model_validate(institution) if institution else None,
                since_at=each.since_at,
                written_at=each.written_at,
                actor=each.actor,
                name=each.name,
                note=each.note,
                facts=shapes.HandoverFacts.model_validate(each.facts),
                state=each.state,
                replaces=each.replaces,
                replaced_by=each.replaced_by,
                take_over=shapes.HandoverTakeOver.model_validate(each.take_over) if each.take_over else None,
            )
        )
    return shown


def _alert(shown: schemas.Alert) -> shapes.HandoverAlert:
    return shapes.HandoverAlert(
        id=str(shown.id), kind=shown.kind, priority=shown.priority, raised_at=shown.raised_at,
        acknowledged=shown.acknowledged, institution=shown.institution, zone=shown.zone, device=shown.device,
    )  # fmt: skip


def _silences(connection: Connection, records: Sequence[Suppression]) -> list[shapes.HandoverSilence]:
    institutions = {
        each.id: each for each in directory.institutions(connection, {each.institution_id for each in records})
    }
    zones = directory.zones(connection, {each.zone_id for each in records if each.zone_id is not None})
    devices = directory.devices(connection, {each.device_id for each in records if each.device_id is not None})
    zone_of, device_of = {each.id: each for each in zones}, {each.id: each for each in devices}
    shown = []
    for each in records:
        zone, device = zone_of.get(each.zone_id or 0), device_of.get(each.device_id or 0)
        shown.append(
            shapes.HandoverSilence(
                means=each.means,
                kind=each.alert_kind,
                institution=schemas.AlertInstitution.model_validate(institutions[each.institution_id]),
                zone=schemas.AlertZone.model_validate(zone) if zone else None,
                device=schemas.AlertDevice.model_validate(device) if device else None,
                reason=each.reason,
                from_at=each.from_at,
                until_at=each.until_at,
            )
        )
    return shown


def _hazards(
    connection: Connection, ids: Collection[int] | None, since: datetime, now: datetime
) -> list[shapes.HandoverHazard]:
    """Those reported since, the newest first; the ledger's list is in the order of its numbers."""
    newest = hazard_list_store.Filter(hazard_list_store.Which.ALL, within=ids)
    policy = operate.policy_in_force(connection)
    found, _ = hazard_list_store.page(connection, newest, None, _HAZARDS_LOOKED_AT_MAX, now, policy)
    return [
        shapes.HandoverHazard(
            id=str(each.id), no=each.no, title=each.title, level=each.level, reported_at=each.reported_at
        )
        for each in found
        if each.reported_at >= since
    ]
