"""What the doctor says, in both languages."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from anhu import cli, debian, doctor, packages, probe
from anhu.backup import LAST
from anhu.doctor import Finding, Health
from anhu.errors import SystemUnsupported
from anhu.language import Language, language_of
from anhu.packages import Mosquitto, Postgres, Programs


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with nothing installed."""
    monkeypatch.setattr(packages, "system_postgres", lambda: None)
    monkeypatch.setattr(packages, "system_mosquitto", lambda: None)
    monkeypatch.setattr(doctor, "_output", lambda _command: "")


@pytest.mark.parametrize(
    ("env", "language"),
    [
        ({}, Language.ZH),
        ({"LANG": "C.UTF-8"}, Language.ZH),
        ({"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ({"LANG": "en_GB.UTF-8"}, Language.EN),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, Language.EN),
    ],
)
def test_the_locale_chooses_the_language(env: dict[str, str], language: Language) -> None:
    assert language_of(env) is language


def test_what_can_be_unpacked_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "check_loader", lambda: None)
    monkeypatch.setattr(debian, "check_system", lambda: "bookworm")
    findings = by_name(doctor.examine({}, tmp_path, Language.ZH))
    assert findings["PostgreSQL"].health is Health.FOUND
    assert str(tmp_path) in findings["mosquitto"].seen


def test_another_system_is_told_about_servers_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise SystemUnsupported("not Debian")

    monkeypatch.setattr(packages, "check_loader", lambda: None)
    monkeypatch.setattr(debian, "check_system", refuse)
    finding = by_name(doctor.examine({}, tmp_path, Language.EN))["PostgreSQL"]
    assert finding.health is Health.MISSING
    assert finding.seen == "not Debian"
    assert "ANHU_DATABASE_URL" in finding.remedy


def test_what_was_unpacked_is_told_with_version_and_edition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "timescaledb-2.19.3.so").touch()
    programs = Programs(
        Postgres(tmp_path, tmp_path, "17.11", private=True), Mosquitto(tmp_path, "2.0.21", private=True)
    )
    monkeypatch.setattr(packages, "private_programs", lambda _folder: programs)
    findings = by_name(doctor.examine({}, tmp_path, Language.EN))
    assert findings["PostgreSQL"].seen.startswith("17.11, private")
    assert findings["TimescaleDB"].seen == "2.19.3, apache"
    assert findings["mosquitto"].seen.startswith("2.0.21, private")


def test_configured_addresses_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "database_trouble", lambda *_: "refused")
    monkeypatch.setattr(probe, "broker_trouble", lambda *_: None)
    env = {"ANHU_DATABASE_URL": "postgresql://anhu:pass@db/anhu", "ANHU_MQTT_URL": "mqtt://anhu:pass@broker"}
    findings = by_name(doctor.examine(env, tmp_path, Language.ZH))
    assert findings["ANHU_DATABASE_URL"].health is Health.MISSING
    assert "refused" in findings["ANHU_DATABASE_URL"].seen
    assert findings["ANHU_MQTT_URL"].health is Health.FOUND
    assert not any("pass@" in finding.seen for finding in findings.values())


def test_a_server_without_the_extension_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "database_trouble", lambda *_: None)
    monkeypatch.setattr(probe, "timescaledb_found", lambda *_: None)
    finding = by_name(doctor.examine({"ANHU_DATABASE_URL": "postgresql://db"}, tmp_path))["TimescaleDB"]
    assert finding.health is Health.MISSING
    assert "CREATE EXTENSION" in finding.remedy


def test_a_browser_is_no_condition() -> None:
    wanting = Finding("Chromium", Health.WANTING, "none")
    missing = Finding("The page", Health.MISSING, "not built yet", "Run make setup.")
    assert doctor.is_fit([wanting])
    assert not doctor.is_fit([wanting, missing])


def test_the_answer_names_the_remedy() -> None:
    console = Console(record=True, width=200)
    doctor.show([Finding("[x]", Health.MISSING, "gone", "do this")], console, Language.EN)
    answer = console.export_text()
    assert "[x]" in answer
    assert "→ do this" in answer
    assert "Something needed is missing" in answer


@pytest.mark.parametrize(("health", "code"), [(Health.FOUND, 0), (Health.WANTING, 0), (Health.MISSING, 1)])
def test_the_exit_code_tells_whether_the_service_can_run(
    monkeypatch: pytest.MonkeyPatch, health: Health, code: int
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda *_: [Finding("thing", health, "seen")])
    assert CliRunner().invoke(cli.app, ["doctor", "--lang", "zh"]).exit_code == code


def test_a_backup_that_is_missing_or_old_is_told(tmp_path: Path) -> None:
    assert "Backup" not in by_name(doctor.examine({}, tmp_path, Language.EN))
    (tmp_path / "postgres").mkdir()
    assert by_name(doctor.examine({}, tmp_path, Language.EN))["Backup"].health is Health.WANTING
    for days, health in ((1, Health.FOUND), (9, Health.WANTING)):
        made_at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        (tmp_path / LAST).write_text(json.dumps({"made_at": made_at, "path": "/mnt/b", "bytes": 1}), "utf-8")
        finding = by_name(doctor.examine({}, tmp_path, Language.EN))["Backup"]
        assert (finding.health, finding.seen) == (health, f"{days}.0 days ago, /mnt/b")
    (tmp_path / LAST).write_text("{}", "utf-8")
    assert by_name(doctor.examine({}, tmp_path, Language.EN))["Backup"].health is Health.WANTING
