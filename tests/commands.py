"""Running the `anhu` command as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping

COMMAND = [sys.executable, "-m", "anhu"]


def environment(**more: str) -> dict[str, str]:
    """The test's environment without any setting of Anhu's but `more`, and the command line in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANHU_")}
    return {**kept, "LC_ALL": "en_US.UTF-8", "PYTHONUTF8": "1", "ANHU_CONFIG": "/nonexistent/anhu.toml", **more}


def anhu(*words: str, env: Mapping[str, str], time_s_max: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *words], env=dict(env), capture_output=True, text=True, timeout=time_s_max, check=False
    )
