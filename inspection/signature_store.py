"""Signed versions of the monthly ledger: what was signed, by whom and when. Only ever appended to."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from alerting.ledger_store import record_act
from alerting.people import Person, Scope
from ingest.database import Connection
from inspection.canonical import canonical
from inspection.errors import SignatureRefused, VersionUnknown
from inspection.report_ledger import Ledger

_SERIES_LOCK: Final = 0x5349474E  # one version follows another
_SELECT: Final = (
    "SELECT id, version, encode(sha256, 'hex'), made_at, first_day, last_day, institution_id, region"
    " FROM report_versions"
)
_OF_SERIES: Final = (
    " WHERE kind = 'ledger' AND first_day = %(first)s AND last_day = %(last)s AND region = %(region)s"
    " AND institution_id IS NOT DISTINCT FROM %(institution_id)s"
)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed a version, under which name, and when."""

    person_id: int
    name: str
    signed_at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Version:
    """A content that was signed; `sha256` in hex."""

    id: int
    version: int
    sha256: str
    made_at: datetime
    first: date
    last: date
    scope: Scope
    signatures: tuple[Signature, ...]


def versions(connection: Connection, first: date, last: date, scope: Scope) -> list[Version]:
    """What was signed of one ledger, the newest version first."""
    rows = connection.execute(
        f"{_SELECT}{_OF_SERIES} ORDER BY version DESC".encode(), _series(first, last, scope)
    ).fetchall()
    return [_version(connection, row) for row in rows]


def version(connection: Connection, version_id: int) -> tuple[Version, Ledger]:
    """A signed version with its content. Raises VersionUnknown."""
    row = connection.execute(f"{_SELECT} WHERE id = %s".encode(), (version_id,)).fetchone()
    if row is None:
        raise VersionUnknown(f"there is no signed version {version_id}")
    return _version(connection, row), content(connection, version_id)


def content(connection: Connection, version_id: int) -> Ledger:
    """What was signed. Raises VersionUnknown."""
    row = connection.execute("SELECT content FROM report_versions WHERE id = %s", (version_id,)).fetchone()
    if row is None:
        raise VersionUnknown(f"there is no signed version {version_id}")
    return Ledger.read(json.loads(row[0]))


def lock(connection: Connection) -> None:
    """Let nobody else sign until the caller's transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SERIES_LOCK,))


def sign(connection: Connection, made: Ledger, scope: Scope, who: Person, actor: str, note: str) -> Version:
    """Put a signature on record, in the caller's transaction and under `lock`, with an act in the ledger of acts. The
    content is a new version where it differs from the newest one. Raises SignatureRefused for whoever has signed it."""
    first, last = date.fromisoformat(made.first), date.fromisoformat(made.last)
    known = versions(connection, first, last, scope)
    if known and known[0].sha256 == made.sha256:
        version_id, number = known[0].id, known[0].version
        if any(each.person_id == who.id for each in known[0].signatures):
            raise SignatureRefused("you have signed this version already")
    else:
        number = known[0].version + 1 if known else 1
        version_id = _insert(connection, made, number, _series(first, last, scope))
    connection.execute(
        "INSERT INTO report_signatures (version_id, person_id, name, actor, note) VALUES (%s, %s, %s, %s, %s)",
        (version_id, who.id, who.name, actor, note),
    )
    body = {
        "kind": "ledger", "first": made.first, "last": made.last, "region": scope.region, "version": number,
        "sha256": made.sha256, "note": note, "person_id": who.id,
    }  # fmt: skip
    record_act(
        connection, actor=actor, verb="sign_report", subject=f"report_version:{version_id}",
        institution_id=scope.institution_id, body=body,
    )  # fmt: skip
    return version(connection, version_id)[0]


def _insert(connection: Connection, made: Ledger, number: int, series: dict[str, Any]) -> int:
    row = connection.execute(
        "INSERT INTO report_versions (kind, first_day, last_day, institution_id, region, version, sha256, content)"
        " VALUES ('ledger', %(first)s, %(last)s, %(institution_id)s, %(region)s, %(version)s, %(sha256)s, %(content)s)"
        " RETURNING id",
        {
            **series,
            "version": number,
            "sha256": bytes.fromhex(made.sha256),
            "content": canonical(made.content()).decode(),
        },
    ).fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    return int(row[0])


def _series(first: date, last: date, scope: Scope) -> dict[str, Any]:
    return {"first": first, "last": last, "region": scope.region, "institution_id": scope.institution_id}


def _version(connection: Connection, row: tuple[Any, ...]) -> Version:
    signatures = connection.execute(
        "SELECT person_id, name, signed_at, note FROM report_signatures WHERE version_id = %s ORDER BY id", (row[0],)
    )
    number, version_no, sha256, made_at, first, last, institution_id, region = row
    return Version(
        number, version_no, sha256, made_at, first, last, Scope(institution_id, region),
        tuple(Signature(*each) for each in signatures),
    )  # fmt: skip
