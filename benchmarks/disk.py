"""A disk that others write to: what any machine's disk has to do now and then, all the time."""

import os
import time
from pathlib import Path
from typing import Final

CHUNK_BYTES: Final = 1 << 20
CHUNKS: Final = 300
PAUSE_S: Final = 0.3
FILE: Final = "busy"


def write(folder: Path, seconds: float) -> None:
    """For so long, write CHUNKS to a FILE in `folder`, have it flushed, rest a moment, and again."""
    chunk = os.urandom(CHUNK_BYTES)
    deadline_s = time.monotonic() + seconds
    path = folder / FILE
    while time.monotonic() < deadline_s:
        with path.open("wb", buffering=0) as file:
            for _ in range(CHUNKS):
                file.write(chunk)
            os.fsync(file.fileno())
        time.sleep(PAUSE_S)
    path.unlink()
