"""From records to the shapes of the export. Names of people, what they wrote about alerts, and photos are not in it."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from alerting.alert import Alert
from dashboard.schemas import export as shapes
from ingest import directory
from ingest.database import Connection
from inspection import export_store
from inspection.export import Cursor
from inspection.export_store import Event, Rated
from inspection.hazard import Hazard
from inspection.service_account import Collection


def alert_events(
    connection: Connection, events: Sequence[Event], alerts: Mapping[UUID, Alert]
) -> list[shapes.ExportAlertEvent]:
    """`events`, each with its alert."""
    known = alerts.values()
    places = _Places(
        connection, (each.source.institution_id for each in known), (each.source.zone_id for each in known),
        (each.source.device_id for each in known),
    )  # fmt: skip
    made = {number: _alert(each, places) for number, each in alerts.items()}
    return [
        shapes.ExportAlertEvent(
            cursor=str(Cursor(Collection.ALERTS, each.id)),
            event_id=each.event_id,
            verb=each.verb,
            at=each.at,
            recorded_at=each.recorded_at,
            alert=made[each.subject_id],
        )
        for each in events
    ]


def hazard_events(
    connection: Connection, events: Sequence[Event], hazards: Mapping[UUID, Hazard]
) -> list[shapes.ExportHazardEvent]:
    """`events`, each with its hazard."""
    known = hazards.values()
    places = _Places(
        connection, (each.institution_id for each in known), (each.zone_id for each in known),
        (each.device_id for each in known),
    )  # fmt: skip
    made = {number: _hazard(each, places) for number, each in hazards.items()}
    return [
        shapes.ExportHazardEvent(
            cursor=str(Cursor(Collection.HAZARDS, each.id)),
            event_id=each.event_id,
            verb=each.verb,
            at=each.at,
            recorded_at=each.recorded_at,
            passed=each.passed,
            note=each.note,
            hazard=made[each.subject_id],
        )
        for each in events
    ]


def ratings(connection: Connection, rated: Sequence[Rated]) -> list[shapes.ExportRating]:
    """`rated` with the institutions' names."""
    places = _Places(connection, (each.institution_id for each in rated), (), ())
    return [
        shapes.ExportRating(
            cursor=str(Cursor(Collection.RATINGS, each.run_id, each.institution_id)),
            run=each.run_id,
            institution=places.institutions[each.institution_id],
            as_of=each.as_of,
            policy=each.policy,
            policy_version=each.policy_version,
            score=each.score / 100,
            grade=each.grade,
            inspections_per_year=each.inspections_per_year,
        )
        for each in rated
    ]


class _Places:
    """Institutions, and the registry's codes of zones and devices, by id."""

    def __init__(
        self, connection: Connection, institutions: Iterable[int | None], zones: Iterable[int | None],
        devices: Iterable[int | None],
    ) -> None:  # fmt: skip
        found = directory.institutions(connection, _present(institutions))
        self.institutions = {each.id: shapes.ExportInstitution.model_validate(each) for each in found}
        self._zones = export_store.codes(connection, "zones", _present(zones))
        self._devices = export_store.codes(connection, "devices", _present(devices))

    def zone(self, zone_id: int | None) -> str | None:
        """The code of a zone."""
        return None if zone_id is None else self._zones[zone_id]

    def device(self, device_id: int | None) -> str | None:
        """The code of a device."""
        return None if device_id is None else self._devices[device_id]


def _alert(record: Alert, places: _Places) -> shapes.ExportAlert:
    if record.source.institution_id is None:
        raise ValueError("an alert about the service itself is not exported")
    return shapes.ExportAlert(
        id=record.id,
        institution=places.institutions[record.source.institution_id],
        zone=places.zone(record.source.zone_id),
        device=places.device(record.source.device_id),
        kind=record.kind,
        priority=record.priority,
        drill=record.drill,
        state=record.state,
        open=record.open,
        version=record.version,
        occurrences=record.occurrences,
        raised_at=record.raised_at,
        cleared_at=record.cleared_at,
        acknowledged_at=record.acknowledged_at,
        reset_at=record.reset_at,
    )


def _hazard(record: Hazard, places: _Places) -> shapes.ExportHazard:
    return shapes.ExportHazard(
        id=record.id,
        no=record.no,
        institution=places.institutions[record.institution_id],
        zone=places.zone(record.zone_id),
        device=places.device(record.device_id),
        origin=record.origin,
        category=record.category,
        level=record.level,
        supervisor=record.supervisor,
        title=record.title,
        clause=record.clause,
        checklist_id=record.checklist_id,
        item_id=record.item_id,
        state=record.state,
        version=record.version,
        reported_at=record.reported_at,
        deadline=record.deadline,
        rectified_at=record.rectified_at,
        rechecked_at=record.rechecked_at,
        closed_at=record.closed_at,
        failures=record.failures,
        extensions=record.extensions,
        occurrence=record.occurrence,
        repeat_of=record.repeat_of,
        proposal=record.proposal,
        alert_id=record.alert_id,
    )


def _present(ids: Iterable[int | None]) -> set[int]:
    return {each for each in ids if each is not None}
