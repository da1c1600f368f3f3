"""The guardian's plan and its logs."""

import errno
import json
import signal
from pathlib import Path

import pytest

from anhu import guardian
from anhu.keeper import Program


def test_a_program_survives_the_trip_to_the_guardian() -> None:
    program = Program(
        "postgres", ["postgres", "-D", "x"], {"LC_ALL": "C"}, 65534, Path("/x"), Path("/x/log"), [(signal.SIGINT, 30.0)]
    )
    assert guardian.from_json(json.loads(json.dumps(guardian.to_json(program)))) == program


def test_a_long_log_is_moved_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"old " * 10)
        guardian.bound_log(path, bytes_max=20)
        writer.write(b"new")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "postgres.log.1").read_bytes() == b"old " * 10


def test_where_there_is_no_room_for_two_logs_the_long_one_is_emptied_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "postgres.log"
    path.write_bytes(b"old " * 10)

    def copyfile(_from: Path, to: Path) -> None:
        to.write_bytes(b"old")
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr("shutil.copyfile", copyfile)
    guardian.bound_log(path, bytes_max=20)
    assert path.read_bytes() == b""
    assert not (tmp_path / "postgres.log.1").exists()


def test_a_short_log_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    path.write_bytes(b"short")
    guardian.bound_log(path, bytes_max=20)
    assert path.read_bytes() == b"short"
    assert not (tmp_path / "postgres.log.1").exists()
