"""The role pipeline with a clock that steps: python -m tests.faults.stepped_pipeline FILE.

FILE holds the seconds by which this process, and it alone, believes it to be later than it is.
"""

import sys
import threading
import time
from pathlib import Path
from typing import Final

from anhu import roles

LOOK_S: Final = 0.05


def main(path: Path) -> None:
    """Run the role until SIGTERM."""
    step_us = [0]

    def follow() -> None:
        while True:
            step_us[0] = int(float(path.read_text("ascii") or "0") * 1e6)
            time.sleep(LOOK_S)

    threading.Thread(target=follow, name="clock", daemon=True).start()
    roles.now_us = lambda: time.time_ns() // 1000 + step_us[0]
    roles.pipeline()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
