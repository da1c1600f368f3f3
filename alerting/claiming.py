"""A person registers what was reporting without being registered: the registry and the ledger in one transaction."""

from alerting.ledger_store import record_act
from ingest import claim_store
from ingest.claim import Claim
from ingest.database import Connection


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
            "zone_id": wanted.zone_id,
            "name": wanted.name.strip(),
            "kind": wanted.kind,
            "model": wanted.model.strip(),
            "report_interval_s": wanted.report_interval_s,
            "quantities": list(wanted.quantities),
            "wear": wanted.wear,
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
