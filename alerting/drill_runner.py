"""The role `drills`: calls for drills over the broker, files their reports, times out duty checks, and starts the chain
tests and random duty checks that are due.

One runner works at a time; a second one waits until the first has gone. Every turn is one transaction.
"""

import hashlib
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Protocol

import psycopg
import structlog

from alerting import chain_test, drill, drill_store, duty_check, duty_check_store, people_store, store
from alerting.alert import AlertEvent, Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event
from alerting.drill import Reach, Stage, State
from alerting.drill_store import SCHEDULE, Record, Wanted
from alerting.errors import DrillRefused, DutyCheckRefused
from alerting.hours import Hours
from alerting.settings import DrillSettings
from ingest import directory
from ingest import store as ingest_store
from ingest.database import Connection, connect
from ingest.errors import BrokerUnavailable, DatabaseUnavailable
from ingest.formats.drill import Order, encode
from ingest.reading import to_us
from ingest.routes import drill_topic

TURN_S: Final = 1.0
SCHEDULE_EVERY_S: Final = 20.0
RANDOM_LATE_MAX: Final = timedelta(minutes=15)  # a random check the service slept through is left out
PUT_OFF: Final = timedelta(minutes=10)  # between two tries of a chain test that could not be started
CHAIN_RULE: Final = "drill.chain"
_TRIAL_KINDS: Final = {"gas": Kind.GAS, "co": Kind.CO, "fall": Kind.FALL, "sos": Kind.SOS}
_RUNNER_LOCK: Final = 0x4452494C  # "DRIL"

log = structlog.get_logger("alerting.drills")


class Publisher(Protocol):
    """The broker (alerting.drill_publisher)."""

    def publish(self, topic: str, payload: bytes) -> None: ...
    def close(self) -> None: ...


class Runner:
    """The role."""

    def __init__(self, database_url: str, publisher: Publisher, settings: DrillSettings) -> None:
        self._database_url = database_url
        self._publisher = publisher
        self._settings = settings
        self._connection: Connection | None = None
        self._scheduled_at: datetime | None = None
        self._put_off: dict[int, datetime] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; a database or a broker that is away is waited for."""
        while not stop.is_set():
            try:
                self._work(stop)
            except (psycopg.OperationalError, psycopg.InterfaceError, DatabaseUnavailable) as error:
                log.error("the database is away", reason=str(error))  # noqa: TRY400 - a state, not a surprise
                stop.wait(TURN_S)
            finally:
                self._hang_up()

    def turn(self, connection: Connection) -> None:
        """Do once what is to be done, in transactions of its own; the connection is in autocommit."""
        self._publish(connection)
        with connection.transaction():
            now = _now(connection)
            for record in drill_store.running(connection):
                self._settle(connection, record, now)
        with connection.transaction():
            for check in duty_check_store.settle(connection):
                log.warning("duty check missed", duty_check=check.id, institution_id=check.institution_id)
        if self._scheduled_at is None or now - self._scheduled_at >= timedelta(seconds=SCHEDULE_EVERY_S):
            self._scheduled_at = now
            self.schedule(connection, now)

    def schedule(self, connection: Connection, now: datetime) -> None:
        """Start what is due at `now`: chain tests and random duty checks, in a transaction each."""
        seed = hashlib.sha256(b"anhu schedule" + ingest_store.drill_key(connection)).digest()
        registered = ingest_store.institutions_with_devices(connection)
        tested, checked = drill_store.last_chain_tests(connection), duty_check_store.last_random(connection)
        for institution_id, registered_at, devices in registered:
            if self._settings.chain_test:
                self._chain_test(connection, institution_id, registered_at, tested, devices, now, seed)
            self._random_check(connection, institution_id, registered_at, checked, now, seed)

    def _work(self, stop: threading.Event) -> None:
        self._connection = connection = connect(self._database_url, autocommit=True, application="anhu drills")
        while not _is_ours(connection):
            if stop.wait(TURN_S):
                return
        connection.execute(f"LISTEN {drill_store.CHANNEL}".encode())
        while not stop.is_set():
            self.turn(connection)
            for _ in connection.notifies(timeout=TURN_S, stop_after=1):
                pass

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _publish(self, connection: Connection) -> None:
        """Call for the drills that the broker does not have yet. A call that is made twice is followed once."""
        with connection.transaction():
            waiting = drill_store.unpublished(connection)
            if not waiting:
                return
            key = ingest_store.drill_key(connection)
            for wanted, institution, device in waiting:
                order = Order(wanted.id, wanted.kind.value, to_us(wanted.started_at), wanted.limit_s, wanted.reach)
                try:
                    self._publisher.publish(drill_topic(institution, device), encode(order, institution, device, key))
                except BrokerUnavailable as error:
                    log.error("the broker is away", reason=str(error))  # noqa: TRY400 - a state, not a surprise
                    return
                drill_store.note_published(connection, wanted.id)

    def _settle(self, connection: Connection, record: Record, now: datetime) -> None:
        verdict = drill.judge(record.drill, record.seen, now)
        if verdict is None:
            return
        drill_store.file(connection, record, verdict, now)
        log.info("drill over", drill=str(record.drill.id), state=verdict.state.value, reason=verdict.reason.value)
        if record.drill.scheduled:
            event = chain_event(record, verdict, now, connection)
            store.append(connection, [event] if event else [])

    def _chain_test(
        self,
        connection: Connection,
        institution_id: int,
        registered_at: datetime,
        tested: dict[int, datetime],
        devices: list[int],
        now: datetime,
        seed: bytes,
    ) -> None:
        quiet = Hours(self._settings.chain_from, self._settings.chain_until)
        due = chain_test.next_run(institution_id, registered_at, tested.get(institution_id), now, seed, quiet)
        if due > now or self._put_off.get(institution_id, now) > now:
            return
        device = chain_test.device_of(devices, institution_id, now, seed)
        try:
            with connection.transaction():
                drill_store.start(connection, chain_wanted(connection, institution_id, device, self._settings))
        except DrillRefused as error:
            self._put_off[institution_id] = now + PUT_OFF
            log.warning("chain test put off", institution_id=institution_id, reason=str(error))

    def _random_check(
        self,
        connection: Connection,
        institution_id: int,
        registered_at: datetime,
        checked: dict[int, datetime],
        now: datetime,
        seed: bytes,
    ) -> None:
        settings = self._settings
        since = max(
            registered_at + chain_test.SETTLING, now - RANDOM_LATE_MAX, checked.get(institution_id, registered_at)
        )
        hours = Hours(settings.duty_from, settings.duty_until)
        due = duty_check.next_call(institution_id, since, seed, settings.duty_checks_a_month, hours)
        if due is None or due > now:
            return
        try:
            with connection.transaction():
                duty_check_store.call(
                    connection, institution_id, called_by=duty_check.RANDOM, answer_s=settings.answer_s_max, note=""
                )
        except DutyCheckRefused as error:
            log.info("random duty check left out", institution_id=institution_id, reason=str(error))


def wanted(
    connection: Connection,
    institution_id: int,
    device_id: int | None,
    kind: Kind,
    settings: DrillSettings,
    *,
    by: str,
    note: str = "",
) -> Wanted:
    """A drill with a person at its end, with the limits of `settings`."""
    limits = {
        Stage.RAISED: settings.raised_s_max,
        Stage.SHOWN: settings.shown_s_max,
        Stage.ACKNOWLEDGED: settings.acknowledged_s_max,
    }
    if has_contacts(connection, institution_id):
        limits[Stage.PUSHED] = settings.pushed_s_max
    return Wanted(institution_id, device_id, kind, by, limits, settings.drill_s_max, note=note)


def chain_wanted(connection: Connection, institution_id: int, device_id: int | None, settings: DrillSettings) -> Wanted:
    """A test of the chain: silent, and nobody has to acknowledge it."""
    limits = {Stage.RAISED: settings.raised_s_max, Stage.SHOWN: settings.shown_s_max}
    if settings.chain_push and has_contacts(connection, institution_id):
        limits[Stage.PUSHED] = settings.pushed_s_max
    return Wanted(
        institution_id, device_id, Kind.FIRE, SCHEDULE, limits, settings.chain_test_s_max, scheduled=True,
        reach=Reach.SILENT_PUSH if settings.chain_push else Reach.SCREEN,
        note="GB 50440",
    )  # fmt: skip


def trial_wanted(
    connection: Connection, institution_id: int, device_id: int | None, settings: DrillSettings, *, by: str
) -> Wanted:
    """An installer's test alarm: the whole way to the screens, and nobody is called. Its kind is the device's."""
    kind = _TRIAL_KINDS.get(_kind_of(connection, device_id), Kind.FIRE)
    limits = {Stage.RAISED: settings.raised_s_max, Stage.SHOWN: settings.shown_s_max}
    return Wanted(institution_id, device_id, kind, by, limits, settings.trial_s_max, reach=Reach.SCREEN)


def _kind_of(connection: Connection, device_id: int | None) -> str:
    found = directory.devices(connection, [device_id]) if device_id is not None else []
    return found[0].kind if found else ""


def has_contacts(connection: Connection, institution_id: int) -> bool:
    """Whether there is anybody who could be sent a message about that institution; otherwise no push is expected."""
    row = connection.execute("SELECT region FROM institutions WHERE id = %s", (institution_id,)).fetchone()
    region = str(row[0]) if row else ""
    reachable = {each.person_id for each in people_store.contacts(connection)}
    return any(
        person.id in reachable and person.scope.covers(institution_id, region)
        for person in people_store.persons(connection)
    )


def chain_event(record: Record, verdict: drill.Verdict, now: datetime, connection: Connection) -> AlertEvent | None:
    """A chain test that failed is an alert of the institution; the next one that passes ends it."""
    if verdict.state is State.ENDED:
        return None
    institution_id = record.drill.institution_id
    key = Key(institution_id, None, Kind.SYSTEM)
    standing = store.open_alert(connection, key)
    failed = verdict.state is State.FAILED
    held = standing is not None and CHAIN_RULE in standing.rules
    if failed == held and not failed:
        return None
    now_us = to_us(now)
    number = standing.id if standing is not None else alert_id(key, now_us)
    missed = [each.stage.value for each in verdict.stages if each.passed is False]
    told = {"rule": CHAIN_RULE, "drill_id": str(record.drill.id), "missed": missed, **_texts(missed)}
    condition = Condition(CHAIN_RULE, Kind.SYSTEM, Priority.HIGH, latching=False)
    verb = Verb.RAISE if failed else Verb.CLEAR
    return engine_event(number, verb, now_us, now_us, Source(institution_id, None, None), condition, told)


_STAGES_ZH: Final = {"raised": "产生报警", "shown": "显示到屏幕", "pushed": "推送", "acknowledged": "确认"}


def _texts(missed: Iterable[str]) -> dict[str, str]:
    names = list(missed)
    if not names:
        return {"text_zh": "全链路测试已恢复正常", "text_en": "The chain test has passed again"}
    return {
        "text_zh": f"全链路测试不合格：{'、'.join(_STAGES_ZH[name] for name in names)}未在规定时间内完成",
        "text_en": f"The chain test failed: not in time: {', '.join(names)}",
    }


def _is_ours(connection: Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_RUNNER_LOCK,)).fetchone()
    return row is not None and bool(row[0])


def _now(connection: Connection) -> datetime:
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    if row is None:
        raise RuntimeError("SELECT returned nothing")
    return row[0]  # type: ignore[no-any-return]
