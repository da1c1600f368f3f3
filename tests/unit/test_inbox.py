"""The queue between the listener and the loop."""

import threading
import time

from ingest.inbox import Inbox
from ingest.message import Message
from tests.waiting import wait_until


def message(number: int) -> Message:
    return Message(str(number), b"", number)


def numbers(messages: list[Message]) -> list[int]:
    return [each.received_at_us for each in messages]


def take(inbox: Inbox, count_max: int = 100, wait_s: float = 0.0) -> list[int]:
    return numbers(inbox.take(count_max=count_max, age_ms_max=1, wait_s=wait_s))


def test_first_in_first_out_and_no_more_than_asked_for() -> None:
    inbox = Inbox(10, 10_000)
    assert all(inbox.put(message(number)) for number in range(5))
    assert take(inbox, 3) == [0, 1, 2]
    assert len(inbox) == 2
    assert take(inbox) == [3, 4]
    assert take(inbox) == []


def test_a_full_inbox_says_so_and_keeps_what_it_has() -> None:
    inbox = Inbox(2, 10_000)
    assert [inbox.put(message(number)) for number in range(4)] == [True, True, False, False]
    assert take(inbox) == [0, 1]
    assert inbox.put(message(9))


def sized(number: int, size: int) -> Message:
    return Message("", bytes(size), number)


def test_it_is_bounded_by_bytes_too_but_a_large_message_may_come_alone() -> None:
    inbox = Inbox(10, 100)
    assert inbox.put(sized(1, 60))
    assert not inbox.put(sized(2, 41))
    assert inbox.put(sized(3, 40))
    assert inbox.waiting_bytes == 100
    assert not inbox.put(Message("a", b"", 4)), "the topic counts"
    assert take(inbox, 1) == [1]
    assert inbox.waiting_bytes == 40
    assert take(inbox) == [3]
    assert inbox.put(sized(5, 1000))
    assert not inbox.put(sized(6, 0))
    assert inbox.discard(lambda _: True) == 1
    assert inbox.waiting_bytes == 0
    assert inbox.put(sized(7, 100))


def test_putting_can_wait_for_room() -> None:
    inbox = Inbox(10, 100)
    assert inbox.put(sized(1, 100))
    assert not inbox.put(sized(2, 1), wait_s=0.01)
    got: list[bool] = []
    thread = threading.Thread(target=lambda: got.append(inbox.put(sized(3, 50), wait_s=30)))
    thread.start()
    assert take(inbox) == [1]
    thread.join(30)
    assert got == [True]
    assert take(inbox) == [3]


def test_waiting_ends_with_a_message_or_with_time() -> None:
    inbox = Inbox(5, 10_000)
    assert take(inbox, wait_s=0.01) == []
    got: list[list[int]] = []
    thread = threading.Thread(target=lambda: got.append(take(inbox, wait_s=30)))
    thread.start()
    inbox.put(message(7))
    wait_until(lambda: got, "the waiting one is woken")
    thread.join()
    assert got == [[7]]


def test_takes_are_apart_so_that_company_is_waited_for_but_not_by_the_first_nor_by_a_full_batch() -> None:
    inbox = Inbox(5, 10_000)
    inbox.put(message(1))
    began_s = time.monotonic()
    assert numbers(inbox.take(count_max=5, age_ms_max=60_000, wait_s=0)) == [1]  # after a pause: at once
    inbox.put(message(2))
    assert numbers(inbox.take(count_max=1, age_ms_max=60_000, wait_s=0)) == [2]  # a full batch: at once
    assert time.monotonic() - began_s < 30
    inbox.put(message(3))
    threading.Timer(0.02, lambda: inbox.put(message(4))).start()
    assert numbers(inbox.take(count_max=5, age_ms_max=1000, wait_s=0)) == [3, 4]


def test_what_comes_again_is_discarded() -> None:
    inbox = Inbox(9, 10_000)
    for number in range(6):
        inbox.put(message(number))
    assert inbox.discard(lambda each: each.received_at_us % 2 == 0) == 3
    assert take(inbox) == [1, 3, 5]
    assert inbox.discard(lambda _: True) == 0


def test_nothing_is_lost_or_doubled_between_threads() -> None:
    inbox, total, taken = Inbox(50, 100), 5000, list[int]()

    def fill() -> None:
        for number in range(total):
            wait_until(lambda number=number: inbox.put(message(number)), "there is room", every_s=0.0001)

    thread = threading.Thread(target=fill)
    thread.start()
    wait_until(lambda: taken.extend(take(inbox, 20, 0.01)) or len(taken) >= total, "all of it came", every_s=0)
    thread.join()
    assert taken == list(range(total))
