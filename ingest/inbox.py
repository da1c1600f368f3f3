"""The bounded queue between the thread that listens and the loop that stores."""

import threading
import time
from collections import deque
from collections.abc import Callable

from ingest.message import Message


class Inbox:
    """Messages in order of arrival, at most `count_max` of them with at most `bytes_max` of topics and payloads; a
    message larger than that comes alone."""

    def __init__(self, count_max: int, bytes_max: int) -> None:
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._put_bytes = 0  # ever, by the one thread that puts
        self._left_bytes = 0  # ever, under `_leaving`
        self._messages: deque[Message] = deque()
        self._leaving = threading.Lock()  # held by whoever takes messages out; putting needs none
        self._arrived = threading.Event()
        self._left = threading.Event()
        self._taken_s = 0.0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def waiting_bytes(self) -> int:
        """The size of what is queued."""
        return self._put_bytes - self._left_bytes

    def put(self, message: Message, *, wait_s: float = 0.0) -> bool:
        """Queue `message`, always from the same thread; False when there was no room for it within `wait_s`."""
        size = _bytes(message)
        self._left.clear()
        if not self._room_for(size) and not (wait_s and self._left.wait(wait_s) and self._room_for(size)):
            return False
        self._put_bytes += size
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
            taken = [self._messages.popleft() for _ in range(min(count_max, len(self._messages)))]
            self._left_bytes += sum(map(_bytes, taken))
        self._left.set()
        return taken

    def discard(self, unwanted: Callable[[Message], bool]) -> int:
        """Drop the queued messages that are `unwanted`; how many went. Only from the thread that puts."""
        with self._leaving:
            kept = [message for message in self._messages if not unwanted(message)]
            gone = len(self._messages) - len(kept)
            self._messages = deque(kept)
            self._left_bytes = self._put_bytes - sum(map(_bytes, kept))
        return gone

    def _room_for(self, size: int) -> bool:
        waiting_count = len(self._messages)
        return waiting_count == 0 or (waiting_count < self._count_max and self.waiting_bytes + size <= self._bytes_max)


def _bytes(message: Message) -> int:
    return len(message.topic) + len(message.payload)
