"""The pages' picture: told from the spool and from the log, nothing twice and nothing lost; what is quiet, and when."""

import json
from datetime import UTC, datetime, timedelta

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
from alerting.feed import Entry
from alerting.people import Scope
from alerting.spool_feed import SpooledEntry
from alerting.suppression import Means, Suppression
from dashboard.hub import Board, Update
from dashboard.picture import Picture
from dashboard.present import Places
from ingest.directory import InstitutionEntry
from ingest.reading import to_us
from ingest.registry import Device, Zone

T0 = datetime(2026, 11, 22, tzinfo=UTC)
PLACES = Places(
    {1: InstitutionEntry(1, "home", "安和", "Anhe", "nursing_home", "220322", 2)},
    {1: Zone(1, 1, "kitchen", "厨房", "Kitchen", "kitchen", 1)},
    {n: Device(n, 1, 1, f"smk-{n}", f"烟感 {n}", "smoke", "", 30) for n in (1, 2)},
)


def said(device: int, verb: Verb, second: int, standing: Alert | None = None) -> tuple[AlertEvent, Alert]:
    onset_us = to_us(T0)
    key = Key(1, device, Kind.FIRE)
    event = engine_event(
        alert_id(key, onset_us), verb, to_us(T0 + timedelta(seconds=second)), onset_us, Source(1, 1, device),
        Condition("r", Kind.FIRE, Priority.CRITICAL, latching=False), {"value": 1},
    )  # fmt: skip
    return event, fold(standing, event)


def entry(cursor: int, event: AlertEvent, alert: Alert) -> Entry:
    return Entry(cursor, T0, event, alert)


def begun() -> Picture:
    picture = Picture()
    picture.begin(0, [], PLACES, [], [], [], T0)
    return picture


def messages(update: Update) -> list[dict]:
    return [json.loads(body(frame.data)) for frame in update.frames]


def body(data: bytes) -> bytes:
    """What a frame on the wire holds."""
    return data[2 if data[1] < 126 else 4 if data[1] == 126 else 10 :]


def snapshot(*updates: Update) -> dict:
    board = Board()
    for update in updates:
        board.take(update)
    data = board.snapshot(Scope(), T0)
    return json.loads(body(data))


def test_what_the_spool_told_is_not_told_again_by_the_log():
    picture = begun()
    raised = said(1, Verb.RAISE, 1)
    [frame] = messages(picture.take_spooled([SpooledEntry(1, *raised)], T0))
    assert (frame["event"]["id"], frame["alert"]["device"]["name"]) == (None, "烟感 1")
    assert frame["institution"]["open_alerts"]["critical"] == 1
    other = said(2, Verb.RAISE, 2)
    update = picture.take([entry(1, *raised), entry(2, *other)], T0)
    assert [each["alert"]["device"]["id"] for each in messages(update)] == [2]
    assert (update.cursor, picture.told_early) == (2, [])


def test_a_later_version_in_the_log_is_told():
    picture = begun()
    event, first = said(1, Verb.RAISE, 1)
    picture.take_spooled([SpooledEntry(1, event, first)], T0)
    cleared = said(1, Verb.CLEAR, 2, first)
    [frame] = messages(picture.take([entry(1, event, cleared[1])], T0))
    assert (frame["alert"]["version"], frame["alert"]["active"]) == (2, False)


def test_an_alert_on_its_way_outlives_a_new_beginning_and_one_that_arrived_does_not():
    picture = begun()
    raised = said(1, Verb.RAISE, 1)
    picture.take_spooled([SpooledEntry(1, *raised)], T0)
    again = picture.begin(0, [], PLACES, [], [], [], T0)  # the database is back, and does not have it yet
    assert [each["device"]["id"] for each in snapshot(again)["alerts"]] == [1]
    after = picture.begin(5, [], PLACES, [], [raised[0].event_id], [], T0)  # it had it, and somebody closed it since
    assert snapshot(after)["alerts"] == []


def test_what_the_spool_tells_late_opens_no_alert_that_has_ended():
    """The bystander looked only after the event had been brought in and somebody had acknowledged the alert."""
    picture = begun()
    event, first = said(1, Verb.RAISE, 1)
    by_hand = act(first, Verb.ACKNOWLEDGE, "user:a", T0, None)
    clear, seen_by_pipeline = said(1, Verb.CLEAR, 2, first)
    acknowledged = fold(first, by_hand)
    ended = fold(acknowledged, clear)
    updates = [
        picture.begin(0, [], PLACES, [], [], [], T0),
        picture.take([entry(1, event, first), entry(2, by_hand, acknowledged), entry(3, clear, ended)], T0),
        picture.take_spooled([SpooledEntry(1, clear, seen_by_pipeline)], T0),
    ]
    assert seen_by_pipeline.open
    assert snapshot(*updates)["alerts"] == messages(updates[-1]) == []


def test_what_comes_back_is_told_although_the_pipeline_had_not_heard_of_the_last_acts():
    """Acknowledged, so ended, in the last second before the database went away; then the smoke came back."""
    picture = begun()
    event, first = said(1, Verb.RAISE, 1)
    clear, cleared = said(1, Verb.CLEAR, 2, first)
    by_hand = act(cleared, Verb.ACKNOWLEDGE, "user:a", T0, None)
    ended = fold(cleared, by_hand)
    again, seen_by_pipeline = said(1, Verb.RAISE, 3, cleared)
    assert not ended.open
    assert seen_by_pipeline.version == ended.version
    updates = [
        picture.begin(0, [], PLACES, [], [], [], T0),
        picture.take([entry(1, event, first), entry(2, clear, cleared), entry(3, by_hand, ended)], T0),
        picture.take_spooled([SpooledEntry(1, again, seen_by_pipeline)], T0),
    ]
    [frame] = messages(updates[-1])
    assert (frame["alert"]["active"], frame["alert"]["acknowledged"]) == (True, False)
    assert frame["alert"]["version"] > ended.version, "or a page that saw its end would pass over it"
    assert snapshot(*updates)["alerts"] == [frame["alert"]]


def test_an_event_that_another_alert_has_taken_leaves_no_ghost():
    picture = begun()
    event, first = said(1, Verb.RAISE, 1)
    picture.take_spooled([SpooledEntry(1, event, first)], T0)
    taker = Alert(**{name: getattr(first, name) for name in Alert.__slots__} | {"id": event.event_id})
    update = picture.take([entry(1, event, taker)], T0)
    assert update.fresh
    assert [each["id"] for each in snapshot(update)["alerts"]] == [str(event.event_id)]


def test_time_ends_what_is_quiet():
    picture = begun()
    picture.take([entry(1, *said(1, Verb.RAISE, 1))], T0)
    shelved = Suppression(
        1, Means.OUT_OF_SERVICE, 1, None, 1, None, "x", "user:a", T0, T0 + timedelta(minutes=5)
    )  # fmt: skip
    [frame] = messages(picture.suppress([shelved], T0))
    assert frame["alerts"][0]["quiet"] == "out_of_service"
    assert picture.tick(T0 + timedelta(minutes=4)) is None
    late = picture.tick(T0 + timedelta(minutes=5))
    assert late is not None
    assert messages(late)[0]["alerts"][0]["quiet"] is None
    assert picture.tick(T0 + timedelta(minutes=6)) is None


def test_the_frames_and_the_snapshot_tell_the_same():
    picture = begun()
    updates = [picture.begin(0, [], PLACES, [], [], [], T0)]
    raised = said(1, Verb.RAISE, 1)
    updates.append(picture.take([entry(1, *raised)], T0))
    frame = messages(updates[-1])[0]
    shown = snapshot(*updates)
    assert (shown["alerts"], shown["institutions"]) == ([frame["alert"]], [frame["institution"]])
