"""What others changed is read beside the stream: what the judge said meanwhile is newer, and stands."""

from dataclasses import replace
from typing import Any

import pytest

from alerting.process import Judge
from alerting.settings import AlertingSettings
from ingest.intake import Intake
from ingest.reading import ReadingBatch

from .engine_world import T0, S, point
from .fault_world import Connection, Ground, MemoryTables

FALL = point(1, "fall")


def taken(points: list[int], at_us: list[int], values: list[float], **more: Any) -> Intake:
    """What the intake hands on: readings that come as they are measured, and what else it found."""
    return Intake(ReadingBatch.build(points, at_us, at_us, values), [], [], 1, **more)


class Desk:
    """A judge whose every decision is stored at once."""

    def __init__(self) -> None:
        self.ground = Ground(0, faults=0.0)
        tables = MemoryTables(self.ground)
        self.judge = Judge(AlertingSettings(), tables, tables)
        self.judge.take_up(self.read(0), self.ground.registry, T0)

    def read(self, second: int):
        return self.judge.read(Connection(self.ground), self.ground.registry, T0 + second * S)

    def store(self, decision) -> list[str]:
        connection = Connection(self.ground)
        self.judge.write(connection, decision)
        for change in connection.changes:
            change()
        self.judge.adopt(decision, stored=True)
        return [event.verb.value for event in decision.verdict.events]

    def reading(self, second: int, value: float) -> list[str]:
        at_us = T0 + second * S
        return self.store(self.judge.judge(taken([FALL], [at_us], [value])))

    def agrees_with_the_log(self) -> bool:
        return self.judge._started().alerts == {each.key: each for each in self.ground.alerts.values() if each.open}

    def take_up(self, news, second: int) -> None:
        self.store(self.judge.take_up(news, self.ground.registry, T0 + second * S))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_news_read_before_a_raise_do_not_undo_it(desk: Desk) -> None:
    assert desk.reading(0, 1.0) == ["raise"]
    assert desk.reading(5, 0.0) == ["clear"]
    old_news = desk.read(6)  # the alert is inactive in them
    assert desk.reading(10, 1.0) == ["raise"]
    desk.take_up(old_news, 11)
    assert desk.agrees_with_the_log()
    assert desk.reading(15, 0.0) == ["clear"]
    [alert] = desk.ground.alerts.values()
    assert not alert.active


def test_news_read_before_a_clear_do_not_bring_the_alert_back(desk: Desk) -> None:
    assert desk.reading(0, 1.0) == ["raise"]
    old_news = desk.read(1)
    assert desk.reading(5, 0.0) == ["clear"]
    desk.take_up(old_news, 6)
    assert desk.agrees_with_the_log()
    assert desk.reading(15, 1.0) == ["raise"]
    assert [event.verb.value for event in desk.ground.events] == ["raise", "clear", "raise"]


def test_what_the_database_lost_makes_room_for_numbers_that_are_read_again(desk: Desk) -> None:
    kept = (list(desk.ground.events), dict(desk.ground.alerts))
    at_us = T0
    lost = desk.judge.judge(taken([FALL], [at_us], [1.0]))
    assert desk.store(lost) == ["raise"]
    desk.take_up(desk.read(1), 1)  # the raise is number 1, and read
    desk.ground.events, desk.ground.alerts = kept  # the database has crashed without it
    desk.judge.lost([lost])
    again = desk.judge.judge(taken([], [], []))
    again.verdict.events = lost.verdict.events
    connection = Connection(desk.ground)
    desk.judge.write(connection, again)  # as the spool brings it in
    [(raised, alert)] = connection.alerts.items()
    acknowledged = replace(alert, acknowledged=True, version=alert.version + 1)  # by somebody, before we look again
    desk.ground.events, desk.ground.alerts = connection.events, {raised: acknowledged}
    desk.take_up(desk.read(3), 3)
    assert desk.agrees_with_the_log()
    assert desk.judge._started().alerts[alert.key].acknowledged
