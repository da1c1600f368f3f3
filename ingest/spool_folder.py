"""The spools of one machine: a file for each shard that was ever served here."""

import fcntl
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ingest.errors import SpoolTaken
from ingest.spool_reader import SpoolReader

_FILE: Final = re.compile(r"shard-(\d{2,4})\.sqlite")


class SpoolFolder:
    """Which of them hold something, and who may use one: several workers of a machine share the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._readers: dict[int, SpoolReader] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def file(self, shard: int) -> Path:
        """Where the spool of a shard is, or will be."""
        return self._folder / f"shard-{shard:02d}.sqlite"

    @contextmanager
    def alone(self, shard: int) -> Iterator[Path]:
        """The spool of a shard, which is nobody else's on this machine meanwhile; a process that dies lets it go.
        Raises SpoolTaken."""
        with self.file(shard).with_suffix(".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SpoolTaken(f"the spool of shard {shard} is in use by another process of this machine") from error
            yield self.file(shard)

    def waiting(self, serving: frozenset[int] = frozenset()) -> frozenset[int]:
        """The shards of which something waits here for the database: those we are `serving` ourselves, and those that
        no process of this machine serves."""
        return frozenset(
            shard for shard in self._shards() if self._holds(shard) and (shard in serving or self._is_free(shard))
        )

    def _shards(self) -> list[int]:
        return [int(found[1]) for each in self._folder.iterdir() if (found := _FILE.fullmatch(each.name))]

    def _holds(self, shard: int) -> bool:
        reader = self._readers.setdefault(shard, SpoolReader(self.file(shard)))
        try:
            return reader.waiting()
        except sqlite3.Error:  # one that is being made at this moment
            return False

    def _is_free(self, shard: int) -> bool:
        try:
            with self.alone(shard):
                return True
        except SpoolTaken:
            return False
