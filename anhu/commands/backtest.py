"""`anhu rules backtest`: what other rules would have made of the stored readings."""

from datetime import datetime

import typer

from alerting import store
from alerting.backtest import Difference
from alerting.backtest_run import replay
from alerting.hours import CHINA
from alerting.rules import default_rules, parse
from anhu.commands.ground import progress
from anhu.errors import BacktestImpossible
from anhu.language import text
from ingest import store as ingest_store
from ingest.database import Connection
from ingest.reading import from_us
from ingest.registry import Registry


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
    outcome = replay(connection, registry, rules, begin, end)
    count = outcome.reading_count
    progress(text(f"已重放 {count} 条读数", f"{count} readings replayed"))
    return outcome.differences, registry


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
