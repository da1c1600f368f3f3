"""What the stored readings weigh and where their upkeep stands, in words."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from alerting.hours import CHINA
from anhu.language import Language, language_of, text
from ingest.packing_store import Weight
from ingest.rollup_store import Progress
from ingest.settings import StorageSettings

HOLDS_READINGS: Final = ("readings", "readings_packed")
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def size(count: float) -> str:
    """Bytes, to three digits.

    >>> size(512), size(5_368_709_120), size(1_500_000)
    ('512 B', '5 GiB', '1.43 MiB')
    """
    power = 0
    while count >= 1024 and power < len(_UNITS) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.3g} {_UNITS[power]}"


def weight_line(weight: Weight) -> str:
    """One table: its name, bytes, and rows.

    >>> weight_line(Weight("readings_packed", 1000, 6500))
    'readings_packed           6.35 KiB         1,000  6.5 B'
    >>> weight_line(Weight("hazards", None, 8192))
    'hazards                      8 KiB'
    """
    line = f"{weight.table:<24}{size(weight.bytes):>12}"
    if weight.rows is None:
        return line
    each = f"  {weight.bytes / weight.rows:.1f} B" if weight.rows else ""
    return f"{line}{weight.rows:>14,}{each}"


def sentence(weights: Sequence[Weight], language: Language | None = None) -> str:
    """All readings together, and bytes a reading; open days and packed ones apart."""
    zh = (language or language_of(os.environ)) is Language.ZH
    parts = []
    for table, names in zip(HOLDS_READINGS, (("未压缩", "open"), ("已压缩", "packed")), strict=True):
        for each in weights:
            if each.table == table and each.rows:
                name = names[0] if zh else names[1]
                parts.append(f"{name} {each.rows:,} ({size(each.bytes)}, {each.bytes / each.rows:.1f} B)")
    total = size(sum(each.bytes for each in weights))
    head = "读数（每条字节数）：" if zh else "readings (bytes each): "
    nothing = "还没有" if zh else "none yet"
    tail = f"；所有表共 {total}" if zh else f"; all tables {total}"
    return head + ("，" if zh else ", ").join(parts or [nothing]) + tail


def boundaries(standing: Progress, late_hours: int, settings: StorageSettings) -> list[str]:
    """How far the rollups and the packing are, and what is kept how long."""
    night = "-" if standing.night_at is None else _time(standing.night_at)
    return [
        text(
            f"汇总到 {_time(standing.rolled_until)}，待重算 {late_hours} 点时；"
            f"{_time(standing.packing_until)} 之前的日期已结束；上次夜间整理 {night}",
            f"rolled up to {_time(standing.rolled_until)}, {late_hours} hours of points to be done again; days before"
            f" {_time(standing.packing_until)} are closed; last night's work {night}",
        ),
        text(
            f"保留：原始读数 {settings.raw_days:g} 天，分钟汇总 {settings.minute_days:g} 天，"
            f"小时汇总 {settings.hour_days:g} 天",
            f"kept: readings {settings.raw_days:g} days, minutes {settings.minute_days:g} days,"
            f" hours {settings.hour_days:g} days",
        ),
    ]


def _time(moment: datetime) -> str:
    return moment.astimezone(CHINA).isoformat(" ", "minutes")
