"""Ctrl-C and `kill` as an event that a loop waits for."""

import _thread
import signal
import threading
from types import FrameType


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set from now on; call it from the main thread.

    The handler runs in the main thread, between any two of its steps. If that one is just then inside the event's own
    `wait`, it holds the lock that `set` needs, and a handler that called `set` would wait for itself for ever. So a
    thread of its own sets it.
    """
    stop = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        # not threading.Thread, whose start takes locks that the interrupted step may hold too
        _thread.start_new_thread(stop.set, ())

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return stop
