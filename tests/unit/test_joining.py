"""How events join the log: what is raised after an alert's end is an alert of its own, whoever knew of the end."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

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
from alerting.joining import join, meant_ids
from ingest.reading import to_us

T0 = datetime(2026, 11, 22, tzinfo=UTC)
SOURCE = Source(1, 2, 3)
KEY = Key(1, 3, Kind.FIRE)
FIRE = Condition("fire.smoke", Kind.FIRE, Priority.CRITICAL, latching=True)
FIRST = alert_id(KEY, to_us(T0))


def says(verb: Verb, second: int, onset_second: int = 0, alert: UUID = FIRST) -> AlertEvent:
    onset_us = to_us(T0 + timedelta(seconds=onset_second))
    return engine_event(alert, verb, to_us(T0 + timedelta(seconds=second)), onset_us, SOURCE, FIRE, {})


class Log:
    """The log, with what the store loads for an append."""

    def __init__(self) -> None:
        self.events: list[AlertEvent] = []
        self.alerts: dict[UUID, Alert] = {}

    def append(self, *events: AlertEvent) -> dict[UUID, Alert]:
        by_key = {alert.key: alert for alert in self.alerts.values() if alert.open}
        ids = meant_ids(events)
        by_id = {number: alert for number, alert in self.alerts.items() if number in ids or alert.open}
        new, taken_by = join(events, {each.event_id for each in self.events}, by_id, by_key)
        self.events += new
        self.alerts |= by_id
        return {meant: by_id[taker] for meant, taker in taken_by.items()}

    def person(self, verb: Verb) -> None:
        [standing] = [alert for alert in self.alerts.values() if alert.open]
        event = act(standing, verb, "user:a", T0, None)
        self.alerts[standing.id] = fold(standing, event)
        self.events.append(event)


def reset_unknown_to_the_engine() -> Log:
    log = Log()
    log.append(says(Verb.RAISE, 0), says(Verb.CLEAR, 5))
    log.person(Verb.ACKNOWLEDGE)
    log.person(Verb.RESET)
    assert not log.alerts[FIRST].open
    return log


def test_a_raise_after_a_reset_begins_a_new_alert_although_the_engine_means_the_old_one():
    log = reset_unknown_to_the_engine()
    over = log.alerts[FIRST]
    taken = log.append(says(Verb.RAISE, 10, onset_second=9))[FIRST]
    assert log.alerts[FIRST] == over, "what has ended stays as it ended"
    assert (taken.id, taken.version, taken.occurrences) == (alert_id(KEY, to_us(T0 + timedelta(seconds=9))), 1, 1)
    assert taken.open
    assert not taken.acknowledged
    assert log.events[-1].alert_id == taken.id


def test_what_the_engine_goes_on_to_say_of_the_old_one_is_about_the_new_one():
    """From the spool it comes as it was said, under the old id."""
    log = reset_unknown_to_the_engine()
    news = [says(Verb.RAISE, 10, onset_second=9), says(Verb.CLEAR, 15, onset_second=9)]
    taken = log.append(*news)[FIRST]
    assert (taken.active, taken.version, taken.id != FIRST) == (False, 2, True)
    before = list(log.events)
    assert log.append(*news)[FIRST].id == taken.id, "and the same again is nothing new"
    assert log.events == before


def test_a_clear_of_what_has_ended_says_nothing_but_tells_the_engine_so():
    log = Log()
    log.append(says(Verb.RAISE, 0), says(Verb.CLEAR, 5))
    log.person(Verb.ACKNOWLEDGE)
    log.person(Verb.RESET)
    count = len(log.events)
    assert not log.append(says(Verb.CLEAR, 6))[FIRST].open
    assert len(log.events) == count


def test_the_same_onset_is_the_same_alert():
    log = reset_unknown_to_the_engine()
    taken = log.append(says(Verb.RAISE, 10, onset_second=0))[FIRST]
    assert (taken.id, taken.open, taken.occurrences) == (FIRST, True, 2)


def test_an_alert_that_has_taken_over_is_never_overwritten():
    """Both the alert meant and the one it would begin are over."""
    log = reset_unknown_to_the_engine()
    log.append(says(Verb.RAISE, 10, onset_second=9), says(Verb.CLEAR, 15, onset_second=9))
    log.person(Verb.ACKNOWLEDGE)
    log.person(Verb.RESET)
    taken = log.append(says(Verb.RAISE, 20, onset_second=9))[FIRST]
    assert (taken.id, taken.version, taken.occurrences) == (alert_id(KEY, to_us(T0 + timedelta(seconds=9))), 5, 2)
