"""Public questions: answered one at a time, kept for a while, forgotten when something changes."""

import threading
from functools import partial

import anyio
import anyio.to_thread
import pytest

from dashboard.errors import TooManyQuestions
from dashboard.public_answers import ANSWERS_COUNT_MAX, WAITING_COUNT_MAX, PublicAnswers


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_an_answer_is_kept_until_it_is_old_or_forgotten():
    asked: list[str] = []

    def make(words: bytes | None) -> bytes | None:
        asked.append("")
        return words

    async def run() -> None:
        answers, clock = PublicAnswers(age_s_max=30), Clock()
        first = await answers.get("a", partial(make, b"one"), clock)
        clock.now_s = 29.9
        again = await answers.get("a", partial(make, b"two"), clock)
        assert first == again
        assert await answers.get("none", partial(make, None), clock) is None
        assert await answers.get("none", partial(make, None), clock) is None  # that there is none is kept, too
        assert len(asked) == 2
        clock.now_s = 30.0
        later = await answers.get("a", partial(make, b"two"), clock)
        assert (later.body, later.etag != first.etag) == (b"two", True)
        answers.forget()
        assert (await answers.get("a", partial(make, b"three"), clock)).body == b"three"
        for number in range(ANSWERS_COUNT_MAX):
            await answers.get(number, partial(make, b""), clock)
        before = len(asked)
        await answers.get("a", partial(make, b"three"), clock)  # there was no room for it
        assert len(asked) == before + 1

    anyio.run(run)


def test_many_who_ask_are_answered_by_one_question_to_the_database_and_too_many_are_sent_away():
    going, at_once, asked = threading.Event(), [], []
    working = threading.Lock()

    def make(number: int) -> bytes:
        free = working.acquire(blocking=False)
        at_once.append(free)
        going.wait(10)
        asked.append(number)
        if free:
            working.release()
        return b"x"

    async def run() -> None:
        answers, refused = PublicAnswers(), []

        async def ask(number: int) -> None:
            try:
                await answers.get(number % 2, partial(make, number % 2), Clock())
            except TooManyQuestions as error:
                refused.append(error.retry_after_s)

        async with anyio.create_task_group() as group:
            for number in range(WAITING_COUNT_MAX + 11):
                group.start_soon(ask, number)
            await anyio.wait_all_tasks_blocked()
            going.set()
        assert refused == [2] * 10
        assert sorted(asked) == [0, 1]
        assert all(at_once)

    anyio.run(run)


def test_what_was_made_before_a_change_is_not_kept():
    async def run() -> None:
        answers = PublicAnswers()

        def make() -> bytes:
            answers.forget()  # somebody takes the page down while it is put together
            return b"old"

        await answers.get("a", make, Clock())
        assert await answers.get("a", lambda: None, Clock()) is None

    anyio.run(run)


def test_an_error_is_nobodys_answer():
    def fail() -> bytes:
        raise LookupError

    async def run() -> None:
        answers = PublicAnswers()
        with pytest.raises(LookupError):
            await answers.get("a", fail, Clock())
        assert (await answers.get("a", lambda: b"x", Clock())).body == b"x"

    anyio.run(run)
