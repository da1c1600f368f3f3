"""`anhu doctor --security` before a real database and broker."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from anhu import cli, runtime, security_facts
from ingest.reach import Guard
from tests.integration.dashboard_world import build, serve

pytestmark = pytest.mark.integration


def test_what_a_real_service_shows(
    services: runtime.Services, shared_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANHU_DATABASE_URL", shared_database_url)
    monkeypatch.setenv("ANHU_MQTT_URL", services.mqtt_url)
    monkeypatch.setenv("ANHU_ADMIN_MQTT_URL", services.admin_mqtt_url)
    world = build(shared_database_url)
    now = datetime.now(UTC)
    found = security_facts.gather({}, tmp_path, now).database
    assert found is not None
    assert (found.superuser, found.row_security, found.enrolled) == (False, Guard.READY, 0)
    assert found.administrators_with_one_factor == ("admin",)
    assert found.idle_users == ()  # nobody has been here for 90 days yet

    later = now + timedelta(days=91)
    assert security_facts.gather({}, tmp_path, later).database.idle_users == ("admin",)  # type: ignore[union-attr]
    with psycopg.connect(shared_database_url) as connection:
        connection.execute("UPDATE users SET created_at = now() - interval '200 days', password_one_time = true")
    found = security_facts.gather({}, tmp_path, now).database
    assert found is not None
    assert found.one_time_passwords == ("admin",)
    with psycopg.connect(shared_database_url) as connection:
        connection.execute("UPDATE users SET password_one_time = false")
    with serve(world) as served:
        served.client()  # signs in, which is a sign of life
    assert security_facts.gather({}, tmp_path, now).database.idle_users == ()  # type: ignore[union-attr]
    assert security_facts.gather({}, tmp_path, now).shared_account_open is True
    monkeypatch.setenv("ANHU_DASHBOARD_HOST", "192.0.2.1")

    said = CliRunner().invoke(cli.app, ["doctor", "--security", "--lang", "en", "--data-dir", str(tmp_path)])
    assert said.exit_code == 1
    lines = said.output.splitlines()
    assert any(line.startswith("✗ Way to the page") for line in lines)
    assert any(line.startswith("! Account shared by devices") for line in lines)
    assert any(line.startswith("✓ Row-level security") for line in lines)
    for url in (shared_database_url, services.mqtt_url, services.admin_mqtt_url):
        assert url not in said.output
