"""The backtest that somebody began on the page: a process of its own (alerting/backtest_job.py), one at a time, its
progress and what came of it, which is kept until the next one or the end of this process."""

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import IO, Any, Final

import structlog

from dashboard.errors import Busy

STOP_S_MAX: Final = 10.0
_LINE_BYTES_MAX: Final = 4 * 1_048_576

log = structlog.get_logger("dashboard.backtests")


class JobState(StrEnum):
    """How a backtest stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is tried, on which span, by whom."""

    rules: str
    version: str
    begin: datetime
    end: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Job:
    """A backtest as it stands: `share` of it is done; `result` as backtest_job.summary makes it."""

    number: int
    asked: Asked
    begun_at: datetime
    state: JobState = JobState.RUNNING
    share: float = 0.0
    reading_count: int = 0
    result: Mapping[str, Any] | None = None
    problem: str = ""


class Backtests:
    """The one that runs, or ran last."""

    def __init__(self, database_url: str, work_s_max: float) -> None:
        self._database_url = database_url
        self._work_s_max = work_s_max
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._job: Job | None = None
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def job(self) -> Job | None:
        """The one that runs, or ran last; None before the first."""
        return self._job

    def begin(self, asked: Asked, now: datetime) -> Job:
        """Begin one. Raises Busy while another runs."""
        with self._lock:
            if self._job is not None and self._job.state is JobState.RUNNING:
                raise Busy
            process = subprocess.Popen(
                [sys.executable, "-m", "alerting.backtest_job"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._process = process
            self._job = job = Job(next(self._numbers), asked, now)
            self._reader = threading.Thread(target=self._follow, args=(process, job), name="backtest", daemon=True)
            self._reader.start()
        return job

    def cancel(self) -> None:
        """Stop the one that runs, if any."""
        with self._lock:
            if self._job is None or self._job.state is not JobState.RUNNING or self._process is None:
                return
            self._job = replace(self._job, state=JobState.CANCELLED)
            self._process.terminate()

    def close(self) -> None:
        """Stop what runs, and wait for it."""
        self.cancel()
        if self._reader is not None:
            self._reader.join(STOP_S_MAX)

    def _follow(self, process: subprocess.Popen[str], job: Job) -> None:
        """Hand the process what it needs, take what it says, and see it end."""
        watch = threading.Timer(self._work_s_max, self._give_up, args=(job.number,))
        watch.daemon = True
        watch.start()
        ended: dict[str, Any] | None = None
        try:
            ended = self._converse(process, job)
        except (OSError, ValueError, KeyError) as error:  # ValueError: what it said is no JSON
            ended = {"state": JobState.FAILED, "problem": f"{type(error).__name__}: {error}"}
        finally:
            watch.cancel()
            if ended is None or ended["state"] is not JobState.DONE:
                process.kill()
            code = _wait(process)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    _close(stream)
        # Only now, when its process is gone, may the next one begin.
        self._change(job.number, **(ended or {"state": JobState.FAILED, "problem": f"ended with code {code}"}))
        log.info("backtest over", number=job.number, state=self._job.state.value if self._job else "")

    def _converse(self, process: subprocess.Popen[str], job: Job) -> dict[str, Any] | None:
        """What became of it, None where it ended without a word."""
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes")
        asked = job.asked
        told = {"database_url": self._database_url, "rules": asked.rules}
        span = {"begin": asked.begin.isoformat(), "end": asked.end.isoformat()}
        process.stdin.write(json.dumps(told | span) + "\n")
        process.stdin.flush()  # and left open: the process ends when this one does
        while line := process.stdout.readline(_LINE_BYTES_MAX):
            said = json.loads(line)
            if "share" in said:
                self._change(job.number, share=said["share"], reading_count=said["reading_count"])
            elif "result" in said:
                result = said["result"]
                count = result["reading_count"]
                return {"state": JobState.DONE, "share": 1.0, "reading_count": count, "result": result}
            else:
                problem = "another backtest is running" if said.get("busy") else said.get("error", "")
                return {"state": JobState.FAILED, "problem": problem}
        return None

    def _give_up(self, number: int) -> None:
        with self._lock:
            process = self._process if self._job is not None and self._job.number == number else None
        self._change(number, state=JobState.FAILED, problem=f"took longer than {self._work_s_max:g} s")
        if process is not None:
            process.kill()

    def _change(self, number: int, **changed: Any) -> None:
        """Of a job that is over nothing changes any more."""
        with self._lock:
            if self._job is not None and self._job.number == number and self._job.state is JobState.RUNNING:
                self._job = replace(self._job, **changed)


def _wait(process: subprocess.Popen[str]) -> int:
    """Its code, once it has ended by itself or has been killed."""
    try:
        return process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _close(stream: IO[str]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        log.debug("the backtest ended before it read everything")
