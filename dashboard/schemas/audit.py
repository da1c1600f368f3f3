"""The audit trail: who did what, and who read which personal data."""

from typing import Any

from dashboard.audit_store import Source
from dashboard.schemas.alerts import AlertInstitution
from dashboard.schemas.base import Moment, Shape


class AuditEntry(Shape):
    """One thing somebody did or read. `name` is null for who is out of reach; `address` is where a read came from,
    `reason` why it was read or what was said with the act."""

    source: Source
    id: int
    at: Moment
    actor: str
    name: str | None
    verb: str
    subject: str
    institution: AlertInstitution | None
    address: str
    reason: str
    body: dict[str, Any]


class AuditPage(Shape):
    """A page of the trail, the newest first; and how long the ledger's chain is, and when its head was last signed."""

    items: list[AuditEntry]
    next_cursor: str | None
    chained: int
    last_checkpoint_at: Moment | None
