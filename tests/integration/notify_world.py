"""People, their contacts, alerts as they are raised, and a notifier that runs."""

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from alerting import alert as alerts
from alerting import oncall_store, people_store, store
from alerting.alert import Alert, AlertEvent, Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event
from alerting.escalation import default_policy, parse
from alerting.notify import Notifier
from alerting.people import Person, Role, Scope
from alerting.settings import NotifySettings
from ingest.database import connect
from ingest.reading import to_us
from tests.integration.world import World
from tests.waiting import wait_until

SECRET = "a-secret-of-the-webhook"
LOCAL = {"webhook_plain_http": True, "webhook_networks_allowed": ["127.0.0.0/8"]}  # the tests' servers


def now() -> datetime:
    return datetime.now(UTC)


class NotifyWorld(World):
    """A home with people."""

    def person(
        self, name: str, role: Role, ways: Sequence[tuple[str, str]], *, region: str | None = None, language: str = "zh"
    ) -> Person:
        """Add somebody: of the home, or with `region` of that region."""
        scope = (
            Scope(int(self.rows("SELECT min(id) FROM institutions")[0][0])) if region is None else Scope(region=region)
        )
        with connect(self.database_url) as connection:
            who = people_store.save_person(connection, actor="test", who=Person(0, name, role, scope, language))
            people_store.replace_contacts(connection, actor="test", who=who, ways=ways)
        return who

    def policy(self, *changes: tuple[str, str]) -> None:
        """Put the default policy in force, with some text replaced."""
        body = default_policy()
        for old, new in changes:
            assert old in body, old
            body = body.replace(old, new)
        with connect(self.database_url) as connection:
            oncall_store.save_policy(connection, parse(body), body, loaded_by="test")

    def event(
        self, device: str, kind: Kind = Kind.FIRE, *, verb: Verb = Verb.RAISE, priority: Priority = Priority.CRITICAL,
        onset: datetime | None = None, drill: bool = False, rule: str = "r",
    ) -> AlertEvent:  # fmt: skip
        """The engine's word, now, on an alert that began at `onset`."""
        source = Source(*self.rows("SELECT institution_id, zone_id, id FROM devices WHERE code = %s", device)[0])
        at = now()
        number = alert_id(Key(source.institution_id, source.device_id, kind), to_us(onset or at))
        told = {"value": 0.35, "threshold": 0.3, "text_zh": "烟雾 0.35 dB/m", "text_en": "smoke 0.35 dB/m"}
        event = engine_event(
            number, verb, to_us(at), to_us(onset or at), source, Condition(rule, kind, priority, latching=True), told
        )
        return dataclasses.replace(event, drill=drill)

    def event_at(self, like: AlertEvent, device_id: int, kind: Kind, priority: Priority) -> AlertEvent:
        """An event as `like`, of another device in the same zone."""
        source = like.source._replace(device_id=device_id)
        number = alert_id(Key(source.institution_id, device_id, kind), to_us(like.onset_at))
        condition = Condition("r", kind, priority, latching=False)
        return engine_event(number, Verb.RAISE, to_us(like.at), to_us(like.onset_at), source, condition, {})

    def say(self, *events: AlertEvent) -> list[Alert]:
        """Append to the log; the alerts as they stand then."""
        with connect(self.database_url) as connection:
            return list(store.append(connection, events).values())

    def acknowledge(self, alert_id: UUID, who: str = "user:li") -> Alert:
        with connect(self.database_url) as connection:
            standing = store.load(connection, alert_id)
            return store.act(
                connection, standing, alerts.act(standing, Verb.ACKNOWLEDGE, who, now(), None), standing.version
            )

    def open_alerts(self, kind: Kind) -> list[Alert]:
        with connect(self.database_url) as connection:
            return [alert for alert in store.open_alerts(connection) if alert.kind is kind]


def webhook(url: str, path: str = "/hook") -> tuple[str, str]:
    """A contact at a local server."""
    return "webhook", f"{url}{path}#{SECRET}"


@contextmanager
def notifier(database_url: str, **settings: object) -> Iterator[Notifier]:
    """A notifier that runs in a thread, from when it is ready."""
    made = Notifier(
        database_url,
        NotifySettings(**LOCAL | {"refresh_s": 0.5} | settings),  # type: ignore[arg-type]
    )
    stop, errors = threading.Event(), list[Exception]()

    def run() -> None:
        try:
            made.run(stop)
        except Exception as error:  # noqa: BLE001 - handed to the test below
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with connect(database_url, autocommit=True) as connection:
            wait_until(
                lambda: errors or connection.execute("SELECT 1 FROM notifier_cursor").fetchone(),
                "the notifier is ready",
            )
        yield made
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()
        assert not errors, errors
