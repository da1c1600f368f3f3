"""Where the programs come from."""

from pathlib import Path

import pytest

from anhu import packages
from anhu.debian import Target, choose_mirror, targets_of_lists, targets_of_uris
from anhu.errors import ProgramsUnsuitable, SystemUnsupported
from anhu.packages import Mosquitto, Postgres

LOCAL = "http://mirror.lan/debian"


@pytest.mark.parametrize(
    ("targets", "mirror"),
    [
        ([Target(LOCAL, "bookworm")], LOCAL),
        ([Target("http://x/debian-security/", "bookworm-security"), Target(LOCAL, "bookworm")], LOCAL),
        ([Target(LOCAL, "bookworm-updates")], None),
        ([Target("mirror+file:/etc/apt/mirrors/debian.list", "bookworm")], "mirror+file:/etc/apt/mirrors/debian.list"),
        ([Target("http://vendor/nodesource", "nodistro"), Target(LOCAL, "stable")], LOCAL),
        ([Target("http://vendor/apt", "bookworm"), Target(LOCAL, "bookworm")], LOCAL),
        ([], None),
    ],
)
def test_the_mirror_is_the_machines_own(targets: list[Target], mirror: str | None) -> None:
    assert choose_mirror(targets, "bookworm") == mirror


def test_the_sources_are_known_with_and_without_lists() -> None:
    fetched = "http://mirror.lan/debian/ bookworm\nhttp://mirror.lan/debian/ bookworm-updates\n"
    to_fetch = (
        "'http://mirror.lan/debian/dists/bookworm/InRelease' mirror.lan_bookworm_InRelease 0 \n"
        "'http://mirror.lan/debian/dists/bookworm/main/i18n/Translation-en.xz' mirror.lan_Translation-en 0 \n"
        "'http://mirror.lan/debian/dists/bookworm-updates/InRelease' mirror.lan_bookworm-updates_InRelease 0 \n"
    )
    both = [Target("http://mirror.lan/debian/", "bookworm"), Target("http://mirror.lan/debian/", "bookworm-updates")]
    assert targets_of_lists(fetched) == targets_of_uris(to_fetch) == both


def test_the_edition_is_told_by_the_module_that_lies_there(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "bin", tmp_path, "17.11", private=True)
    (tmp_path / "timescaledb-2.9.0.so").touch()
    (tmp_path / "timescaledb-2.19.3.so").touch()
    assert (postgres.major, postgres.edition, postgres.timescaledb_version) == (17, "apache", "2.19.3")
    (tmp_path / "timescaledb-tsl-2.19.3.so").touch()
    assert postgres.edition == "community"


def test_the_folder_is_named_by_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = packages.private_folder(tmp_path)
    monkeypatch.setattr(packages, "PACKAGES", (*packages.PACKAGES, "one-more"))
    assert packages.private_folder(tmp_path) != before


def test_what_is_installed_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres = Postgres(tmp_path, tmp_path, "16.3", private=False)
    mosquitto = Mosquitto(tmp_path, "2.0.11", private=False)
    monkeypatch.setattr(packages, "system_postgres", lambda _major: postgres)
    monkeypatch.setattr(packages, "system_mosquitto", lambda: mosquitto)
    found = packages.find(tmp_path, progress=print)
    assert found == packages.Programs(postgres, mosquitto)


def test_a_data_folder_of_another_version_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "system_postgres", lambda _major: None)
    with pytest.raises(ProgramsUnsuitable, match="PostgreSQL 16") as failure:
        packages.find(tmp_path, progress=print, postgres_major=16)
    assert "ANHU_DATABASE_URL" in str(failure.value)
    assert "deploy/compose.yaml" in str(failure.value)


def test_another_machine_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(SystemUnsupported, match="riscv64"):
        packages.unpack(tmp_path / "runtime", print)
    assert not (tmp_path / "runtime").exists()


def test_a_script_starts_the_real_program_through_the_loader(tmp_path: Path) -> None:
    root, destination = tmp_path / "building", tmp_path / "with space"
    program = root / "usr/sbin/mosquitto"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"\x7fELF...")
    packages._wrap([program], root, destination, "usr/lib64/ld.so")
    script = program.read_text()
    assert script.startswith("#!/bin/sh\nexec ")
    assert f"'{destination}/usr/sbin/mosquitto.real'" in script
    assert program.with_name("mosquitto.real").read_bytes() == b"\x7fELF..."
