"""`python -m benchmarks.peers`: measure Anhu, Node-RED and collectd side by side, and write docs/peers.md."""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from anhu import packages
from anhu.data_folder import default_data_dir
from anhu.errors import AnhuError
from benchmarks.__main__ import describe
from benchmarks.peers import collectd, node_red
from benchmarks.peers.anhu_service import Anhu
from benchmarks.peers.contender import Contender
from benchmarks.peers.measure import BACKLOG_S_MAX, FAULT_PER_S, QUICK, Effort, measure
from benchmarks.peers.page import page
from benchmarks.peers.traffic import ALARMS
from benchmarks.stage import BenchFailed, stage
from benchmarks.usage import Neighbours

HERE: Final = Path(__file__).parent
WORDS: Final = ("page_head.md", "page_how.md")
PAGE: Final = HERE.parents[1] / "docs" / "peers.md"
FIGURES: Final = HERE.parent / "results" / "peers.json"
CONTENDERS: Final[tuple[Contender, ...]] = (
    Anhu(), node_red.DEFAULT, node_red.TUNED, collectd.DEFAULT, collectd.TUNED
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Measure, keep every contender's figures as soon as they are there, and write the page when all are."""
    names = [each.name for each in CONTENDERS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__,
        epilog="example: python -m benchmarks.peers --only anhu --only node-red-tuned",
    )  # fmt: skip
    parser.add_argument("--only", action="append", choices=names, help="measure only these; others keep their figures")
    parser.add_argument("--quick", action="store_true", help="shorter and coarser")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from the kept figures")
    chosen = parser.parse_args(arguments)
    document: dict[str, Any] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {"contenders": {}}
    wanted = [] if chosen.page else [each for each in CONTENDERS if not chosen.only or each.name in chosen.only]
    try:
        if wanted:
            with stage(_say) as ready:
                document["machine"] = describe(ready) | {"mosquitto": _broker_version()}
            document |= {
                "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "quick": chosen.quick,
                "backlog_s": BACKLOG_S_MAX, "fault_per_s": FAULT_PER_S, "alarms": ALARMS,
            }  # fmt: skip
        neighbours = Neighbours()
        for contender in wanted:
            _say(f"\n{contender.title}")
            figures = measure(contender, QUICK if chosen.quick else Effort(), _say)
            document["contenders"][contender.name] = figures
            document["neighbours_percent"] = neighbours.read()[0]
            _keep(document)
    except (AnhuError, BenchFailed) as error:
        _say(str(error))
        return 1
    if missing := [name for name in names if name not in document["contenders"]]:
        _say(f"no page yet: {', '.join(missing)} were not measured")
        return 1
    document["contenders"] = {name: document["contenders"][name] for name in names}
    PAGE.write_text(page(document, *((HERE / name).read_text("utf-8") for name in WORDS)), "utf-8")
    _say(f"{PAGE}")
    return 0


def _broker_version() -> str:
    return packages.find(default_data_dir(os.environ) / "runtime", progress=_say).mosquitto.version


def _keep(document: dict[str, Any]) -> None:
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
