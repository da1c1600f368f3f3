"""The audit trail (审计): what people did and which personal data they read, for those who answer for it."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from alerting.people import Right
from dashboard import audit_store, cursors, schemas
from dashboard.access import Permit, Reach, Serving
from dashboard.audit_store import Entry, Position, Source, Wanted
from dashboard.errors import BadRequest
from dashboard.personal import Personal, note_read, of_scope
from dashboard.schemas import audit as shapes
from ingest import directory
from ingest.database import Connection
from ingest.reading import from_us, to_us

router = APIRouter(prefix="/audit", tags=["audit"])

Auditing = Annotated[Reach, Depends(Permit(Right.VIEW_AUDIT))]
EXPORTED_COUNT_MAX: Final = 10_000
_HEADINGS: Final = {
    "zh": ("时间（UTC）", "来源", "账号", "姓名", "行为", "对象", "机构", "来自", "说明", "内容"),
    "en": ("at (UTC)", "source", "actor", "name", "verb", "subject", "institution", "from", "note", "content"),
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # with which a cell would begin to calculate


def _narrowed(
    source: Source | None = None,
    who: Annotated[schemas.Text, Query(max_length=100, description="part of the user name or of the name")] = "",
    what: Annotated[schemas.Text, Query(max_length=60, description="the verb of an entry")] = "",
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to", description="not itself")] = None,
    institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Wanted:
    if any(each is not None and each.tzinfo is None for each in (since, until)):
        raise BadRequest("a time needs its offset from UTC")
    return Wanted(None, source, institution_id, who, what, since, until)


Narrowed = Annotated[Wanted, Depends(_narrowed)]


@router.get("", summary="The audit trail", response_model=shapes.AuditPage)
def list_entries(
    serving: Serving,
    reach: Auditing,
    wanted: Narrowed,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> shapes.AuditPage:
    """Of institutions within reach, the newest first; what concerns the service itself only for those who are
    responsible for everything."""
    after = _position(cursor) if cursor else None
    with serving.reading() as connection:
        entries, more = audit_store.page(connection, _within(connection, reach, wanted), after, limit)
        items = _shown(connection, entries)
        chained, signed_at = audit_store.chain_head(connection)
    return shapes.AuditPage(
        items=items,
        next_cursor=_cursor(entries[-1]) if more else None,
        chained=chained,
        last_checkpoint_at=signed_at,
    )


@router.get(
    "/file", summary="The audit trail as CSV", response_class=Response, responses={200: {"content": {"text/csv": {}}}}
)
def export(
    serving: Serving,
    reach: Auditing,
    wanted: Narrowed,
    lang: schemas.Language = "zh",
    reason: Annotated[schemas.Text, Query(max_length=200, description="what it is for; kept in the trail")] = "",
) -> Response:
    """What the page shows with these filters, the newest 10,000 entries. The export is an entry itself."""
    with serving.recording() as connection:
        note_read(connection, serving, reach, Personal.AUDIT_EXPORT, *of_scope(reach), reason=reason.strip())
        entries, _ = audit_store.page(connection, _within(connection, reach, wanted), None, EXPORTED_COUNT_MAX)
        body = _csv(_shown(connection, entries), lang)
    return Response(
        body, media_type="text/csv; charset=utf-8", headers={"content-disposition": 'attachment; filename="audit.csv"'}
    )


def _within(connection: Connection, reach: Reach, wanted: Wanted) -> Wanted:
    """Narrowed to what is within reach. Raises NotFound for an institution that is not."""
    if wanted.institution_id is not None:
        reach.demand_institution(connection, wanted.institution_id)
    ids = reach.institution_ids(connection)
    return Wanted(ids, wanted.source, wanted.institution_id, wanted.who, wanted.what, wanted.since, wanted.until)


def _shown(connection: Connection, entries: Iterable[Entry]) -> list[shapes.AuditEntry]:
    entries = list(entries)
    ids = {each.institution_id for each in entries if each.institution_id is not None}
    places = {
        each.id: schemas.AlertInstitution.model_validate(each) for each in directory.institutions(connection, ids)
    }
    return [
        shapes.AuditEntry(
            source=each.source, id=each.id, at=each.at, actor=each.actor, name=each.name, verb=each.verb,
            subject=each.subject, institution=places.get(each.institution_id or 0), address=each.address,
            reason=each.reason, body=dict(each.body),
        )
        for each in entries
    ]  # fmt: skip


def _csv(entries: Iterable[shapes.AuditEntry], lang: str) -> bytes:
    """With the mark by which spreadsheets know UTF-8."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(_HEADINGS[lang])
    for each in entries:
        table.writerow(map(_harmless, _cells(each, lang)))
    return written.getvalue().encode("utf-8-sig")


def _cells(each: shapes.AuditEntry, lang: str) -> Iterator[str]:
    place = each.institution
    yield schemas.iso(each.at)
    yield each.source.value
    yield each.actor
    yield each.name or ""
    yield each.verb
    yield each.subject
    yield ((place.name_en or place.name) if lang == "en" else place.name) if place is not None else ""
    yield each.address
    yield each.reason
    yield json.dumps(each.body, ensure_ascii=False, sort_keys=True) if each.body else ""


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _cursor(last: Entry) -> str:
    return cursors.encode(to_us(last.at), last.source.value, last.id)


def _position(cursor: str) -> Position:
    """Raises BadRequest."""
    at_us, source, number = cursors.decode(cursor, int, str, int)
    with cursors.of_this_list():
        if not 0 <= number < 2**63:
            raise ValueError(number)
        return Position(from_us(at_us), Source(source), number)
