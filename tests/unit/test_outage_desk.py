"""Deciding without the database: from what was kept and what the spool says, to the policy's end."""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from alerting import event_json
from alerting.acknowledge_link import NewLink
from alerting.alert import (
    Alert,
    AlertEvent,
    Condition,
    Key,
    Kind,
    Priority,
    Source,
    Verb,
    act,
    alert_id,
    engine_event,
    fold,
)
from alerting.book import Directory
from alerting.delivery import Answer, Delivery, Outcome, State
from alerting.errors import JournalUnavailable
from alerting.escalation import default_policy, parse
from alerting.journal import Journal
from alerting.ladder import Ending, Ladder
from alerting.mirror import Mirror
from alerting.oncall import Roster, Rotation
from alerting.outage_desk import OutageDesk
from alerting.outbox import Taken
from alerting.people import Contact, Person, Role, Scope
from alerting.settings import NotifySettings
from ingest.reading import ReadingBatch, to_us
from ingest.registry import Device, Institution, Registry, Zone
from ingest.spool import Spool, Spooled

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)  # a Friday morning in China
FIRE = Condition("fire.smoke", Kind.FIRE, Priority.CRITICAL, latching=True)


def directory() -> Directory:
    registry = Registry.build(
        1,
        [Institution(1, "i1", "安和养老院", "", "nursing_home", "220322")],
        [Zone(10, 1, "z1", "厨房", "", "kitchen", 1), Zone(11, 1, "z2", "走廊", "", "corridor", 1)],
        [Device(100 + n, 1, 10 + n % 2, f"d{n}", f"烟感{n}", "smoke", "", 30) for n in range(4)],
        [],
    )  # fmt: skip
    persons = [
        Person(1, "值班", Role.OPERATOR, Scope(1)),
        Person(2, "安全员", Role.SAFETY_OFFICER, Scope(1)),
        Person(3, "县监管", Role.SUPERVISOR, Scope(region="220322")),
    ]
    ways = {
        1: (Contact(1, 1, "webhook", "https://a.example/#s", 1), Contact(2, 1, "sms", "13800138000", 2)),
        2: (Contact(3, 2, "sms", "13800138001", 1),),
        3: (Contact(4, 3, "sms", "13800138002", 1),),
    }
    turns = Rotation(1, "值班", Role.OPERATOR, Scope(1), (1,), date(2026, 1, 1), (time(8),), 1)
    body = default_policy()
    return Directory(parse(body), Roster({each.id: each for each in persons}, (turns,), ()), ways, (), registry, body)


class Hands:
    """Senders that keep what they are handed."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []

    def reserve(self, _delivery: Delivery) -> bool:
        return True

    def release(self, _delivery: Delivery) -> None:
        raise AssertionError("nothing goes wrong here")

    def deliver(self, taken: Taken) -> None:
        self.taken.append(taken)

    def wake(self, _kinds: object = None) -> None:
        pass


class Outage:
    """A journal with a directory, a spool, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.journal = Journal(folder / "notifier" / "journal.sqlite", 16)
        Mirror(self.journal).directory(directory())
        self.path = folder / "spool.sqlite"
        self.spool = Spool(self.path, 10_000_000)
        self.hands = Hands()
        self.desk = self.begin()

    def begin(self) -> OutageDesk:
        return OutageDesk(self.journal, self.path, NotifySettings(), lambda: self.now)

    def restart(self) -> None:
        """As after kill -9: all that is left is on the disk."""
        self.desk.close()
        self.desk = self.begin()

    def raise_alarm(self, device: int) -> Alert:
        return self.say(device, Verb.RAISE, None)

    def say(self, device: int, verb: Verb, standing: Alert | None) -> Alert:
        """The engine's word on an alert as it knows it."""
        source = Source(1, 10 + device % 2, 100 + device)
        onset = standing.onset_at if standing else self.now
        number = standing.id if standing else alert_id(Key(1, 100 + device, Kind.FIRE), to_us(onset))
        event = engine_event(number, verb, to_us(self.now), to_us(onset), source, FIRE, {})
        alert = fold(standing, event)
        nothing = ReadingBatch.build((), (), (), ())
        self.spool.put(Spooled(nothing, (), (), [event_json.dump(event, alert)]))
        return alert

    def known_before(self, alert: Alert, ending: Ending | None = None) -> None:
        """As the mirror has it: told of before the outage."""
        ended_at = NOW if ending else None
        ladder = Ladder(
            alert.id, 1, alert.called_at, NOW, frozenset({(1, 0)}), raised=(alert.called_at,), ended_at=ended_at,
            ending=ending,
        )  # fmt: skip
        self.journal.keep([alert, ladder], away=False)
        self.restart()

    def step(self, seconds: float = 0.0) -> list[Taken]:
        """Let time pass and decide; what was handed over."""
        self.now += timedelta(seconds=seconds)
        before = len(self.hands.taken)
        self.desk.step(self.hands)  # type: ignore[arg-type]
        return self.hands.taken[before:]

    def answer(self, taken: Taken, outcome: Outcome) -> bool:
        return self.desk.outbox.settle(taken.job, Answer(outcome), directory().policy.delivery, self.now)

    def people(self) -> Counter[int]:
        return Counter(each.job.push.person_id for each in self.hands.taken)


@pytest.fixture
def outage(tmp_path: Path) -> Outage:
    return Outage(tmp_path)


def test_an_alarm_from_the_spool_is_pushed_and_on_record_before_it_leaves(outage: Outage) -> None:
    alert = outage.raise_alarm(0)
    [taken] = outage.step()
    assert (taken.job.push.person_id, taken.job.address, taken.job.push.alert_id) == (
        1,
        "https://a.example/#s",
        alert.id,
    )
    kept = {each.contact_id: each for each in outage.journal.records(Delivery, away=True)}
    assert (kept[1].state, kept[2].state) == (State.SENDING, State.WAITING)
    assert outage.answer(taken, Outcome.SENT) is False
    kept = {each.contact_id: each for each in outage.journal.records(Delivery, away=True)}
    assert (kept[1].state, kept[2].state) == (State.SENT, State.UNNEEDED)
    assert outage.step(1) == []


def test_a_restart_tells_nobody_twice_and_climbs_on(outage: Outage) -> None:
    outage.raise_alarm(0)
    [taken] = outage.step()
    outage.answer(taken, Outcome.SENT)
    outage.restart()
    assert outage.step(1) == []
    assert [each.job.push.person_id for each in outage.step(60)] == [2]
    outage.restart()
    assert outage.step(1) == []
    outage.raise_alarm(1)
    assert {each.job.push.person_id for each in outage.step(1)} == {1}


def test_the_end_of_the_policy_is_an_alert_of_its_own_that_is_pushed_too(outage: Outage) -> None:
    alert = outage.raise_alarm(0)
    for _ in range(40):
        for taken in outage.step(30):
            outage.answer(taken, Outcome.SENT)
    [event] = outage.journal.records(AlertEvent, away=True)
    assert (event.kind, event.verb, event.evidence["alert_id"]) == (Kind.UNANSWERED, Verb.RAISE, str(alert.id))
    endings = {each.alert_id: each.ending for each in outage.journal.records(Ladder, away=True)}
    assert endings[alert.id] is Ending.POLICY_END
    told = [each.job.push for each in outage.hands.taken if each.job.push.alert_id == event.alert_id]
    assert {push.person_id for push in told} == {3}


def test_an_acknowledgement_that_is_heard_of_ends_the_calling(outage: Outage) -> None:
    alert = outage.raise_alarm(0)
    [taken] = outage.step()
    outage.answer(taken, Outcome.SENT)
    assert outage.desk.calling() == (alert.id,)
    acknowledged = fold(alert, act(alert, Verb.ACKNOWLEDGE, "user:li", outage.now, None))
    outage.desk.hear_of([acknowledged])
    assert outage.step(61) == []
    assert outage.desk.calling() == ()


def test_whoever_cannot_be_reached_gives_way_to_the_next(outage: Outage) -> None:
    outage.raise_alarm(0)
    [first] = outage.step()
    assert outage.answer(first, Outcome.REFUSED) is False
    second = outage.desk.outbox.claim("sms", outage.now, ())  # the person's next contact, at once
    assert second is not None
    assert second.job.delivery.contact_id == 2
    assert outage.answer(second, Outcome.REFUSED) is True
    assert [each.job.push.person_id for each in outage.step(1)] == [2]


def test_a_message_that_was_on_its_way_at_a_kill_is_sent_again_after_its_lease(outage: Outage) -> None:
    outage.raise_alarm(0)
    [taken] = outage.step()
    outage.restart()
    assert outage.desk.outbox.claim("webhook", outage.now, ()) is None
    outage.now += timedelta(seconds=13)
    again = outage.desk.outbox.claim("webhook", outage.now, ())
    assert again is not None
    assert (again.job.push.id, again.job.delivery.attempts, again.job.delivery.lost_answers) == (
        taken.job.push.id,
        2,
        1,
    )


def made(device: int) -> Alert:
    source = Source(1, 10 + device % 2, 100 + device)
    number = alert_id(Key(1, 100 + device, Kind.FIRE), to_us(NOW))
    return fold(None, engine_event(number, Verb.RAISE, to_us(NOW), to_us(NOW), source, FIRE, {}))


def test_a_ladder_that_ran_before_the_outage_is_climbed_on(outage: Outage) -> None:
    outage.known_before(made(0))
    assert outage.step(1) == []  # the first rung was told by the database's own
    assert {each.job.push.person_id for each in outage.step(60)} == {2}


def test_what_was_acknowledged_unknown_to_the_engine_calls_nobody(outage: Outage) -> None:
    alert = made(0)
    outage.known_before(fold(alert, act(alert, Verb.ACKNOWLEDGE, "user:li", NOW, None)), Ending.ACKNOWLEDGED)
    outage.now += timedelta(seconds=1)
    outage.say(0, Verb.CLEAR, alert)  # as the engine knows it, it is unacknowledged
    assert outage.step(1) == outage.step(600) == []


def test_what_comes_back_after_a_reset_unknown_to_the_engine_calls(outage: Outage) -> None:
    alert = made(0)
    later = NOW + timedelta(seconds=1)
    source = Source(1, 10, 100)
    cleared = fold(alert, engine_event(alert.id, Verb.CLEAR, to_us(later), to_us(NOW), source, FIRE, {}))
    acknowledged = fold(cleared, act(cleared, Verb.ACKNOWLEDGE, "user:li", later, None))
    outage.known_before(fold(acknowledged, act(acknowledged, Verb.RESET, "user:li", later, None)), Ending.ACKNOWLEDGED)
    outage.now += timedelta(seconds=30)
    outage.say(0, Verb.RAISE, cleared)  # its third event, and the log's fifth
    assert [each.job.push.person_id for each in outage.step()] == [1]


def test_an_alarm_where_one_is_open_already_joins_it(outage: Outage) -> None:
    outage.known_before(made(0))
    outage.now += timedelta(seconds=5)
    outage.raise_alarm(0)  # a pipeline that started without the database knows of no alert
    assert outage.step() == []
    assert len(outage.desk.book.alerts) == 1


def test_without_a_directory_nobody_can_be_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", 16)
    with pytest.raises(JournalUnavailable, match="no directory"):
        OutageDesk(journal, None, NotifySettings(), lambda: NOW)
    journal.keep((), away=False, notes={"directory": b'{"policy": 3}', "registry": b"[]"})
    with pytest.raises(JournalUnavailable, match="cannot be read"):
        OutageDesk(journal, None, NotifySettings(), lambda: NOW)
    journal.close()


def test_another_spool_is_read_from_its_beginning(outage: Outage, tmp_path: Path) -> None:
    outage.raise_alarm(0)
    outage.step()
    outage.desk.close()
    outage.spool.close()
    for file in tmp_path.glob("spool.sqlite*"):
        file.unlink()
    outage.spool = Spool(outage.path, 10_000_000)
    outage.desk = outage.begin()
    outage.raise_alarm(1)
    assert len(outage.step(1)) == 1


def test_a_link_goes_out_and_its_key_is_nowhere_on_the_disk(outage: Outage, tmp_path: Path) -> None:
    settings = NotifySettings(public_url="https://anhu.example")
    outage.desk = OutageDesk(outage.journal, outage.path, settings, lambda: outage.now)
    outage.raise_alarm(0)
    [taken] = outage.step()
    assert taken.link is not None
    token = taken.link.rpartition("/")[2]
    [kept] = outage.journal.records(NewLink, away=True)
    assert (kept.token, kept.token_sha256) == ("", hashlib.sha256(token.encode()).hexdigest())
    assert not any(token.encode() in file.read_bytes() for file in (tmp_path / "notifier").iterdir())
