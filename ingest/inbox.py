"""The bounded queue between the thread that listens and the loop that stores."""

import threading
import time
from collections import deque
from collections.abc import Callable

from ingest.intake import Message


class Inbox:
    """Messages in order of arrival, at most `count_max` of them."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._messages: deque[Message] = deque()
        self._leaving = threading.Lock()  # held by whoever takes messages out; putting needs none
        self._arrived = threading.Event()
        self._taken_s = 0.0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> bool:
        """Queue `message`; False when the inbox is full."""
        if len(self._messages) >= self._count_max:
            return False
        self._messages.append(message)
        if not self._arrived.is_set():
            self._arrived.set()
        return True

    def take(self, *, count_max: int, age_ms_max: float, wait_s: float) -> list[Message]:
        """Up to `count_max` messages, the oldest first; [] when none came within `wait_s`.

        Takes are at least `age_ms_max` apart, so that one transaction carries all that came meanwhile; a message that
        comes after a pause goes at once.
        """
        if not self._messages:
            self._arrived.clear()
            if not self._messages and not self._arrived.wait(wait_s):
                return []
        if len(self._messages) < count_max:
            time.sleep(max(0.0, self._taken_s + age_ms_max / 1000 - time.monotonic()))
        self._taken_s = time.monotonic()
        with self._leaving:
            return [self._messages.popleft() for _ in range(min(count_max, len(self._messages)))]

    def discard(self, unwanted: Callable[[Message], bool]) -> int:
        """Drop the queued messages that are `unwanted`; how many went. Only from the thread that puts."""
        with self._leaving:
            kept = [message for message in self._messages if not unwanted(message)]
            gone = len(self._messages) - len(kept)
            self._messages = deque(kept)
        return gone
