"""The hazard worker: follows the alerts' log with its own cursor and opens what the policy says, reminds, escalates."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import structlog

from alerting import feed, store
from ingest.database import Connection, connect
from ingest.errors import DatabaseUnavailable
from inspection import (
    decide,
    hazard_store,
    notice_store,
    operate,
    photo_store,
    publicity_operate,
    sensing,
    sensing_store,
)
from inspection.errors import StepRefused
from inspection.hazard import Hazard, HazardEvent
from inspection.policy import Policy, SensorRule, When
from inspection.sensing import Cause, Reason

RETRY_S: Final = 1.0
WAIT_S: Final = 2.0
SCAN_S: Final = 30.0  # how often is looked for what time alone brings about

log = structlog.get_logger("inspection.worker")


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


class Worker:
    """One worker; `run` it until it is to stop. Of several one works, the others wait to take over."""

    def __init__(self, database_url: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._database_url = database_url
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; while the database is away, try again."""
        while not stop.is_set():
            try:
                with connect(self._database_url, autocommit=True, application="anhu hazards") as connection:
                    while not stop.is_set() and not hazard_store.lead(connection):
                        stop.wait(RETRY_S)
                    self._work(connection, stop)
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("the database is away", error_type=type(error).__name__)
                stop.wait(RETRY_S)

    def _work(self, connection: Connection, stop: threading.Event) -> None:
        connection.execute(f"LISTEN {store.CHANNEL}".encode())
        start(connection)
        scanned_s = float("-inf")
        while not stop.is_set():
            now = self._clock()
            more = follow(connection, now)
            if time.monotonic() - scanned_s >= SCAN_S:
                scan(connection, now)
                scanned_s = time.monotonic()
            if not more:
                for _ in connection.notifies(timeout=WAIT_S, stop_after=1):
                    break


def start(connection: Connection) -> None:
    """Before the first work on a database: the policy is in force, and the log counts from now."""
    with connection.transaction():
        operate.install_policy(connection)
        if hazard_store.cursor(connection) is None:
            hazard_store.advance(connection, store.last_event_id(connection))


def follow(connection: Connection, now: datetime) -> bool:
    """Judge what the log has since the cursor; whether there is more. Each hazard is a transaction of its own, and the
    cursor moves after all of them: what is judged twice opens nothing twice."""
    cursor = hazard_store.cursor(connection) or 0
    entries = feed.entries_after(connection, cursor)
    if not entries:
        return False
    policy = operate.policy_in_force(connection)
    for entry in entries:
        if not sensing.counts(entry.event):
            continue
        for rule in policy.sensors.values():
            if rule.alert_kind is entry.event.kind and rule.when is not When.LASTING:
                since = entry.event.at - timedelta(hours=rule.hours)
                raised = sensing_store.raised_since(connection, entry.event, since)
                _judge(connection, rule, sensing.of_event(entry.event, raised), now, policy)
    hazard_store.advance(connection, entries[-1].cursor)
    return len(entries) == feed.BATCH_COUNT_MAX


def scan(connection: Connection, now: datetime) -> None:
    """What time alone brings about: conditions that have lasted, reminders, escalations, commitments that end; and
    photos nobody used."""
    publicity_operate.remind(connection, now)  # first: one gets only so many messages at a time, and this one once
    policy = operate.policy_in_force(connection)
    for rule in policy.sensors.values():
        if rule.when is When.LASTING:
            for alert in sensing_store.holding_since(connection, rule.alert_kind, now - timedelta(hours=rule.hours)):
                _judge(connection, rule, sensing.of_alert(alert), now, policy)
    unassigned = hazard_store.reported_before(connection, now - min(policy.assign_within.values()))
    for hazard in (*unassigned, *hazard_store.due_before(connection, now + policy.remind_before)):
        while _step(connection, hazard, now, policy):
            hazard = hazard_store.load(connection, hazard.id)
    with connection.transaction():
        photo_store.drop_loose(connection)


def _judge(connection: Connection, rule: SensorRule, cause: Cause, now: datetime, policy: Policy) -> None:
    institution_id = cause.source.institution_id
    if institution_id is None:
        return
    with connection.transaction():
        earlier = hazard_store.of_rule(connection, rule.id, institution_id, cause.source.device_id)
        verdict = sensing.judge(rule, cause, earlier, now, policy)
        event = verdict.event
        if verdict.reason is not Reason.OPENS or event is None or hazard_store.exists(connection, event.hazard_id):
            return
        opened = hazard_store.begin(connection, event)
        notice_store.tell(connection, opened, event, now)
    log.info("hazard opened", hazard=opened.no, rule=rule.id, institution=institution_id)


def _step(connection: Connection, hazard: Hazard, now: datetime, policy: Policy) -> bool:
    """The reminder or escalation that is due, on record and told; whether there was one."""
    if decide.due(hazard, now, policy) is None:
        return False

    def made(standing: Hazard) -> HazardEvent:
        event = decide.due(standing, now, policy)
        if event is None:
            raise StepRefused("somebody was faster")
        return event

    try:
        with connection.transaction():
            changed, event = hazard_store.act(connection, hazard.id, None, made)
            notice_store.tell(connection, changed, event, now)
    except StepRefused:
        return False
    log.info("hazard told of", hazard=changed.no, verb=event.verb.value)
    return True
