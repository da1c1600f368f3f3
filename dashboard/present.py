"""From records to the shapes people see: alerts with the names of their places, institutions with their figures."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerting import listing
from alerting.alert import Alert, AlertEvent
from alerting.feed import Entry, Snapshot
from dashboard import condition, schemas
from ingest import directory, history
from ingest.database import Connection
from ingest.directory import DeviceEntry, InstitutionEntry, ZoneEntry


@dataclass(frozen=True, slots=True)
class _Places:
    institutions: dict[int, InstitutionEntry]
    zones: dict[int, ZoneEntry]
    devices: dict[int, DeviceEntry]


def alerts(connection: Connection, records: Sequence[Alert]) -> list[schemas.Alert]:
    """`records` with the names of their places, in their order."""
    institution_ids = {record.source.institution_id for record in records}
    places = _places(connection, records, directory.institutions(connection, institution_ids) if records else [])
    return [_alert(record, places) for record in records]


def alert_detail(
    connection: Connection, record: Alert, events: Iterable[tuple[int, datetime, AlertEvent]]
) -> schemas.AlertDetail:
    """An alert with its history."""
    [shown] = alerts(connection, [record])
    return schemas.AlertDetail(
        **{name: getattr(shown, name) for name in schemas.Alert.model_fields}, events=[_event(*each) for each in events]
    )


def institutions(connection: Connection, ids: Collection[int] | None = None) -> list[schemas.Institution]:
    """These institutions, or all, the worst first."""
    entries = directory.institutions(connection, ids)
    shown = _institutions(entries, listing.open_groups(connection, ids))
    return sorted(shown, key=_worst_first)


def institution_detail(connection: Connection, institution_id: int) -> schemas.InstitutionDetail | None:
    """One institution with its zones, devices and last values; None where there is none."""
    found = institutions(connection, [institution_id])
    if not found:
        return None
    by_zone: dict[int, list[schemas.Device]] = {}
    for device in _devices(connection, institution_id, directory.devices_of(connection, institution_id)):
        by_zone.setdefault(device.zone_id, []).append(device)
    zones = [
        schemas.Zone(
            id=zone.id, code=zone.code, name=zone.name, name_en=zone.name_en, kind=zone.kind, floor=zone.floor,
            devices=by_zone.get(zone.id, []),
        )
        for zone in directory.zones_of(connection, institution_id)
    ]  # fmt: skip
    [shown] = found
    return schemas.InstitutionDetail(
        **{name: getattr(shown, name) for name in schemas.Institution.model_fields}, zones=zones
    )


def device(connection: Connection, device_id: int) -> schemas.Device | None:
    """One device with its points and last values; None where there is none."""
    found = directory.devices(connection, [device_id])
    return _devices(connection, found[0].institution_id, found)[0] if found else None


def snapshot_frame(connection: Connection, taken: Snapshot, now: datetime) -> str:
    """The frame a client begins with. The institutions are read after the snapshot: they are never older than it."""
    entries = directory.institutions(connection)
    groups = listing.open_groups(connection)
    places = _places(connection, taken.alerts, entries)
    return schemas.SnapshotFrame(
        cursor=taken.cursor,
        server_time=now,
        alerts=[_alert(record, places) for record in taken.alerts],
        institutions=sorted(_institutions(entries, groups), key=_worst_first),
    ).model_dump_json()


def alert_frames(connection: Connection, entries: Sequence[Entry]) -> list[str]:
    """The frames of these entries of the event log, in their order; one set of questions for all of them."""
    records = [entry.alert for entry in entries]
    ids = {record.source.institution_id for record in records}
    found = directory.institutions(connection, ids)
    summaries = {shown.id: shown for shown in _institutions(found, listing.open_groups(connection, ids))}
    places = _places(connection, records, found)
    return [
        schemas.AlertFrame(
            cursor=entry.cursor,
            event=_event(entry.cursor, entry.recorded_at, entry.event),
            alert=_alert(entry.alert, places),
            institution=summaries[entry.alert.source.institution_id],
        ).model_dump_json()
        for entry in entries
    ]


def _places(connection: Connection, records: Iterable[Alert], found: Iterable[InstitutionEntry]) -> _Places:
    sources = {record.source for record in records}
    zones = directory.zones(connection, {source.zone_id for source in sources if source.zone_id is not None})
    devices = directory.devices(connection, {source.device_id for source in sources if source.device_id is not None})
    return _Places(
        {each.id: each for each in found}, {each.id: each for each in zones}, {each.id: each for each in devices}
    )


def _alert(record: Alert, places: _Places) -> schemas.Alert:
    source = record.source
    zone = places.zones[source.zone_id] if source.zone_id is not None else None
    device = places.devices[source.device_id] if source.device_id is not None else None
    return schemas.Alert(
        id=record.id,
        kind=record.kind,
        priority=record.priority,
        state=record.state,
        open=record.open,
        active=record.active,
        acknowledged=record.acknowledged,
        latching=record.latching,
        latched=record.latched,
        version=record.version,
        occurrences=record.occurrences,
        institution=schemas.AlertInstitution.model_validate(places.institutions[source.institution_id]),
        zone=schemas.AlertZone.model_validate(zone) if zone else None,
        device=schemas.AlertDevice.model_validate(device) if device else None,
        onset_at=record.onset_at,
        raised_at=record.raised_at,
        cleared_at=record.cleared_at,
        acknowledged_at=record.acknowledged_at,
        acknowledged_by=record.acknowledged_by,
        reset_at=record.reset_at,
        rules=sorted(record.rules),
        evidence=dict(record.evidence),
    )


def _event(number: int, recorded_at: datetime, event: AlertEvent) -> schemas.AlertEvent:
    return schemas.AlertEvent(
        id=number,
        verb=event.verb,
        at=event.at,
        recorded_at=recorded_at,
        priority=event.priority,
        rule=event.rule,
        actor=event.actor,
        note=event.note,
        evidence=dict(event.evidence),
    )


def _institutions(
    entries: Iterable[InstitutionEntry], groups: Iterable[listing.OpenGroup]
) -> list[schemas.Institution]:
    by_institution: dict[int, list[listing.OpenGroup]] = {}
    for group in groups:
        by_institution.setdefault(group.institution_id, []).append(group)
    return [_institution(entry, by_institution.get(entry.id, [])) for entry in entries]


def _institution(entry: InstitutionEntry, groups: Iterable[listing.OpenGroup]) -> schemas.Institution:
    summary = condition.summarise(groups, entry.device_count)
    return schemas.Institution(
        id=entry.id,
        code=entry.code,
        name=entry.name,
        name_en=entry.name_en,
        kind=entry.kind,
        region=entry.region,
        device_count=entry.device_count,
        offline_count=summary.offline_count,
        open_alerts=schemas.OpenAlerts(**{priority.value: count for priority, count in summary.open_alerts.items()}),
        state=summary.condition,
    )


def _worst_first(shown: schemas.Institution) -> tuple[int, int, int, int, str]:
    counts = shown.open_alerts
    return shown.state.rank, -counts.critical, -counts.high, -counts.medium, shown.code


def _devices(connection: Connection, institution_id: int, entries: Sequence[DeviceEntry]) -> list[schemas.Device]:
    conditions, otherwise = condition.of_devices(listing.open_at(connection, institution_id))
    points = directory.points_of(connection, [entry.id for entry in entries])
    last = history.last_readings(connection, [point.id for point in points])
    by_device: dict[int, list[schemas.Point]] = {}
    seen: dict[int, datetime] = {}
    for point in points:
        newest = last.get(point.id)
        by_device.setdefault(point.device_id, []).append(
            schemas.Point(
                id=point.id,
                quantity=point.quantity,
                unit=point.unit,
                last_value=newest.value if newest else None,
                last_measured_at=newest.measured_at if newest else None,
            )
        )
        if newest:
            seen[point.device_id] = max(seen.get(point.device_id, newest.received_at), newest.received_at)
    return [
        schemas.Device(
            id=entry.id,
            code=entry.code,
            name=entry.name,
            kind=entry.kind,
            model=entry.model,
            zone_id=entry.zone_id,
            report_interval_s=entry.report_interval_s,
            last_seen_at=seen.get(entry.id),
            state=conditions.get(entry.id, otherwise),
            points=by_device.get(entry.id, []),
        )
        for entry in entries
    ]
