"""From records to the shapes people see: alerts with the names of their places, institutions with their figures."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from alerting import listing, suppression_store
from alerting.alert import Alert, AlertEvent
from alerting.suppression import Reason, Suppression, quiet_until, why_quiet
from dashboard import condition, present_desk, schemas
from ingest import directory, history
from ingest.database import Connection
from ingest.device_store import DueTest
from ingest.directory import DeviceEntry, InstitutionEntry
from ingest.registry import Device, Zone


@dataclass(frozen=True, slots=True)
class Places:
    """The names of places, by id."""

    institutions: Mapping[int, InstitutionEntry]
    zones: Mapping[int, Zone]
    devices: Mapping[int, Device]


class Quiet(NamedTuple):
    """Why an alert calls nobody, and until when if that is known; both None where it calls."""

    reason: Reason | None
    until: datetime | None


CALLS = Quiet(None, None)


def quiet(record: Alert, suppressions: Collection[Suppression], hiding: Iterable[Alert], now: datetime) -> Quiet:
    """Whether `record` is kept quiet at `now`; `hiding` are the alerts of its institution that may do so."""
    if not record.open:
        return CALLS
    reason = why_quiet(record, suppressions, hiding, now)
    return Quiet(reason, quiet_until(record, suppressions, now)) if reason else CALLS


def alerts(connection: Connection, records: Sequence[Alert], now: datetime) -> list[schemas.Alert]:
    """`records` with the names of their places, in their order."""
    if not records:
        return []
    sources = {record.source for record in records}
    institution_ids = {source.institution_id for source in sources if source.institution_id is not None}
    zones = directory.zones(connection, {source.zone_id for source in sources if source.zone_id is not None})
    devices = directory.devices(connection, {source.device_id for source in sources if source.device_id is not None})
    places = Places(
        {each.id: each for each in directory.institutions(connection, institution_ids)},
        {each.id: each for each in zones},
        {each.id: each for each in devices},
    )
    suppressions: list[Suppression] = []
    hiding: list[Alert] = []
    if any(record.open for record in records):
        suppressions = suppression_store.in_force_or_planned(connection, now)
        hiding = listing.hiding_at(connection, institution_ids)
    return [alert(record, places, quiet(record, suppressions, hiding, now)) for record in records]


def alert_detail(
    connection: Connection,
    record: Alert,
    events: Iterable[tuple[int, datetime, AlertEvent]],
    now: datetime,
    *,
    residents: bool,
) -> schemas.AlertDetail:
    """An alert with its history, and what to do about it; with `residents` also how many people cannot walk."""
    [shown] = alerts(connection, [record], now)
    history = list(events)
    return schemas.AlertDetail(
        **{name: getattr(shown, name) for name in schemas.Alert.model_fields},
        events=[event(*each) for each in history],
        plan=present_desk.alert_plan(connection, record, residents=residents),
        flapping=present_desk.alert_flapping([each for _, _, each in history], now),
    )


def institutions(connection: Connection, ids: Collection[int] | None = None) -> list[schemas.Institution]:
    """These institutions, or all, the worst first."""
    entries = directory.institutions(connection, ids)
    shown = _institutions(entries, listing.open_groups(connection, ids))
    return sorted(shown, key=worst_first)


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


def alert(record: Alert, places: Places, standing: Quiet) -> schemas.Alert:
    """An alert with the names of its places; of one that is not known there is none to show."""
    source = record.source
    institution = places.institutions.get(source.institution_id) if source.institution_id is not None else None
    zone = places.zones.get(source.zone_id) if source.zone_id is not None else None
    device = places.devices.get(source.device_id) if source.device_id is not None else None
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
        institution=schemas.AlertInstitution.model_validate(institution) if institution else None,
        zone=schemas.AlertZone.model_validate(zone) if zone else None,
        device=schemas.AlertDevice.model_validate(device) if device else None,
        unclaimed=source.unclaimed,
        onset_at=record.onset_at,
        raised_at=record.raised_at,
        cleared_at=record.cleared_at,
        acknowledged_at=record.acknowledged_at,
        acknowledged_by=record.acknowledged_by,
        reset_at=record.reset_at,
        rules=sorted(record.rules),
        evidence=dict(record.evidence),
        drill=record.drill,
        called_at=record.called_at,
        quiet=standing.reason,
        quiet_until=standing.until,
    )


def event(number: int | None, recorded_at: datetime | None, record: AlertEvent) -> schemas.AlertEvent:
    """An entry of the log; one that the database does not have yet has no number and no time of recording."""
    return schemas.AlertEvent(
        id=number,
        verb=record.verb,
        at=record.at,
        recorded_at=recorded_at,
        priority=record.priority,
        rule=record.rule,
        actor=record.actor,
        note=record.note,
        evidence=dict(record.evidence),
    )


def groups_of(records: Iterable[Alert]) -> list[listing.OpenGroup]:
    """Open alerts counted as listing.open_groups counts them: without drills."""
    counted = Counter(
        (each.source.institution_id, each.source.device_id is None, each.kind, each.priority, each.active)
        for each in records
        if not each.drill
    )
    return [listing.OpenGroup(*sort, count) for sort, count in counted.items()]


def _institutions(
    entries: Iterable[InstitutionEntry], groups: Iterable[listing.OpenGroup]
) -> list[schemas.Institution]:
    by_institution: dict[int, list[listing.OpenGroup]] = {}
    for group in groups:
        if group.institution_id is not None:
            by_institution.setdefault(group.institution_id, []).append(group)
    return [institution(entry, by_institution.get(entry.id, [])) for entry in entries]


def institution(entry: InstitutionEntry, groups: Iterable[listing.OpenGroup]) -> schemas.Institution:
    """An institution at a glance, from its open alerts."""
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


def worst_first(shown: schemas.Institution) -> tuple[int, int, int, int, str]:
    """The order of institutions."""
    counts = shown.open_alerts
    return shown.state.rank, -counts.critical, -counts.high, -counts.medium, shown.code


def _devices(connection: Connection, institution_id: int, entries: Sequence[DeviceEntry]) -> list[schemas.Device]:
    conditions, otherwise = condition.of_devices(listing.open_at(connection, institution_id))
    return devices(connection, entries, {entry.id: conditions.get(entry.id, otherwise) for entry in entries})


def devices(
    connection: Connection, entries: Sequence[DeviceEntry], conditions: Mapping[int, condition.Condition]
) -> list[schemas.Device]:
    """`entries` with their points and last values, in their order."""
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
            state=conditions[entry.id],
            points=by_device.get(entry.id, []),
            installed_on=entry.installed_on,
            test_due_on=entry.test_due_on,
        )
        for entry in entries
    ]


def due_tests(connection: Connection, found: Sequence[DueTest], today: date) -> schemas.DueTests:
    """`found` with the names of their places, in their order."""
    institutions = {each.id: each for each in directory.institutions(connection, {one.institution_id for one in found})}
    zones = {each.id: each for each in directory.zones(connection, {one.zone_id for one in found})}
    devices = {each.id: each for each in directory.devices(connection, {one.device_id for one in found})}
    items = [
        schemas.DueTest(
            institution=schemas.AlertInstitution.model_validate(institutions[each.institution_id]),
            zone=schemas.AlertZone.model_validate(zones[each.zone_id]),
            device=schemas.AlertDevice.model_validate(devices[each.device_id]),
            installed_on=each.installed_on,
            test_due_on=each.test_due_on,
            days_left=(each.test_due_on - today).days,
        )
        for each in found
    ]
    return schemas.DueTests(items=items)


def suppressions(connection: Connection, records: Sequence[Suppression]) -> list[schemas.Suppression]:
    """`records` with the names of their places, in their order."""
    if not records:
        return []
    found = directory.institutions(connection, {record.institution_id for record in records})
    institutions = {each.id: schemas.AlertInstitution.model_validate(each) for each in found}
    zone_ids = {record.zone_id for record in records if record.zone_id is not None}
    zones = {each.id: schemas.AlertZone.model_validate(each) for each in directory.zones(connection, zone_ids)}
    device_ids = {record.device_id for record in records if record.device_id is not None}
    devices = {each.id: schemas.AlertDevice.model_validate(each) for each in directory.devices(connection, device_ids)}
    return [
        schemas.Suppression(
            id=record.id,
            means=record.means,
            institution=institutions[record.institution_id],
            zone=zones[record.zone_id] if record.zone_id is not None else None,
            device=devices[record.device_id] if record.device_id is not None else None,
            alert_kind=record.alert_kind,
            reason=record.reason,
            actor=record.actor,
            from_at=record.from_at,
            until_at=record.until_at,
            ended_at=record.ended_at,
        )
        for record in records
    ]
