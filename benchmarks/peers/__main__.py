"""`python -m benchmarks peers`: measure the peers and write docs/peers.md."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from anhu import packages
from anhu.errors import AnhuError
from benchmarks.__main__ import console, describe
from benchmarks.peers import page, results
from benchmarks.peers.measure import (
    BACKLOG_S_MAX,
    COMMON_PER_S,
    FAULT_ALARMS_PER_S,
    FAULT_PER_S,
    FULL,
    QUICK,
    Lengths,
    measure,
)
from benchmarks.peers.variants import VARIANTS, packages_dir
from benchmarks.stage import BenchFailed, stage

PAGE: Final = Path(__file__).parents[2] / "docs" / "peers.md"
EXAMPLE: Final = """\
例 / example:
  python -m benchmarks peers                                  全部，约 25 分钟 / all of it, some 25 minutes
  python -m benchmarks peers --only anhu,node-red-tuned       只测这些，当天其余的保留 / these; the day's others stay
  python -m benchmarks peers --quick --page peers-draft.md    试一试，页面另存 / a try, with the page elsewhere
  python -m benchmarks peers --render                         只重写页面 / write the page alone
"""


def main(argv: Sequence[str]) -> int:
    """Measure what was asked for; the page and the figures are written after each variant."""
    names = [each.name for each in VARIANTS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks peers",
        description="同样的消息进入安护、Node-RED、collectd。 / The same messages into Anhu, Node-RED and collectd.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default=",".join(names), help=f"逗号分隔 / of: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="每段只有几秒 / a few seconds for each part")
    parser.add_argument("--render", action="store_true", help="不测，只写页面 / measure nothing, write the page")
    parser.add_argument("--page", type=Path, default=PAGE, help="页面写到哪里 / where the page goes")
    asked = parser.parse_args(argv)
    chosen = asked.only.split(",")
    if unknown := [name for name in chosen if name not in names]:
        parser.error(f"no {', '.join(unknown)}; there are: {', '.join(names)}")
    if asked.render:
        document = results.load(results.LATEST)
        if not document:
            parser.error(f"there are no figures in {results.LATEST}")
        _write(asked.page, document)
        return 0
    return _measure(chosen, asked.page, QUICK if asked.quick else FULL)


def _measure(chosen: Sequence[str], to: Path, lengths: Lengths) -> int:
    """0 when every variant was measured; what one could not be is told and does not keep the others from it."""
    began_s, failed = time.monotonic(), []
    machine = _machine(lengths)
    for variant in VARIANTS:
        if variant.name not in chosen:
            continue
        console.print(f"\n{variant.title}", style="bold")
        try:
            found = measure(variant, packages_dir(), lengths, _say)
        except (AnhuError, BenchFailed) as error:
            console.print(str(error), style="red", markup=False)
            failed.append(variant.name)
            continue
        document = results.merged(results.load(results.LATEST), machine, variant.name, found)
        results.save(results.LATEST, document)
        _write(to, document)
    console.print(f"{time.monotonic() - began_s:.0f} s; {results.LATEST}", markup=False)
    if failed:
        console.print(f"not measured: {', '.join(failed)}", style="red")
    return 1 if failed else 0


def _say(line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)


def _machine(lengths: Lengths) -> dict[str, Any]:
    load_before = round(os.getloadavg()[0], 2)  # before our own servers start
    with stage(_say) as ready:
        found = describe(ready)
    broker = packages.find(packages_dir(), progress=_say).mosquitto.version
    return found | asdict(lengths) | {
        "load_before": load_before,
        "mosquitto": broker,
        "quick": lengths == QUICK,
        "common_per_s": COMMON_PER_S,
        "fault_per_s": FAULT_PER_S,
        "fault_alarms_per_s": FAULT_ALARMS_PER_S,
        "backlog_s_max": BACKLOG_S_MAX,
    }  # fmt: skip


def _write(path: Path, document: dict[str, Any]) -> None:
    variants = [(each.name, each.title, each.settings_zh, each.settings_en) for each in VARIANTS]
    path.write_text(page.render(document, variants), "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
