"""What is acknowledged is on the disk: a flush that takes long holds back, one that cannot be trusted gives up."""

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

import ingest.flush
from ingest.errors import DatabaseUnavailable
from ingest.flush import Batch, Flush
from ingest.intake import Intake
from ingest.message import Message
from ingest.reading import ReadingBatch

ANSWER_S_MAX = 2.0


class Hand:
    """A writer whose work is done when the test says so."""

    def __init__(self) -> None:
        self.connection: Any = object()
        self.begun: list[tuple[Callable[[Any], None], Future[None]]] = []
        self.cut = 0

    def run(self, work: Callable[[Any], None], _limit_s: float) -> None:
        work(self.connection)

    def begin(self, work: Callable[[Any], None]) -> "Future[None]":
        self.begun.append((work, Future()))
        return self.begun[-1][1]

    def wait(self, begun: "Future[None]", _limit_s: float) -> None:
        if not begun.done():
            self.cut += 1
            raise DatabaseUnavailable("no answer")
        begun.result(0)

    def finish(self) -> None:
        work, future = self.begun.pop(0)
        work(self.connection)
        future.set_result(None)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(s=100.0)
    monkeypatch.setattr(ingest.flush, "time", SimpleNamespace(monotonic=lambda: clock.s))
    return clock


@pytest.fixture
def flush(hand: Hand, now: SimpleNamespace) -> Flush:
    flush = Flush(hand, lambda _: None, ANSWER_S_MAX)  # type: ignore[arg-type]
    flush.connect()
    return flush


def batch(name: str) -> Batch:
    return Batch([Message(name, b"", 0)], Intake(ReadingBatch.build((), (), (), ()), [], [], 1), None)


def names(batches: list[Batch]) -> list[str]:
    return [message.topic for each in batches for message in each.messages]


def test_a_flush_covers_what_was_committed_before_it_began(flush: Flush, hand: Hand) -> None:
    flush.add(batch("a"))
    flush.add(batch("b"))  # while that of a is under way
    assert flush.flushed() == []
    hand.finish()
    assert names(flush.flushed()) == ["a"]
    assert flush.flushed() == []
    flush.add(batch("c"))
    hand.finish()  # begun for b alone
    assert names(flush.flushed()) == ["b"]
    hand.finish()
    assert names(flush.flushed()) == ["c"]
    assert len(flush) == 0
    assert hand.begun == []


def test_a_flush_that_fails_says_nothing_of_any_batch(flush: Flush, hand: Hand) -> None:
    flush.add(batch("a"))
    flush.add(batch("b"))
    hand.begun[0][1].set_exception(DatabaseUnavailable("gone"))
    with pytest.raises(DatabaseUnavailable):
        flush.flushed()
    assert names(flush.take_back()) == ["a", "b"]
    assert flush.flushed() == []


def test_a_flush_that_is_overdue_is_cut_off(flush: Flush, hand: Hand, now: SimpleNamespace) -> None:
    flush.add(batch("a"))
    now.s += ANSWER_S_MAX - 0.1
    assert flush.flushed() == []
    now.s += 0.2
    with pytest.raises(DatabaseUnavailable):
        flush.flushed()
    assert hand.cut == 1
    assert names(flush.take_back()) == ["a"]


def test_a_flush_over_a_new_connection_says_nothing_of_what_the_old_one_was_to_flush(flush: Flush, hand: Hand) -> None:
    flush.add(batch("a"))
    hand.connection = object()  # the server has crashed, lost a, and answers again
    hand.finish()
    with pytest.raises(DatabaseUnavailable, match="lost"):
        flush.flushed()
    assert names(flush.take_back()) == ["a"]
    flush.connect()
    flush.add(batch("b"))
    hand.finish()
    assert names(flush.flushed()) == ["b"]
