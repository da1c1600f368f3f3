"""What the notifier keeps on disk for an outage: readable by its owner only, one process at a time, and never a reason
not to send."""

import dataclasses
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from alerting import directory_cache
from alerting.alert import Alert
from alerting.delivery import Delivery, Form, Push
from alerting.errors import JournalUnavailable
from alerting.escalation import default_policy
from alerting.journal import Journal
from alerting.ladder import Ladder, Telling, TellingKey
from alerting.mirror import Mirror
from ingest import registry_cache
from tests.unit.notify_simulation import World

NOW = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)


def push(text: str = "烟雾", at: datetime = NOW) -> Push:
    return Push(
        uuid4(), 1, Form.ALONE, 0, alert_id=uuid4(), institution_id=1, zone_id=2, language="zh", title="【火警】",
        body=text, channels=frozenset({"sms"}), created_at=at, drill=False, every_channel=False,
    )  # fmt: skip


def told(alert_id: UUID, number: UUID) -> Telling:
    return Telling(TellingKey(alert_id, 1, 1, 0, 3), NOW, frozenset({"sms"}), push_id=number)


def test_what_was_kept_is_there_after_a_restart_and_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "notifier" / "journal.sqlite"
    journal = Journal(path, 16)
    ladder = Ladder(uuid4(), 1, NOW, NOW, frozenset({(1, 0), (2, 3)}), 1.5, raised=(NOW,))
    sent = push()
    delivery = Delivery(sent.id, 7, "webhook", 0, 0, NOW, NOW)
    telling = told(ladder.alert_id, sent.id)
    journal.keep([ladder], away=False)
    assert not journal.owes
    journal.keep([sent, delivery, telling], away=True, notes={"spool": b"x"})
    assert journal.owes
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(JournalUnavailable):
        Journal(path, 16)  # one process has it at a time
    journal.close()
    again = Journal(path, 16)
    assert (again.records(Ladder), again.records(Ladder, away=True)) == ([ladder], [])
    assert (again.records(Push, away=True), again.records(Delivery), again.records(Telling)) == (
        [sent], [delivery], [telling],
    )  # fmt: skip
    assert again.note("spool") == b"x"
    again.forget([ladder.alert_id], NOW + timedelta(hours=1))
    assert (again.records(Ladder), again.records(Telling)) == ([], [])
    assert again.records(Push) == [sent]  # the database does not have it yet
    again.clear()
    assert not again.owes
    again.close()


def test_a_full_disk_keeps_nothing_from_being_sent(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "n" / "journal.sqlite", 1)
    kept = [push("烟" * 20_000) for _ in range(40)]  # 60 kB each
    for each in kept:
        journal.keep([each], away=True)
    assert {each.id for each in journal.records(Push, away=True)} == {each.id for each in kept}
    assert journal.owes
    with pytest.raises(JournalUnavailable):  # what only mirrors the database is not held in memory
        journal.keep([push("烟" * 400_000)], away=False)
    journal.clear()
    assert journal.records(Push) == []
    journal.keep([kept[0]], away=True)
    assert journal.records(Push) == [kept[0]]
    journal.close()


def test_a_file_that_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)
    journal = Journal(path, 16)
    assert journal.records(Alert) == []
    assert [each.name.split("-")[0] for each in tmp_path.glob("unreadable-*.sqlite")] == ["unreadable"]
    journal.close()


def test_the_registry_is_kept_again_only_when_it_has_changed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", 16)
    mirror = Mirror(journal)
    directory = dataclasses.replace(World(1).directory, policy_body=default_policy())
    mirror.directory(directory)
    people, registry = journal.note("directory"), journal.note("registry")
    assert people is not None
    assert registry is not None
    journal.keep((), away=False, notes={"registry": b"untouched"})
    mirror.directory(dataclasses.replace(directory, contacts={}))
    assert journal.note("directory") != people
    assert journal.note("registry") == b"untouched"
    newer = dataclasses.replace(directory.registry, version=directory.registry.version + 1)
    mirror.directory(dataclasses.replace(directory, registry=newer))
    assert directory_cache.load(journal.note("directory") or b"", journal.note("registry") or b"").registry == newer
    journal.close()


@pytest.mark.parametrize("seed", range(5))
def test_the_directory_comes_back_as_it_was(seed: int) -> None:
    directory = dataclasses.replace(World(seed).directory, policy_body=default_policy())
    found = directory_cache.load(directory_cache.dump(directory), registry_cache.dump(directory.registry))
    assert found.policy == directory.policy
    assert found.roster.persons == directory.roster.persons
    assert list(found.roster.rotations) == list(directory.roster.rotations)
    assert list(found.roster.stand_ins) == list(directory.roster.stand_ins)
    assert {who: ways for who, ways in directory.contacts.items() if ways} == found.contacts
    assert list(found.suppressions) == list(directory.suppressions)
    assert found.registry.devices == directory.registry.devices
    assert found.registry.institutions == directory.registry.institutions
