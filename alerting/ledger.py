"""The hash chain over the alert records, so that a changed, removed or inserted one shows.

Entry n is SHA-256(hash of entry n−1 ‖ canonical text of its record); the first follows 32 zero bytes. Checkpoints sign
the head now and then with a key that is not in the database (Ed25519): who can rewrite the database can rewrite the
chain, but not what was signed. The law forbids altering alarm data (安全生产法 §36); this makes it visible.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

GENESIS: Final = bytes(32)


class Fault(StrEnum):
    """What verification found."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    CHECKPOINT_BROKEN = "checkpoint_broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: at which number of the chain, and which record."""

    fault: Fault
    no: int | None
    source: str
    row_id: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One link: its number, the record it stands for (None where that is gone) and its hash."""

    no: int
    source: str
    row_id: int
    record: Mapping[str, Any] | None
    hash: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed head of the chain."""

    no: int
    hash: bytes
    at: datetime
    public_key: bytes
    signature: bytes


def canonical(source: str, record: Mapping[str, Any]) -> bytes:
    """The record as text that is the same before it was stored and after it was read back.

    >>> canonical("acts", {"b": 1, "a": 1.0}) == canonical("acts", {"a": 1, "b": 1.0})
    True
    """
    return json.dumps([source, _plain(record)], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int() | float():
            return repr(float(value))  # jsonb does not keep 1.0 and 1 apart in every case
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case UUID():
            return str(value)
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case _:
            raise TypeError(f"a record cannot hold a {type(value).__name__}")


def link(previous: bytes, source: str, record: Mapping[str, Any]) -> bytes:
    """The hash of the entry for `record` after the one with hash `previous`."""
    return hashlib.sha256(previous + canonical(source, record)).digest()


def statement(no: int, digest: bytes, at: datetime) -> bytes:
    """What a checkpoint signs."""
    return f"anhu ledger {no} {digest.hex()} {at.astimezone(UTC).isoformat(timespec='microseconds')}".encode()


def sign(key: Ed25519PrivateKey, no: int, digest: bytes, at: datetime) -> Checkpoint:
    """A checkpoint of the head `no`, `digest`."""
    return Checkpoint(no, digest, at, key.public_key().public_bytes_raw(), key.sign(statement(no, digest, at)))


def verify(entries: Iterable[Entry], checkpoints: Iterable[Checkpoint], trusted_key: bytes | None) -> Iterator[Finding]:
    """Every fault in the chain; nothing where all is well. `entries` in order of their number.

    With `trusted_key` (32 raw bytes) every checkpoint must be signed by it; without, by the key it names.
    """
    signed = {each.no: each for each in checkpoints}
    expected_no, previous = 1, GENESIS
    for entry in entries:
        if entry.no > expected_no:
            gone = f"{expected_no}" if entry.no == expected_no + 1 else f"{expected_no} to {entry.no - 1}"
            yield Finding(Fault.REMOVED, expected_no, "ledger", None, f"entries {gone} are missing from the chain")
        unbroken = entry.no == expected_no
        if entry.record is None:
            yield Finding(Fault.REMOVED, entry.no, entry.source, entry.row_id, "the record of this entry is gone")
        elif unbroken and link(previous, entry.source, entry.record) != entry.hash:
            yield Finding(Fault.CHANGED, entry.no, entry.source, entry.row_id, "the record is not what was chained")
        checkpoint = signed.pop(entry.no, None)
        if checkpoint is not None:
            yield from _verify_checkpoint(checkpoint, entry, trusted_key)
        expected_no, previous = entry.no + 1, entry.hash
    for checkpoint in signed.values():
        detail = "the chain was signed up to here, and ends before"
        yield Finding(Fault.REMOVED, checkpoint.no, "ledger", None, detail)


def _verify_checkpoint(checkpoint: Checkpoint, entry: Entry, trusted_key: bytes | None) -> Iterator[Finding]:
    if checkpoint.hash != entry.hash:
        detail = "the chain differs from what was signed"
        yield Finding(Fault.CHANGED, entry.no, entry.source, entry.row_id, detail)
    if trusted_key is not None and checkpoint.public_key != trusted_key:
        detail = "a checkpoint is signed with another key"
        yield Finding(Fault.CHECKPOINT_BROKEN, entry.no, "ledger_checkpoints", entry.no, detail)
        return
    try:
        key = Ed25519PublicKey.from_public_bytes(checkpoint.public_key)
        key.verify(checkpoint.signature, statement(checkpoint.no, checkpoint.hash, checkpoint.at))
    except (InvalidSignature, ValueError):
        detail = "the signature of a checkpoint is wrong"
        yield Finding(Fault.CHECKPOINT_BROKEN, entry.no, "ledger_checkpoints", entry.no, detail)
