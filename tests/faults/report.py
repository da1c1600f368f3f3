"""The table of what was tried and what came of it, for the terminal and for docs/faults.md."""

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.faults.trial import Outcome

BEGIN: Final = "<!-- results: written by make test-faults PAGE=docs/faults.md -->"
END: Final = "<!-- end of results -->"
HEAD: Final = (
    "fault", "readings sent", "stored", "doubled", "lost", "alarms sent", "raised", "again", "on the page", "told",
    "told again", "rows again after", "slowest: page", "phone", "pipeline MiB",
)  # fmt: skip


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """As lines of Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", "|---" + "|--:" * (len(HEAD) - 1) + "|"]
    for each in outcomes:
        lost = f"{each.lost}" + (f" (+{each.lost_by_broker})" if each.lost_by_broker else "")
        again = "" if each.again_after_s is None else f"{each.again_after_s:.1f} s"
        cells = (
            each.fault, f"{each.readings:,}", f"{each.stored:,}", each.doubled, lost, each.called, each.raised,
            each.raised_again, each.shown, each.told, each.told_again, again, f"{each.page_s_max:.1f} s",
            f"{each.phone_s_max:.1f} s", f"{each.peak_mib.get('pipeline', 0):.0f}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", *(f"- {each.fault}: {each.note}." for each in outcomes if each.note)]
    return lines


def write_page(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Put the table between its marks in `path`."""
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    when = time.strftime("%Y-%m-%d", time.gmtime())
    machine = f"Run of {when}: {os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}."
    path.write_text("\n".join([before + BEGIN, "", machine, "", *table(outcomes), "", END]) + after, "utf-8")
