"""A signal ends a loop, at whatever step of its waiting it comes."""

import subprocess
import sys

A_SIGNAL_WITHIN_WAIT = """
import os, signal
from anhu.stop_signals import stop_on_signals

stop = stop_on_signals()
with stop._cond:  # as `stop.wait` holds it on its way in and out
    os.kill(os.getpid(), signal.SIGNUMBER)
    for _ in range(1000):  # the handler has run by then
        pass
print(stop.wait(30))
"""


def test_a_signal_in_the_middle_of_a_wait_ends_it() -> None:
    for number in ("SIGTERM", "SIGINT"):
        program = A_SIGNAL_WITHIN_WAIT.replace("SIGNUMBER", number)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True", "")
