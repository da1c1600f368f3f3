"""Cells: a part of the country with a service and a database of its own, whose records flow up to a database above by
PostgreSQL's logical replication (docs/cells.md). What flows, and what is to be said of it. Pure.

Above, each cell has a database of its own on one server, so that numbers of rows, which every cell counts from one,
never meet.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from inspection.errors import CellRefused

# In the order of their references. Readings stay in the cell; so does who is reached how.
PUBLISHED: Final = (
    "institutions", "zones", "devices", "alerts", "alert_events", "hazards", "hazard_events", "inspections",
    "inspection_events", "rating_policies", "rating_runs", "rating_explanations", "ratings", "credit_entries",
    "credit_events",
)  # fmt: skip
PREFIX: Final = "anhu_cell_"
_NAME: Final = re.compile(r"[a-z0-9_]{1,40}")

Levels = Mapping[str, int]  # package → its newest migration


@dataclass(frozen=True, slots=True)
class CellSummary:
    """What stands in one cell's records: open alerts by priority, hazards by state, institutions by their newest grade.
    `behind_s`: since the cell was last heard of; None before that. `copying`: tables whose first copy is under way."""

    name: str
    institutions: int
    open_alerts: Mapping[str, int]
    hazards: Mapping[str, int]
    grades: Mapping[str, int]
    connected: bool
    behind_s: float | None
    copying: int


@dataclass(frozen=True, slots=True)
class ServerAbove:
    """A server above, seen from the cell: its slot's name, whether it is connected, how many bytes of the log are kept
    for it, and whether more than may be kept were needed: then it has lost its place and must join anew."""

    name: str
    connected: bool
    kept_bytes: int
    lost: bool


def database_name(cell: str) -> str:
    """Of the cell's database above, of the subscription in it, and of the slot in the cell. Raises CellRefused.

    >>> database_name("2203")
    'anhu_cell_2203'
    """
    if not _NAME.fullmatch(cell):
        raise CellRefused(f"{cell!r}: a cell's name has small letters, digits and _, 40 at the most")
    return PREFIX + cell


def check_levels(cell: Levels, above: Levels) -> None:
    """Whether what the cell sends can be kept above: there every table must have at least the columns it has in the
    cell, so what is above is upgraded first. Raises CellRefused.

    >>> check_levels({"alerting": 12}, {"alerting": 13})
    """
    newer = sorted(package for package, level in cell.items() if level > above.get(package, 0))
    if newer:
        raise CellRefused(f"the cell's schema is newer than the one above ({', '.join(newer)}): upgrade above first")
