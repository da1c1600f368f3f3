"""How people were called goes when it has had its time, and nothing that is open, young or in the ledger does."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from alerting import acknowledge_link, ledger_store, outbox_retention_store, outbox_store, trial_message
from alerting.alert import Alert, Kind, Priority, Verb
from alerting.delivery import Delivery, Form, Push, State
from alerting.ladder import Ending, Ladder, Telling, TellingKey
from alerting.ledger import verify
from alerting.notification import push_id
from alerting.outbox_retention_store import Removed
from alerting.people import Person, Role
from ingest.database import connect
from tests.integration.notify_world import NotifyWorld, now, webhook

pytestmark = pytest.mark.integration
OLD = timedelta(days=500)
AGE = timedelta(days=400)
TABLES = "ladders", "tellings", "pushes", "deliveries", "acknowledge_links"


@pytest.fixture
def world(database_url: str) -> NotifyWorld:
    return NotifyWorld(database_url)


def call(
    world: NotifyWorld, who: Person, alerts: list[Alert], at: datetime, *, state: State = State.SENT,
    ended_at: datetime | None = None, held: bool = False,
) -> UUID:  # fmt: skip
    """As the notifier would have written it then."""
    keys = [TellingKey(each.id, 1, 1, 0, who.id) for each in alerts]
    number = push_id(who.id, keys)
    push = Push(
        number, who.id, Form.GROUP, 0, alert_id=None, institution_id=None, zone_id=None, language="zh", title="t",
        body="", channels=frozenset(), created_at=at, drill=False, every_channel=False,
    )  # fmt: skip
    ending = Ending.ACKNOWLEDGED if ended_at else None
    ladders = [Ladder(each.id, 1, at, at, ended_at=ended_at, ending=ending) for each in alerts]
    tellings = [Telling(key, at, push_id=None if held else number, hold_until=at if held else None) for key in keys]
    contact = int(world.rows("SELECT min(id) FROM contacts")[0][0])
    way = Delivery(number, contact, "webhook", 0, 0, at, at, state, 1, settled_at=at)
    with connect(world.database_url) as connection:
        outbox_store.write(connection, ladders, tellings, [push], [way], ())
        acknowledge_link.save(connection, [acknowledge_link.draw(number, who.id, at, 2)])
    return number


def closed(world: NotifyWorld, devices: list[str], at: datetime) -> list[Alert]:
    """Alerts that were raised, cleared and acknowledged then."""
    found = []
    for device in devices:
        event = world.event(device, Kind.ANOMALY, priority=Priority.MEDIUM, onset=at)
        [alert] = world.say(event)
        world.say(world.event(device, Kind.ANOMALY, verb=Verb.CLEAR, priority=Priority.MEDIUM, onset=at))
        found.append(alert)
    with connect(world.database_url) as connection:  # the log is append-only, its fold is not: these are long over
        connection.execute(
            "UPDATE alerts SET raised_at = %s, acknowledged = true, latched = false WHERE id = ANY(%s)",
            (at, [each.id for each in found]),
        )
    return found


def remove(world: NotifyWorld) -> Removed:
    with connect(world.database_url) as connection:
        return outbox_retention_store.remove(connection, now() - AGE, now() - timedelta(days=30))


def test_what_is_over_goes_and_what_is_not_stays(world: NotifyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    who = world.person("值班", Role.OPERATOR, [webhook("https://a.example")])
    long_ago, lately = now() - OLD, now() - timedelta(days=100)
    over = closed(world, ["kit-smk-1"], long_ago)
    call(world, who, over, long_ago, ended_at=long_ago)
    kept: dict[str, UUID] = {}
    reopened = closed(world, ["bed-co-1"], long_ago)
    kept["its ladder ended lately"] = call(world, who, reopened, long_ago, ended_at=lately)
    running = closed(world, ["bed-smk-1"], long_ago)
    kept["its ladder runs"] = call(world, who, running, long_ago)
    waiting = closed(world, ["kit-gas-1"], long_ago)
    kept["still to be sent"] = call(world, who, waiting, long_ago, state=State.WAITING, ended_at=long_ago)
    [open_one] = world.say(world.event("kit-smk-1"))
    kept["open"] = call(world, who, [open_one], long_ago, ended_at=long_ago)
    with connect(world.database_url) as connection:
        test_push = trial_message.queue(connection, who.id, long_ago)
        assert test_push is not None
        connection.execute("UPDATE deliveries SET state = 'sent' WHERE push_id = %s", (test_push.id,))
        entries = list(ledger_store.entries(connection))
    before = {table: world.count(table) for table in TABLES}
    assert remove(world) == Removed(alerts=1, pushes=2, links=5)  # every link has long expired
    assert {row[0] for row in world.rows("SELECT id FROM pushes")} == set(kept.values())
    assert world.count("acknowledge_links") == 0
    assert world.rows("SELECT 1 FROM ladders WHERE alert_id = %s", over[0].id) == []
    assert world.count("tellings") == before["tellings"] - 1
    assert remove(world) == Removed(0, 0, 0)
    with connect(world.database_url) as connection:
        assert list(ledger_store.entries(connection)) == entries
        assert list(verify(entries, (), None)) == []


def test_a_message_about_several_alerts_goes_with_the_last_of_them(world: NotifyWorld) -> None:
    who = world.person("值班", Role.OPERATOR, [webhook("https://a.example")])
    long_ago = now() - OLD
    over = closed(world, ["kit-smk-1"], long_ago)
    [open_one] = world.say(world.event("bed-co-1", Kind.CO))
    number = call(world, who, [*over, open_one], long_ago, ended_at=long_ago)
    assert remove(world).pushes == 0
    assert world.rows("SELECT alert_id FROM tellings") == [(open_one.id,)]
    with connect(world.database_url) as connection:
        connection.execute(
            "UPDATE alerts SET raised_at = %s, active = false, latched = false, acknowledged = true", (long_ago,)
        )
    assert remove(world).pushes == 1
    assert world.rows("SELECT 1 FROM pushes WHERE id = %s", number) == []


def test_one_go_is_bounded_and_says_that_there_is_more(world: NotifyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_retention_store, "ALERTS_MAX", 2)
    who = world.person("值班", Role.OPERATOR, [webhook("https://a.example")])
    long_ago = now() - OLD
    for device in ("kit-smk-1", "bed-co-1", "kit-gas-1"):
        call(world, who, closed(world, [device], long_ago), long_ago, ended_at=long_ago)
    first = remove(world)
    assert (first.alerts, first.more) == (2, True)
    second = remove(world)
    assert (second.alerts, second.more) == (1, False)
    assert [world.count(table) for table in TABLES] == [0, 0, 0, 0, 0]
