"""The data folder: which it is, and who holds it."""

import json
import os
from pathlib import Path

import pytest

from anhu import data_folder
from anhu.data_folder import DataFolder, default_data_dir
from anhu.errors import DataFolderInUse, DataFolderUnusable


def test_the_configured_folder_wins(tmp_path: Path) -> None:
    assert default_data_dir({"ANHU_DATA_DIR": str(tmp_path)}) == tmp_path


def test_root_has_the_systems_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir({}) == Path("/var/lib/anhu")


def test_anyone_else_has_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_data_dir({"XDG_DATA_HOME": "/home/li/data"}) == Path("/home/li/data/anhu")
    monkeypatch.setenv("HOME", "/home/li")
    assert default_data_dir({}) == Path("/home/li/.local/share/anhu")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A data folder as a normal user has it, whoever runs the test."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return DataFolder(tmp_path / "data")


def test_the_passwords_stay(folder: DataFolder) -> None:
    assert DataFolder(folder.path).secrets == folder.secrets


def test_a_folder_of_an_older_version_gets_the_password_it_lacks_and_keeps_the_others(folder: DataFolder) -> None:
    path = folder.path / "secrets.json"
    before = json.loads(path.read_text())
    del before["mqtt_admin"]
    path.write_text(json.dumps(before))
    again = DataFolder(folder.path).secrets
    assert {name: getattr(again, name) for name in before} == before
    assert json.loads(path.read_text())["mqtt_admin"] == again.mqtt_admin != folder.secrets.mqtt_admin


def test_a_spoilt_secrets_file_is_named(folder: DataFolder) -> None:
    (folder.path / "secrets.json").write_text("{")
    with pytest.raises(DataFolderUnusable, match=r"secrets\.json"):
        DataFolder(folder.path)


def test_a_folder_has_one_holder(folder: DataFolder) -> None:
    lock = folder.lock()
    with pytest.raises(DataFolderInUse, match=str(os.getpid())):
        DataFolder(folder.path).lock()
    os.close(lock)
    os.close(DataFolder(folder.path).lock())


def test_what_ends_meanwhile_is_waited_for(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = folder.lock()
    monkeypatch.setattr(data_folder, "_is_alive", lambda _owner: False)
    monkeypatch.setattr("time.sleep", lambda _s: os.close(lock))
    os.close(DataFolder(folder.path).lock())


@pytest.mark.parametrize("owner", ["", "0", "x", "4194305"])
def test_nobody_is_not_alive(owner: str) -> None:
    assert not data_folder._is_alive(owner)


def test_we_are_alive() -> None:
    assert data_folder._is_alive(str(os.getpid()))
