"""A disk that is full, tried on a small disk in memory: that of the spool, and that of everything."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.stand import MIB, stand, stopped
from tests.faults.trial import Trial
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk"),
]
ROOM_BYTES = 400_000  # for the spool to be under way in before it is full
SPOOL_FULL_S = 8.0
FULL_S = 240.0


@contextmanager
def small_disk(mib: int) -> Iterator[Path]:
    """A disk in memory of that size, empty."""
    folder = Path(tempfile.mkdtemp(prefix="anhu-disk-", dir="/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=711", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


@contextmanager
def filled(disk: Path, left_bytes: int) -> Iterator[None]:
    """Something else takes all of the disk but so much."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):  # others write there too: until it is full
        while (free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize) > left_bytes:
            file.write(bytes(min(MIB, free - left_bytes)))
    try:
        yield
    finally:
        ballast.unlink()


def test_the_spools_disk_is_full(programs_dir: Path) -> None:
    """While the database hangs the spool fills up; from then on the broker keeps what comes. With room again, alarms
    are told although the database still hangs."""
    with (
        small_disk(8) as disk,
        stand(programs_dir, ["d01"], settings={"ANHU_PIPELINE_SPOOL_DIR": str(disk)}) as made,
        Trial(made, "spool's disk full while the database hangs", "d01", alarms=60) as trial,
    ):
        trial.begin_fault()
        with stopped(made.server("postgres")):
            with filled(disk, ROOM_BYTES):
                wait_until(lambda: "spool full" in made.service.printed, "the spool is full", time_s_max=120)
                trial.begin_outage()
                trial.pause(SPOOL_FULL_S)
            wait_until(trial.alarms_heard, "an alarm is told with room again", time_s_max=60)
        trial.goes_on()


def test_the_disk_of_everything_is_full(programs_dir: Path) -> None:
    """Database, spool and broker on one disk, which something fills to the last byte, for longer than a database is
    tried to be started in vain. Alarms go on: the spool has its reserve. Then there is room again."""
    with (
        small_disk(800) as disk,
        stand(programs_dir, ["d02"], folder=disk, settings={"ANHU_PIPELINE_SPOOL_RESERVE_MIB": "32"}) as made,
        Trial(made, "the whole data folder's disk full", "d02", alarms=60, alarm_every_s=6) as trial,
    ):
        trial.begin_fault()
        with filled(disk, 0):
            wait_until(lambda: "database away, spooling" in made.service.printed, "the spool is used", time_s_max=120)
            for begun_s in (0, FULL_S / 2, FULL_S):
                trial.begin_outage()
                trial.pause(begun_s and FULL_S / 2)
                trial.begin_outage()
                wait_until(trial.alarms_heard, "an alarm is told on a full disk", time_s_max=60)
            assert made.rows("SELECT 1") == [], "the database is back on a full disk: nothing is shown by this"
            assert "spool full" not in made.service.printed
        trial.goes_on()
