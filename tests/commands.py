"""Running the `anhu` command as a process of its own."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

SPOOLS = Path(tempfile.gettempdir()) / f"anhu-test-spools-{os.getpid()}"  # conftest.py clears it away
COMMAND = [sys.executable, "-m", "anhu"]


def environment(**more: str) -> dict[str, str]:
    """The test's environment without any setting of Anhu's but `more`, and the command line in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANHU_")}
    spool = spool_dir(more.get("ANHU_DATABASE_URL", ""))
    fixed = {
        "LC_ALL": "en_US.UTF-8", "PYTHONUTF8": "1", "ANHU_CONFIG": "/nonexistent/anhu.toml",
        "ANHU_PIPELINE_SPOOL_DIR": str(spool), "ANHU_PIPELINE_SPOOL_RESERVE_MIB": "0",
    }  # fmt: skip
    return {**kept, **fixed, **more}


def spool_dir(database_url: str) -> Path:
    """The spool that belongs to a test's database: what one test spools must not be brought into another's."""
    return SPOOLS / hashlib.sha256(database_url.encode()).hexdigest()[:16]


def anhu(*words: str, env: Mapping[str, str], time_s_max: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *words], env=dict(env), capture_output=True, text=True, timeout=time_s_max, check=False
    )
