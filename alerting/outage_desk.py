"""The desk while the database is away: it hears of alarms from the pipeline's spool, decides with the same pure core
from what was known before, and puts each decision into the journal before anything is sent."""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import orjson
import structlog

from alerting import directory_cache
from alerting.alert import Alert, AlertEvent, Key
from alerting.book import REMEMBERED, Book, Directory
from alerting.delivery import Push
from alerting.dispatch import dispatch
from alerting.errors import JournalUnavailable, PolicyInvalid
from alerting.joining import join
from alerting.journal import Heard, Journal
from alerting.journal_outbox import JournalOutbox
from alerting.ladder import Ladder, Telling
from alerting.notification import decide, next_change
from alerting.outage_watch import OutageWatch
from alerting.sender import Senders
from alerting.settings import NotifySettings
from alerting.spool_feed import Position, SpooledEntry, SpoolFeed

POLL_S: Final = 0.05

log = structlog.get_logger("alerting.outage")


class OutageDesk:
    """The one that decides, from the journal alone. Raises JournalUnavailable where that holds no directory."""

    def __init__(
        self, journal: Journal, spool: Path | None, settings: NotifySettings, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._clock = clock
        kept, registry = journal.note("directory"), journal.note("registry")
        if kept is None or registry is None:
            raise JournalUnavailable("no directory has been kept: the notifier was never here with the database")
        try:
            self.directory: Directory = directory_cache.load(kept, registry)
        except (PolicyInvalid, ValueError) as error:
            raise JournalUnavailable("the directory that was kept cannot be read") from error
        self.outbox = JournalOutbox(journal, settings, lambda: self.directory)
        self.book = Book()
        since = clock() - REMEMBERED
        pushes = [each for each in journal.records(Push) if each.created_at > since]
        self.book.restore(journal.records(Alert), journal.records(Ladder), journal.records(Telling), pushes)
        self._pushes_of: dict[UUID, set[UUID]] = defaultdict(set)  # of each alert
        for telling in journal.records(Telling):
            self._note(telling)
        self._unreached: frozenset[UUID] = frozenset()
        self._change_at = next_change(self.directory, clock())
        # What the spool held before is read too: it may have come while nobody looked, and what is known is not told
        # again.
        self._feed = SpoolFeed(spool, after=_read_up_to(journal.note("spool"))) if spool else None
        log.warning("deciding without the database", open_alerts=len(self.book.alerts))

    def run(self, senders: Senders, watch: OutageWatch, stop: threading.Event) -> None:
        """Hear, decide and send until the database is back or `stop` is set. Raises JournalUnavailable."""
        while not stop.is_set() and watch.away:
            watch.calling = self.calling()
            self.hear_of(watch.acknowledged)
            self.step(senders)
            stop.wait(POLL_S)
        watch.calling = ()

    def step(self, senders: Senders) -> None:
        """Decide about what is new or due."""
        entries = self._new_entries()
        now = self._clock()
        heard = self._take_in(entries)
        for alert, _ in heard:
            self.book.put(alert, now)
        if self._change_at is not None and now >= self._change_at:
            self.book.look_at_all()
            self._change_at = next_change(self.directory, now)
        self._look_for_unreached()
        if not entries and not self.book.due(now) and not self.book.ripe(now):
            return
        decision = decide(self.book, self.directory, now)
        made = self._fold(decision.events)
        if entries or not decision.empty:
            outgoing = dispatch(decision.pushes, self.directory, senders, self._settings, now)
            try:
                self.outbox.write(
                    decision,
                    outgoing,
                    [*(alert for alert, _ in heard), *made],
                    [Heard(alert.id, event.event_id) for alert, event in heard],
                    self._position(),
                )
            except BaseException:
                outgoing.drop(senders)
                raise
            outgoing.send(senders)
            senders.wake(outgoing.waiting(now))
        self.book.adopt(decision, now)
        for telling in decision.tellings:
            self._note(telling)
        for alert in made:
            self.book.put(alert, now)
        if decision.pushes:
            log.warning("pushed without the database", pushes=len(decision.pushes), events=len(entries))

    def hear_of(self, acknowledged: Iterable[Alert]) -> None:
        """Take in what people acknowledged, which is heard of as soon as the database answers again, while the log may
        still lack what the spool has told us."""
        for alert in acknowledged:
            known = self.book.alerts.get(alert.id)
            if known is None or known.acknowledged or alert.called_at < known.called_at:
                continue
            self.book.put(
                replace(
                    known, acknowledged=True, acknowledged_at=alert.acknowledged_at,
                    acknowledged_by=alert.acknowledged_by,
                )
            )  # fmt: skip

    def calling(self) -> tuple[UUID, ...]:
        """The alerts that people are being called for."""
        return tuple(number for number, ladder in self.book.ladders.items() if ladder.running)

    def close(self) -> None:
        """Let the spool go."""
        if self._feed is not None:
            self._feed.close()

    def _new_entries(self) -> Sequence[SpooledEntry]:
        if self._feed is None:
            return ()
        try:
            return self._feed.new_entries()
        except sqlite3.Error as error:  # a pipeline that makes its spool at this moment
            log.warning("the spool cannot be read yet", reason=str(error))
            return ()

    def _position(self) -> bytes:
        return orjson.dumps(self._feed.position if self._feed else [])

    def _take_in(self, entries: Sequence[SpooledEntry]) -> list[tuple[Alert, AlertEvent]]:
        """The alerts that events of the spool change, as they leave them. The log will do the same with them: the
        engine may not have heard of what people did last, or not know that the alert is open already."""
        by_id, by_key = self._standing() if entries else ({}, {})
        found = []
        for entry in entries:
            event, in_place = entry.event, by_key.get(entry.event.key)
            if event.alert_id in by_id or (in_place is not None and in_place.open):
                new, _ = join([event], (), by_id, by_key)
                found += [(by_id[each.alert_id], event) for each in new]
            else:
                by_id[entry.alert.id] = by_key[entry.alert.key] = entry.alert
                found.append((entry.alert, event))
        return found

    def _fold(self, events: Sequence[AlertEvent]) -> list[Alert]:
        """The alerts as our own events leave them; the log does the same when it gets them."""
        if not events:
            return []
        by_id, by_key = self._standing()
        new, _ = join(events, (), by_id, by_key)
        return [by_id[number] for number in dict.fromkeys(event.alert_id for event in new)]

    def _standing(self) -> tuple[dict[UUID, Alert], dict[Key, Alert]]:
        """What is known, by id, and what is open, by place."""
        known = dict(self.book.alerts)
        return known, {alert.key: alert for alert in known.values() if alert.open}

    def _note(self, telling: Telling) -> None:
        if telling.push_id is not None:
            self._pushes_of[telling.key.alert_id].add(telling.push_id)

    def _look_for_unreached(self) -> None:
        """Alerts none of whose messages can arrive any more: the next in line is to be told."""
        failed = self.outbox.unreached()
        if failed == self._unreached:
            return
        self._unreached = failed
        for alert_id, pushes in self._pushes_of.items():
            ladder = self.book.ladders.get(alert_id)
            if pushes <= failed and ladder is not None and ladder.running:
                self.book.unreached.add(alert_id)
                self.book.dirty[alert_id] = None


def _read_up_to(kept: bytes | None) -> Position:
    found = orjson.loads(kept) if kept is not None else []
    if found and isinstance(found[0], str):  # an older version noted the one spool there was
        found = [found]
    return tuple((str(spool), int(number)) for spool, number in found)
