"""`python -m alerting.backtest_job`: one backtest in a process of its own, for whoever must not be held up by it.

It reads one line of JSON from standard input (`database_url`, `rules`, `begin`, `end`), and writes lines of JSON: how
far it has got, then what came of it, or why nothing did. It ends when its standard input does. It takes the processor
and the disk only when nobody else wants them, and rests between steps as long as it worked, so that the database's side
of it, too, is idle half of the time.
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TextIO

import psutil

from alerting import store
from alerting.backtest import Difference
from alerting.backtest_run import replay
from alerting.errors import AlertingError
from alerting.rules import default_rules, parse
from ingest import store as ingest_store
from ingest.database import Connection, connect
from ingest.errors import IngestError

EXAMPLES_MAX: Final = 100  # of each sort of change
RAISED_MAX: Final = 200_000  # alerts of both sets together; rules that raise more are no use to anybody
REST_S_MAX: Final = 2.0
OTHER_S_MAX: Final = 20.0
_AGAIN_S: Final = 0.2
CHANGES: Final = ("less", "later", "more", "earlier")  # what is worse first
_LOCK: Final = 0x42414354  # "BACT": one backtest at a time, whoever asks
_CANCELLED: Final = 3


def main() -> None:
    """Do what the first line asks for. Nothing else may come between the lines: logs go to standard error."""
    said, sys.stdout = sys.stdout, sys.stderr
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(19)
    if sys.platform == "linux":
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
    try:
        _say(said, _run(asked, said))
    except (AlertingError, IngestError) as error:
        _say(said, {"error": str(error)})


def change_of(each: Difference) -> str | None:
    """Which sort of change a difference is; None where it is none."""
    if each.before is None:
        return "more"
    if each.after is None:
        return "less"
    shift_s = each.shift_s or 0.0
    return None if shift_s == 0 else "earlier" if shift_s < 0 else "later"


def summary(found: Iterable[Difference], reading_count: int) -> dict[str, Any]:
    """The counts, and the first examples of each sort in the order of time."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[dict[str, Any]]] = {each: [] for each in CHANGES}
    for each in found:
        change = change_of(each)
        counts[change or "same"] += 1
        raised = each.after or each.before
        if change is None or raised is None or len(examples[change]) >= EXAMPLES_MAX:
            continue
        examples[change].append(
            {
                "change": change,
                "device_id": raised.device_id,
                "kind": raised.kind.value,
                "priority": raised.priority.value,
                "rule": raised.rule,
                "at_us": raised.at_us,
                "shift_s": each.shift_s,
            }
        )
    return {
        "counts": {each: counts[each] for each in (*CHANGES, "same")},
        "examples": [one for each in CHANGES for one in examples[each]],
        "reading_count": reading_count,
    }


def _run(asked: dict[str, Any], said: TextIO) -> dict[str, Any]:
    begin, end = (datetime.fromisoformat(asked[each]) for each in ("begin", "end"))
    with connect(asked["database_url"], autocommit=True, application="anhu backtest") as connection:
        connection.execute("SET default_transaction_read_only = on")
        if not _is_ours(connection):
            return {"busy": True}
        registry = ingest_store.load_registry(connection)
        found = store.load_rules(connection)
        rules = parse(found[0] if found else default_rules()), parse(asked["rules"])
        worked_since = time.monotonic()

        def progress(until: datetime, count: int) -> None:
            nonlocal worked_since
            _say(said, {"share": (until - begin) / (end - begin), "reading_count": count})
            time.sleep(min(time.monotonic() - worked_since, REST_S_MAX))
            worked_since = time.monotonic()

        outcome = replay(connection, registry, rules, begin, end, progress, raised_max=RAISED_MAX)
    return {"result": summary(outcome.differences, outcome.reading_count)}


def _is_ours(connection: Connection) -> bool:
    """Whether no other backtest runs. Of one that was killed the server finds out only after its last question."""
    give_up_at = time.monotonic() + OTHER_S_MAX
    while True:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if row is not None and row[0]:
            return True
        if time.monotonic() >= give_up_at:
            return False
        time.sleep(_AGAIN_S)


def _say(said: TextIO, line: dict[str, Any]) -> None:
    said.write(json.dumps(line) + "\n")
    said.flush()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(_CANCELLED)


if __name__ == "__main__":
    main()
