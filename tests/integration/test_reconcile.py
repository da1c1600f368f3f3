"""After an outage the journal goes into the tables: once, whatever the database knew already, and however often it is
done."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from alerting import delivery, outbox_store, store
from alerting.alert import Alert, Verb, fold
from alerting.delivery import Answer, Delivery, Form, Outcome, Push
from alerting.escalation import Delivery as Bounds
from alerting.journal import Heard, Journal, KeptAnswer
from alerting.ladder import Ladder, Telling, TellingKey
from alerting.notification import push_id
from alerting.people import Person, Role
from alerting.reconcile import reconcile
from ingest.database import connect
from tests.integration.notify_world import NotifyWorld, now, webhook

pytestmark = pytest.mark.integration
BOUNDS = Bounds(failover_s=20, attempts_max=8, give_up_s=1800)


class Case(NotifyWorld):
    """A person with one contact, and a journal."""

    def __init__(self, database_url: str, folder: Path) -> None:
        super().__init__(database_url)
        self.journal = Journal(folder / "journal.sqlite", 16)
        self.who: Person = self.person("值班", Role.OPERATOR, [webhook("https://a.example")])
        self.contact_id = int(self.rows("SELECT id FROM contacts")[0][0])

    def reconcile(self) -> None:
        with connect(self.database_url, autocommit=True) as connection:
            reconcile(connection, self.journal, BOUNDS, now())

    def told(self, *alerts: Alert, at: datetime, call: int = 1) -> tuple[list[Ladder], list[Telling], Push, Delivery]:
        """What a decision makes of alerts: one message about all of them, which is on its way."""
        ladders = [Ladder(each.id, call, each.called_at, at, frozenset({(1, 0)})) for each in alerts]
        keys = [TellingKey(each.id, call, 1, 0, self.who.id) for each in alerts]
        number = push_id(self.who.id, keys)
        alone = alerts[0].id if len(alerts) == 1 else None
        push = Push(
            number, self.who.id, Form.ALONE if alone else Form.GROUP, 0, alert_id=alone, institution_id=1, zone_id=None,
            language="zh", title="【火警】", body="", channels=frozenset(), created_at=at, drill=False,
            every_channel=False,
        )  # fmt: skip
        way = delivery.claim(Delivery(number, self.contact_id, "webhook", 0, 0, at, at), at, 12)
        return ladders, [Telling(key, at, push_id=number) for key in keys], push, way

    def sent(self, way: Delivery) -> Delivery:
        """The same with the provider's answer."""
        answer = Answer(Outcome.SENT, "HTTP 200")
        return delivery.settle([way], self.contact_id, answer, BOUNDS, now(), every_channel=False)[0]

    def states(self) -> dict[UUID, str]:
        return dict(self.rows("SELECT push_id, state FROM deliveries"))


@pytest.fixture
def case(database_url: str, tmp_path: Path) -> Iterator[Case]:
    made = Case(database_url, tmp_path)
    yield made
    made.journal.close()


def test_doing_it_twice_changes_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    [alert] = case.say(case.event("kit-smk-1"))
    ladders, tellings, push, way = case.told(alert, at=now())
    case.journal.keep([alert, *ladders, *tellings, push, case.sent(way)], away=True)
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "clear", lambda *_: None)  # killed before it was emptied
        case.reconcile()
    tables = "ladders", "tellings", "pushes", "deliveries", "alert_events"
    before = [case.rows(f"TABLE {table}") for table in tables]
    assert case.states() == {push.id: "sent"}
    case.reconcile()
    assert [case.rows(f"TABLE {table}") for table in tables] == before
    assert not case.journal.owes


def test_an_alert_that_joined_another_goes_on_as_the_newest_call_of_that(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = now()
    [known] = case.say(case.event("kit-smk-1"))
    ladders, tellings, push, way = case.told(known, at=began)
    with connect(case.database_url) as connection:
        outbox_store.write(connection, ladders, tellings, [push], [case.sent(way)], ())
    # A pipeline that started without the database raises what the log knows to hold; by another rule, it is news.
    for rule in ("r", "another"):
        later = began + timedelta(seconds=30)
        event = case.event("kit-smk-1", onset=later, rule=rule)
        raised = fold(None, event)
        assert {taker.id for taker in case.say(event)} == {known.id}
        ladders, tellings, push, way = case.told(raised, at=later)
        heard = Heard(raised.id, event.event_id)
        case.journal.keep([raised, heard, *ladders, *tellings, push, case.sent(way)], away=True)
        with monkeypatch.context() as patched:
            patched.setattr(Journal, "clear", lambda *_: None)
            case.reconcile()
        case.reconcile()
        began = later
    stored = case.rows("SELECT alert_id, call, called_at, ended_at IS NULL FROM ladders ORDER BY call")
    with connect(case.database_url) as connection:
        standing = store.load(connection, known.id)
    assert [row[:2] for row in stored] == [(known.id, 1), (known.id, 2), (known.id, 3)]
    assert [row[3] for row in stored] == [False, False, True]  # one ladder runs
    assert stored[-1][2] == standing.called_at  # so that nobody is called anew
    assert case.count("pushes", "alert_id = %s", str(known.id)) == 3
    assert set(case.states().values()) == {"sent"}


def test_a_message_whose_commit_was_never_answered_does_not_go_out_beside_the_one_that_did(case: Case) -> None:
    first, second = case.say(case.event("kit-smk-1"), case.event("bed-smk-1"))
    ladders, tellings, rival, way = case.told(first, at=now())
    with connect(case.database_url) as connection:  # the decision got there, and its maker never knew
        outbox_store.write(connection, ladders, tellings, [rival], [way], ())
    ladders, tellings, push, way = case.told(first, second, at=now())  # made anew, with more to tell
    case.journal.keep([first, second, *ladders, *tellings, push, case.sent(way)], away=True)
    case.reconcile()
    assert case.states() == {rival.id: "unneeded", push.id: "sent"}
    assert case.rows("SELECT DISTINCT push_id FROM tellings") == [(push.id,)]


def test_a_message_that_was_sent_stays_so_whatever_the_journal_says(case: Case) -> None:
    [alert] = case.say(case.event("kit-smk-1"))
    ladders, tellings, push, way = case.told(alert, at=now())
    with connect(case.database_url) as connection:
        outbox_store.write(connection, ladders, tellings, [push], [case.sent(way)], ())
    case.journal.keep([alert, *ladders, *tellings, push, way], away=True)
    case.reconcile()
    assert case.states() == {push.id: "sent"}


def test_an_answer_that_came_during_the_outage_is_noted_for_what_was_sent_before_it(case: Case) -> None:
    [alert] = case.say(case.event("kit-smk-1"))
    ladders, tellings, push, way = case.told(alert, at=now())
    with connect(case.database_url) as connection:
        outbox_store.write(connection, ladders, tellings, [push], [way], ())
    stale = KeptAnswer(push.id, case.contact_id, 7, Outcome.REFUSED, "of an attempt that is none", None, now())
    case.journal.keep(
        [KeptAnswer(push.id, case.contact_id, 1, Outcome.SENT, "HTTP 200", None, now()), stale], away=True
    )
    case.reconcile()
    assert case.rows("SELECT state, detail FROM deliveries") == [("sent", "HTTP 200")]


def test_our_own_events_are_in_the_log_and_what_is_unknown_to_it_is_left_out(case: Case) -> None:
    lost = fold(None, case.event("bed-co-1"))  # the spool that told of it was lost
    ladders, tellings, push, way = case.told(lost, at=now())
    event = replace(case.event("kit-smk-1"), actor="notifier")
    case.journal.keep([event, lost, *ladders, *tellings, push, case.sent(way)], away=True)
    case.reconcile()
    assert case.rows("SELECT verb, actor FROM alert_events") == [(Verb.RAISE, "notifier")]
    assert case.count("ladders") == case.count("tellings") == 0
    assert case.rows("SELECT alert_id, title FROM pushes") == [(None, "【火警】")]  # it was sent nevertheless
    assert case.states() == {push.id: "sent"}
