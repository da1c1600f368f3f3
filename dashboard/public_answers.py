"""What anybody may ask without a session: answers that are kept for a while, and made one at a time.

However many ask, the database works on one of these questions at most, so that strangers can slow down each other and
never the duty desk. An answer is as old as `age_s_max` at most; what a person of this service changes shows at once.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio.to_thread
from anyio import CapacityLimiter

from dashboard.errors import TooManyQuestions

ANSWERS_COUNT_MAX: Final = 1024
WAITING_COUNT_MAX: Final = 64
AGE_S_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it goes out."""

    body: bytes
    etag: str


@dataclass(slots=True)
class PublicAnswers:
    """The answers that are kept; None is one too: there is no such page."""

    age_s_max: float = AGE_S_MAX
    _kept: OrderedDict[Hashable, tuple[Answer | None, float]] = field(default_factory=OrderedDict)  # answer, made at
    _one: CapacityLimiter = field(default_factory=partial(CapacityLimiter, 1))
    _lock: threading.Lock = field(default_factory=threading.Lock)  # people change things in threads of their own
    _asking: int = 0
    _turn: int = 0  # how often everything was forgotten

    async def get(
        self, question: Hashable, make: Callable[[], bytes | None], now_s: Callable[[], float]
    ) -> Answer | None:  # fmt: skip
        """The answer to `question`: the one that is kept, else what `make` says in a thread of its own. Raises
        TooManyQuestions where too many wait already, and what `make` raises."""
        kept = self._recent(question, now_s())
        if kept is None:
            if self._asking > WAITING_COUNT_MAX:  # besides the one that is being answered
                raise TooManyQuestions
            self._asking += 1
            try:
                kept = await anyio.to_thread.run_sync(partial(self._made, question, make, now_s), limiter=self._one)
            finally:
                self._asking -= 1
        return kept[0]

    def forget(self) -> None:
        """Somebody has changed what is public."""
        with self._lock:
            self._turn += 1
            self._kept.clear()

    def _made(
        self, question: Hashable, make: Callable[[], bytes | None], now_s: Callable[[], float]
    ) -> tuple[Answer | None, float]:  # fmt: skip
        """Who waited for the same question finds it answered."""
        kept = self._recent(question, now_s())
        if kept is not None:
            return kept
        turn, at_s = self._turn, now_s()
        body = make()
        answer = None if body is None else Answer(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        with self._lock:
            if turn == self._turn:
                self._kept[question] = answer, at_s
                while len(self._kept) > ANSWERS_COUNT_MAX:
                    self._kept.popitem(last=False)
        return answer, at_s

    def _recent(self, question: Hashable, now_s: float) -> tuple[Answer | None, float] | None:
        kept = self._kept.get(question)
        return kept if kept is not None and now_s - kept[1] < self.age_s_max else None
