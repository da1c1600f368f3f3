"""`python -m benchmarks [GROUP …]`: run the groups, print the table, write results/latest.json. `peers` beside other
programs is a command of its own (benchmarks/peers)."""

import os
import platform
import sys
import time
from collections.abc import Sequence
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from anhu.errors import AnhuError
from benchmarks import fleet, groups
from benchmarks.figures import LATEST, Figure, rounded, save
from benchmarks.stage import BenchFailed, Stage, stage
from ingest.database import edition

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def main(chosen: Sequence[str]) -> int:
    """Run the `chosen` groups; all but the long ones when none is named."""
    unknown = [name for name in chosen if name not in groups.names()]
    if unknown:
        console.print(f"no group {', '.join(unknown)}; there are: {', '.join(groups.names())}")
        return 2
    began_s = time.monotonic()
    figures: list[Figure] = []
    try:
        with stage(lambda line: console.print(line, markup=False, soft_wrap=True)) as ready:
            machine = describe(ready)
            for name in chosen or [each for each in groups.names() if each not in groups.LONG]:
                console.print(f"\n{name}", style="bold")
                figures += groups.load(name)(ready)
                save(LATEST, machine, figures)
    except (AnhuError, BenchFailed) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    console.print()
    console.print(table(figures), crop=False, overflow="ignore")
    console.print(f"{time.monotonic() - began_s:.0f} s; {LATEST}", markup=False)
    return 0


def describe(ready: Stage) -> dict[str, Any]:
    """The machine, as far as the figures depend on it."""
    with ready.database() as connection:
        row = connection.execute("SHOW server_version").fetchone()
        timescaledb = " ".join(edition(connection))
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total // 2**20,
        "load_before": round(os.getloadavg()[0], 2),  # what else was going on
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgres": row[0] if row else "",
        "timescaledb": timescaledb,
        "devices": fleet.DEVICE_COUNT,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - not a file of ours
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def table(figures: Sequence[Figure]) -> Table:
    """The figures, side by side with their limits."""
    shown = Table("figure", "value", "limit", "ratio", "unit")
    for column in shown.columns:
        column.no_wrap = True
    for column in shown.columns[1:4]:
        column.justify = "right"
    for each in figures:
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        limit = "" if each.limit is None else f"{rounded(each.limit):,}"
        shown.add_row(each.name, f"{rounded(each.value):,}", limit, ratio, each.unit)
    return shown


if __name__ == "__main__":
    if sys.argv[1:2] == ["peers"]:
        from benchmarks.peers.__main__ import main as peers  # it takes `describe` from here

        sys.exit(peers(sys.argv[2:]))
    sys.exit(main(sys.argv[1:]))
