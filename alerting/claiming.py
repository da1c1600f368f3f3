"""What a person changes in the registry, and its record in the ledger, in one transaction: a new institution or zone,
registering what was reporting without being registered, and a device's dates."""

from datetime import date
from typing import Any

from alerting.ledger_store import record_act
from ingest import claim_store, device_store, place_store
from ingest.claim import Claim
from ingest.database import Connection
from ingest.place import NewInstitution, NewZone


def add_institution(connection: Connection, wanted: NewInstitution, actor: str) -> int:
    """Put an institution into the registry, in the caller's transaction; its id. Raises what
    place_store.add_institution raises."""
    institution_id = place_store.add_institution(connection, wanted)
    record_act(
        connection,
        actor=actor,
        verb="add_institution",
        subject=f"institution:{institution_id}",
        institution_id=institution_id,
        body={"code": wanted.code, "name": wanted.name.strip(), "kind": wanted.kind, "region": wanted.region},
    )
    return institution_id


def add_zone(connection: Connection, institution_id: int, wanted: NewZone, actor: str) -> int:
    """Put a zone into the registry, in the caller's transaction; its id. Raises what place_store.add_zone raises."""
    zone_id = place_store.add_zone(connection, institution_id, wanted)
    record_act(
        connection,
        actor=actor,
        verb="add_zone",
        subject=f"zone:{zone_id}",
        institution_id=institution_id,
        body={"code": wanted.code, "name": wanted.name.strip(), "kind": wanted.kind, "floor": wanted.floor},
    )
    return zone_id


def claim(connection: Connection, institution_id: int, wanted: Claim, actor: str) -> int:
    """Register the device, in the caller's transaction; its id. Raises what claim_store.register raises."""
    device_id = claim_store.register(connection, institution_id, wanted)
    record_act(
        connection,
        actor=actor,
        verb="claim_device",
        subject=f"device:{device_id}",
        institution_id=institution_id,
        body={
            "code": wanted.code,
            "address": wanted.address,
            "zone_id": wanted.zone_id,
            "name": wanted.name.strip(),
            "kind": wanted.kind,
            "model": wanted.model.strip(),
            "report_interval_s": wanted.report_interval_s,
            "quantities": list(wanted.quantities),
            "wear": wanted.wear,
            **_dates(wanted.installed_on, wanted.test_due_on),
        },
    )
    return device_id


def claim_quantities(
    connection: Connection, institution_id: int, device_id: int, quantities: tuple[str, ...], actor: str
) -> None:
    """Register more of what the device measures, in the caller's transaction. Raises what claim_store.extend raises."""
    code = claim_store.extend(connection, institution_id, device_id, quantities)
    record_act(
        connection,
        actor=actor,
        verb="claim_quantities",
        subject=f"device:{device_id}",
        institution_id=institution_id,
        body={"code": code, "quantities": list(quantities)},
    )


def set_dates(
    connection: Connection,
    institution_id: int,
    device_id: int,
    installed_on: date | None,
    test_due_on: date | None,
    actor: str,
) -> None:
    """Say when a device was put up and when it has to be tested next, in the caller's transaction. Raises what
    device_store.set_dates raises."""
    code = device_store.set_dates(connection, institution_id, device_id, installed_on, test_due_on)
    record_act(
        connection,
        actor=actor,
        verb="set_device_dates",
        subject=f"device:{device_id}",
        institution_id=institution_id,
        body={"code": code, **_dates(installed_on, test_due_on)},
    )


def _dates(installed_on: date | None, test_due_on: date | None) -> dict[str, Any]:
    return {
        "installed_on": installed_on.isoformat() if installed_on else None,
        "test_due_on": test_due_on.isoformat() if test_due_on else None,
    }
