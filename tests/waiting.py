"""Waiting for something to happen: bounded, and without guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(happened: Callable[[], Found], what: str, *, time_s_max: float = 30.0, every_s: float = 0.02) -> Found:
    """What `happened` answers as soon as it is true; AssertionError, naming `what`, when that takes too long."""
    deadline_s = time.monotonic() + time_s_max
    while not (found := happened()):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {time_s_max:g} s: {what} (last: {found!r})")
        time.sleep(every_s)
    return found
