"""The ledger: whether the record of alarms is what it was."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends

from alerting import ledger_store
from alerting.ledger import Entry, Fault, Finding, verify
from alerting.people import Right
from dashboard import schemas
from dashboard.access import Permit, Reach, Serving
from dashboard.errors import Busy

router = APIRouter(prefix="/ledger", tags=["ledger"])

Overseeing = Annotated[Reach, Depends(Permit(Right.VIEW_LEDGER, everywhere=True))]
_FAULTS_MAX = 1000


@router.get("/verify", summary="Check every record against the chain", response_model=schemas.LedgerCheck)
def verify_ledger(serving: Serving, _reach: Overseeing) -> schemas.LedgerCheck:
    """Reads everything, which takes seconds for every hundred thousand records; one such check runs at a time. The key
    that signed is taken from the checkpoints: `anhu ledger verify` holds them against the key on the machine."""
    records = 0

    def counted(entries: Iterator[Entry]) -> Iterator[Entry]:
        nonlocal records
        for entry in entries:
            records += 1
            yield entry

    if not serving.ledger_check.acquire(blocking=False):
        raise Busy
    try:
        with serving.reading() as connection:
            checkpoints = ledger_store.checkpoints(connection)
            faults = list(verify(counted(ledger_store.entries(connection)), checkpoints, None))
            for source, row_id in ledger_store.unchained(connection):
                faults.append(Finding(Fault.INSERTED, None, source, row_id, "the record is not in the chain"))
    finally:
        serving.ledger_check.release()
    return schemas.LedgerCheck(
        records=records,
        faults=[schemas.LedgerFault.model_validate(fault) for fault in faults[:_FAULTS_MAX]],
        fault_count=len(faults),
        last_checkpoint_at=max((each.at for each in checkpoints), default=None),
    )
