"""The backtest over what is stored: a span is read a step at a time and judged under two sets of rules."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from alerting.backtest import Difference, Run, differences
from alerting.errors import BacktestOverflow
from alerting.rules import RuleSet
from ingest import store
from ingest.database import Connection
from ingest.reading import ReadingBatch, to_us
from ingest.registry import Registry

STEP: Final = timedelta(minutes=10)  # so much is judged at a time
READ_MAX: Final = timedelta(hours=5, minutes=20)  # and at most so much read: a part of a packed day unpacks it
READ_COUNT = 200_000  # readings that are read at a time, about


class Outcome(NamedTuple):
    """What differs, and how many readings were judged."""

    differences: list[Difference]
    reading_count: int


def replay(
    connection: Connection,
    registry: Registry,
    rules: tuple[RuleSet, RuleSet],
    begin: datetime,
    end: datetime,
    progress: Callable[[datetime, int], None] = lambda _until, _count: None,
    *,
    raised_max: int | None = None,
) -> Outcome:
    """Judge what was measured in [begin, end) under both sets. `progress` is told after each step until when, and how
    many readings so far. Raises BacktestOverflow where the two sets raise more than `raised_max` alerts together."""
    before, after = (Run(registry, each, to_us(begin)) for each in rules)
    count = 0
    for until, readings in steps(connection, begin, end):
        for each in (before, after):
            each.judge(readings, to_us(until))
        count += len(readings)
        if raised_max is not None and len(before.raised) + len(after.raised) > raised_max:
            raise BacktestOverflow(f"more than {raised_max} alerts by {until.isoformat()}")
        progress(until, count)
    return Outcome(differences(before.raised, after.raised), count)


def steps(connection: Connection, begin: datetime, end: datetime) -> Iterator[tuple[datetime, ReadingBatch]]:
    """What was measured in [begin, end), a STEP at a time, each with its end. The fewer there are, the more steps
    are read at once."""
    at, length = begin, STEP
    while at < end:
        read_until = min(at + length, end)
        readings = store.readings_since(connection, at, read_until)
        while at < read_until:
            until = min(at + STEP, read_until)
            first, last = np.searchsorted(readings.measured_at_us, [to_us(at), to_us(until)])
            yield until, readings.take(np.arange(first, last))
            at = until
        if len(readings) < READ_COUNT / 2:
            length = min(2 * length, READ_MAX)
        elif len(readings) > READ_COUNT:
            length = max(length / 2, STEP)
