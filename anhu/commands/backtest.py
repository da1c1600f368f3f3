"""`anhu rules backtest`: what other rules would have made of the stored readings."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import typer

from alerting import store
from alerting.backtest import Difference, Run, differences
from alerting.hours import CHINA
from alerting.rules import default_rules, parse
from anhu.commands.ground import progress
from anhu.errors import BacktestImpossible
from anhu.language import text
from ingest import store as ingest_store
from ingest.database import Connection
from ingest.reading import ReadingBatch, from_us, to_us
from ingest.registry import Registry

STEP = timedelta(minutes=10)  # so much is judged at a time
READ_MAX = timedelta(hours=5, minutes=20)  # and at most so much read: a packed day is unpacked as a whole for any part
READ_COUNT = 200_000  # readings that are read at a time, about


def moment(value: str, name: str) -> datetime:
    """The time given for option `name`, in China's time where it has no zone. Raises BacktestImpossible."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise BacktestImpossible(
            text(f"{name} 不是时间：{value}（例：2026-11-01T00:00）", f"{name} is no time: {value} (2026-11-01T00:00)")
        ) from error
    return at if at.tzinfo is not None else at.replace(tzinfo=CHINA)


def run(connection: Connection, new_rules: str, begin: datetime, end: datetime) -> tuple[list[Difference], Registry]:
    """Judge what was measured in [begin, end) under the rules in force and under `new_rules`."""
    if begin >= end:
        raise BacktestImpossible(text("--from 必须早于 --to", "--from must lie before --to"))
    registry = ingest_store.load_registry(connection)
    found = store.load_rules(connection)
    rules = parse(found[0] if found else default_rules()), parse(new_rules)
    before, after = (Run(registry, each, to_us(begin)) for each in rules)
    count = 0
    for until, readings in steps(connection, begin, end):
        for each in (before, after):
            each.judge(readings, to_us(until))
        count += len(readings)
    progress(text(f"已重放 {count} 条读数", f"{count} readings replayed"))
    return differences(before.raised, after.raised), registry


def steps(connection: Connection, begin: datetime, end: datetime) -> Iterator[tuple[datetime, ReadingBatch]]:
    """What was measured in [begin, end), a STEP at a time, each with its end. The fewer there are, the more steps
    are read at once."""
    at, length = begin, STEP
    while at < end:
        read_until = min(at + length, end)
        readings = ingest_store.readings_since(connection, at, read_until)
        while at < read_until:
            until = min(at + STEP, read_until)
            first, last = np.searchsorted(readings.measured_at_us, [to_us(at), to_us(until)])
            yield until, readings.take(np.arange(first, last))
            at = until
        if len(readings) < READ_COUNT / 2:
            length = min(2 * length, READ_MAX)
        elif len(readings) > READ_COUNT:
            length = max(length / 2, STEP)


def show(found: list[Difference], registry: Registry) -> None:
    """A line an alert that differs, and the sums."""
    more = [each for each in found if each.before is None]
    less = [each for each in found if each.after is None]
    moved = [each for each in found if each.shift_s]
    for each in (*more, *less, *moved):
        typer.echo(line(each, registry))
    earlier = sum((each.shift_s or 0) < 0 for each in moved)
    typer.echo(
        text(
            f"多报 {len(more)}，少报 {len(less)}，提前 {earlier}，推迟 {len(moved) - earlier}，"
            f"不变 {len(found) - len(more) - len(less) - len(moved)}",
            f"more {len(more)}, less {len(less)}, earlier {earlier}, later {len(moved) - earlier}, "
            f"the same {len(found) - len(more) - len(less) - len(moved)}",
        )
    )


def line(each: Difference, registry: Registry) -> str:
    """One alert that differs, in words."""
    raised = each.after or each.before
    if raised is None:
        return ""
    device = registry.devices[raised.device_id]
    where = f"{registry.institutions[device.institution_id].name} {registry.zones[device.zone_id].name} {device.name}"
    at = from_us(raised.at_us).astimezone(CHINA).isoformat(timespec="seconds")
    if each.before is None:
        what = text("多报", "more")
    elif each.after is None:
        what = text("少报", "less")
    else:
        shift_s = each.shift_s or 0.0
        what = text(f"{'提前' if shift_s < 0 else '推迟'} {abs(shift_s):g} 秒",
                    f"{abs(shift_s):g} s {'earlier' if shift_s < 0 else 'later'}")  # fmt: skip
    return f"{at}  {what}  {raised.kind} [{raised.priority}] {raised.rule}  {where}"
