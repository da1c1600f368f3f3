"""From records to the list of devices that people see."""

from collections.abc import Collection, Sequence
from datetime import datetime

from alerting import listing, suppression_store
from alerting.alert import Alert, Kind
from alerting.device_list import Row
from alerting.suppression import Suppression
from dashboard import condition, present, schemas
from dashboard.schemas import device_list as shapes
from ingest import battery_store, directory
from ingest.claim_store import HeardAt
from ingest.database import Connection
from ingest.directory import DeviceEntry

_OF_ITSELF = frozenset({Kind.OFFLINE, Kind.LOW_BATTERY, Kind.SENSOR_FAULT})


def rows(connection: Connection, found: Sequence[Row], now: datetime) -> list[shapes.DeviceRow]:
    """`found` with everything that is shown of them, in their order."""
    entries = {each.id: each for each in directory.devices(connection, [row.device_id for row in found])}
    homes = {each.institution_id for each in entries.values()}
    institutions = {each.id: each for each in directory.institutions(connection, homes)}
    zones = {each.id: each for each in directory.zones(connection, {each.zone_id for each in entries.values()})}
    alerts = [each for each in listing.open_of(connection, entries.keys(), homes) if not each.drill]
    quiet = [each for each in suppression_store.in_force_or_planned(connection, now) if each.in_force(now)]
    shown = {
        each.id: each
        for each in present.devices(connection, list(entries.values()), _conditions(entries.values(), alerts))
    }
    points = {each.id: next((p.id for p in each.points if p.quantity == "battery"), 0) for each in shown.values()}
    batteries = battery_store.outlooks(connection, [each for each in points.values() if each])
    return [
        shapes.DeviceRow(
            device=shown[row.device_id],
            institution=schemas.AlertInstitution.model_validate(institutions[entries[row.device_id].institution_id]),
            zone=schemas.AlertZone.model_validate(zones[entries[row.device_id].zone_id]),
            since=row.since,
            troubles=_troubles(entries[row.device_id], alerts),
            silence=_silence(entries[row.device_id], quiet),
            battery=shapes.BatteryState.model_validate(batteries[points[row.device_id]])
            if points[row.device_id] in batteries
            else None,
        )
        for row in found
        if row.device_id in entries
    ]


def unclaimed(connection: Connection, found: Sequence[HeardAt]) -> list[shapes.UnclaimedAt]:
    """`found` with the names of their institutions, in their order."""
    homes = {each.id: each for each in directory.institutions(connection, {each.institution_id for each in found})}
    return [
        shapes.UnclaimedAt(
            institution=schemas.AlertInstitution.model_validate(homes[each.institution_id]),
            device=each.device,
            last_seen_at=each.last_seen_at,
        )
        for each in found
    ]


def _conditions(entries: Collection[DeviceEntry], alerts: Sequence[Alert]) -> dict[int, condition.Condition]:
    found: dict[int, condition.Condition] = {}
    for home in {each.institution_id for each in entries}:
        own = [each for each in alerts if each.source.institution_id == home]
        conditions, otherwise = condition.of_devices(own)
        found |= {each.id: conditions.get(each.id, otherwise) for each in entries if each.institution_id == home}
    return found


def _troubles(entry: DeviceEntry, alerts: Sequence[Alert]) -> list[shapes.Trouble]:
    return [
        shapes.Trouble(
            kind=each.kind,
            since=each.onset_at,
            whole=each.source.device_id is None,
            text_zh=str(each.evidence.get("text_zh", "")),
            text_en=str(each.evidence.get("text_en", "")),
        )
        for each in sorted(alerts, key=lambda alert: alert.onset_at)
        if (
            each.source.device_id == entry.id
            and each.kind in _OF_ITSELF
            and (each.active or each.kind is not Kind.OFFLINE)
        )
        or (
            each.source.device_id is None
            and each.source.unclaimed is None
            and each.source.institution_id == entry.institution_id
            and each.kind is Kind.OFFLINE
            and each.active
        )
    ]


def _silence(entry: DeviceEntry, quiet: Sequence[Suppression]) -> shapes.Silence | None:
    """Of several the one that is over last."""
    mine = [
        each
        for each in quiet
        if each.institution_id == entry.institution_id
        and each.zone_id in (None, entry.zone_id)
        and each.device_id in (None, entry.id)
    ]
    last = max(mine, key=lambda each: each.until_at, default=None)
    return shapes.Silence.model_validate(last) if last else None
