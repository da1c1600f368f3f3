"""The chain shows what was changed, removed or inserted, and a signed head what was cut off or rewritten."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from alerting.ledger import GENESIS, Checkpoint, Entry, Fault, canonical, link, sign, verify

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def chain(count: int, *, tampered: int | None = None) -> list[Entry]:
    """`count` entries; rewritten consistently from `tampered` on, as by somebody who can rewrite the whole database."""
    digest, entries = GENESIS, []
    for no in range(1, count + 1):
        record = {"id": no, "verb": "raise", "at": NOW + timedelta(seconds=no), "evidence": {"value": 0.3 * no}}
        if no == tampered:
            record["verb"] = "clear"
        digest = link(digest, "alert_events", record)
        entries.append(Entry(no, "alert_events", no, record, digest))
    return entries


def faults(entries, checkpoints=(), key=PUBLIC):
    return [(found.fault, found.no) for found in verify(entries, checkpoints, key)]


def checkpoint(entries: list[Entry], no: int) -> Checkpoint:
    return sign(KEY, no, entries[no - 1].hash, NOW)


def test_an_untouched_chain_has_no_faults():
    entries = chain(50)
    assert faults(entries, [checkpoint(entries, 20), checkpoint(entries, 50)]) == []
    assert faults([]) == []


@given(at=st.integers(1, 30))
def test_a_changed_record_is_named(at):
    entries = chain(30)
    entries[at - 1] = replace(entries[at - 1], record={**entries[at - 1].record, "verb": "clear"})
    assert faults(entries) == [(Fault.CHANGED, at)]


@given(at=st.integers(1, 29), count=st.integers(1, 3))
def test_removed_entries_are_named(at, count):
    entries = chain(40)
    del entries[at - 1 : at - 1 + count]
    assert faults(entries) == [(Fault.REMOVED, at)]


def test_a_removed_record_is_named():
    entries = chain(5)
    entries[2] = replace(entries[2], record=None)
    assert faults(entries) == [(Fault.REMOVED, 3)]


def test_a_cut_off_end_shows_against_a_checkpoint():
    entries = chain(30)
    signed = [checkpoint(entries, 25)]
    assert faults(entries[:20], signed) == [(Fault.REMOVED, 25)]


def test_a_consistent_rewriting_shows_against_a_checkpoint():
    signed = [checkpoint(chain(30), 25)]
    assert faults(chain(30, tampered=10)) == []  # the chain alone cannot show it
    assert faults(chain(30, tampered=10), signed) == [(Fault.CHANGED, 25)]


def test_a_forged_checkpoint_shows():
    rewritten = chain(30, tampered=10)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    assert faults(rewritten, [sign(other, 25, rewritten[24].hash, NOW)]) == [(Fault.CHECKPOINT_BROKEN, 25)]
    blunt = replace(checkpoint(rewritten, 25), signature=bytes(64))
    assert faults(rewritten, [blunt]) == [(Fault.CHECKPOINT_BROKEN, 25)]


def test_a_record_reads_the_same_before_and_after_the_database():
    before = {"id": 1, "event_id": uuid.UUID(int=7), "at": NOW, "evidence": {"b": [1, 2.0], "a": None, "c": 1e22}}
    after = {"evidence": {"a": None, "b": [1, 2.0], "c": 10**22}, "id": 1, "event_id": uuid.UUID(int=7), "at": NOW}
    assert canonical("alert_events", before) == canonical("alert_events", after)
    assert canonical("acts", before) != canonical("alert_events", before)
