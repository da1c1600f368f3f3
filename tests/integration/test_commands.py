"""The small commands against a real database: schema, accounts, rules, addresses."""

import re
from pathlib import Path

import numpy as np
import pytest

from anhu import runtime
from tests.commands import anhu, environment
from tests.integration.world import World

pytestmark = pytest.mark.integration


def env_of(world: World, **more: str) -> dict[str, str]:
    return environment(ANHU_DATABASE_URL=world.database_url, ANHU_MQTT_URL="mqtt://nobody:x@127.0.0.1:1", **more)


def test_migrate_says_when_there_is_nothing_to_do(world: World) -> None:
    done = anhu("migrate", env=env_of(world))
    assert (done.returncode, done.stderr.strip()) == (0, "the schema is up to date")
    assert anhu("migrate", env=env_of(world, LC_ALL="C")).stderr.strip() == "数据库结构已是最新"


def test_a_changed_migration_is_told_in_words(world: World) -> None:
    from ingest.database import connect

    with connect(world.database_url) as connection:
        connection.execute("UPDATE anhu_migrations SET sha256 = 'x' WHERE package = 'ingest'")
    done = anhu("migrate", env=env_of(world))
    assert (done.returncode, "was changed after it was applied" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_settings_come_from_the_file_named(world: World, tmp_path: Path) -> None:
    file = tmp_path / "anhu.toml"
    file.write_text(f'database_url = "{world.database_url}"\nmqtt_url = "mqtt://nobody:x@127.0.0.1:1"\n')
    assert anhu("migrate", env=environment(ANHU_CONFIG=str(file))).returncode == 0
    file.write_text("database_url = \n")
    done = anhu("migrate", env=environment(ANHU_CONFIG=str(file)))
    assert (done.returncode, f"{file}: " in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_a_new_password_replaces_the_old_one_and_is_not_stored(world: World) -> None:
    from dashboard import auth
    from ingest.database import connect

    with connect(world.database_url) as connection:
        first = auth.seed_administrator(connection)
    done = anhu("user", "reset-password", "admin", env=env_of(world))
    assert done.returncode == 0
    second = done.stderr.strip().rpartition(" ")[2]
    assert second != first
    assert len(second) >= 12
    stored = str(world.rows("SELECT * FROM users"))
    assert second not in stored
    assert "$argon2id$" in stored
    unknown = anhu("user", "reset-password", "nobody", env=env_of(world))
    assert (unknown.returncode, "Traceback" in unknown.stderr) == (1, False)


def test_accounts_are_listed_their_second_factor_reset_and_signed_out(world: World, tmp_path: Path) -> None:
    from dashboard import auth, second_factor
    from dashboard.account_key import AccountKey
    from dashboard.auth import Arrival
    from dashboard.settings import DashboardSettings
    from dashboard.totp import STEP_S, code_at
    from ingest.database import connect

    key = AccountKey(tmp_path / "account.key")
    with connect(world.database_url) as connection:
        auth.seed_administrator(connection)
        admin = auth.named(connection, "admin")
        secret = second_factor.begin(connection, admin, key).secret
        second_factor.confirm(connection, admin, code_at(secret, 1000), key, 1000 * STEP_S)
        for _ in range(2):
            auth.open_session(connection, admin, Arrival("test"), DashboardSettings(), second_factor=True)
    listed = anhu("user", "list", env=env_of(world))
    assert listed.stdout.split("\t") == ["admin", "管理员", "administrator", "everywhere", "active", "2fa\n"]
    done = anhu("user", "totp-reset", "Admin", env=env_of(world))
    assert (done.returncode, world.rows("SELECT * FROM second_factors"), world.rows("SELECT * FROM sessions")) == (
        0,
        [],
        [],
    )
    again = anhu("user", "totp-reset", "admin", env=env_of(world))
    assert (again.returncode, "Traceback" in again.stderr) == (1, False)
    with connect(world.database_url) as connection:
        auth.open_session(connection, admin, Arrival("test"), DashboardSettings(), second_factor=True)
    assert "1 ended" in anhu("user", "sign-out", "admin", env=env_of(world)).stderr
    assert "no provider" in anhu("user", "link", "admin", "s-1", env=env_of(world)).stderr
    provider = {
        "ANHU_OIDC_ISSUER": "https://id.example.org", "ANHU_OIDC_CLIENT_ID": "anhu",
        "ANHU_OIDC_REDIRECT_URL": "https://anhu.example.org/api/session/oidc/callback",
    }  # fmt: skip
    assert anhu("user", "link", "admin", "s-1", env=env_of(world, **provider)).returncode == 0
    assert world.rows("SELECT issuer, subject FROM identities") == [("https://id.example.org", "s-1")]
    assert anhu("user", "unlink", "admin", env=env_of(world, **provider)).returncode == 0
    assert world.rows("SELECT * FROM identities") == []
    acts = world.rows("SELECT verb, split_part(actor, ':', 1) FROM acts WHERE verb <> 'save_person' ORDER BY id")
    assert acts == [
        ("enrol_second_factor", "user"), ("reset_second_factor", "cli"), ("end_sessions", "cli"),
        ("link_identity", "cli"), ("unlink_identity", "cli"),
    ]  # fmt: skip


def test_rules_are_checked_and_shown_without_a_database(tmp_path: Path) -> None:
    env = environment()
    shown = anhu("rules", "show", "--default", env=env)
    file = tmp_path / "rules.toml"
    file.write_text(shown.stdout, "utf-8")
    assert anhu("rules", "check", str(file), env=env).returncode == 0
    file.write_text(shown.stdout.replace('kind = "fire"', 'kind = "flood"'), "utf-8")
    done = anhu("rules", "check", str(file), env=env)
    assert (done.returncode, "rule fire.smoke: kind = 'flood'" in done.stderr) == (1, True)


def test_a_rule_is_explained_and_other_rules_are_tried_on_what_is_stored(world: World, tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from ingest import store
    from ingest.database import connect
    from ingest.reading import ReadingBatch, to_us

    begin = datetime(2026, 11, 1, tzinfo=UTC)
    smoke = world.point("bed-smk-1", "smoke_obscuration")
    at = [to_us(begin + timedelta(seconds=second)) for second in range(0, 1800, 10)]
    values = [0.01 if number < 90 else 0.2 for number in range(len(at))]
    with connect(world.database_url) as connection:
        store.store_readings(connection, ReadingBatch.build([smoke] * len(at), at, at, values))
    explained = anhu("rules", "explain", "bed-smk-1", env=env_of(world))
    assert explained.returncode == 0, explained.stderr
    assert "fire.smoke.early" in explained.stdout
    assert "0.15 dB/m" in explained.stdout
    assert "in alarm" not in explained.stdout
    assert anhu("rules", "explain", "nobody", env=env_of(world)).returncode == 1

    file = tmp_path / "rules.toml"
    shown = anhu("rules", "show", "--default", env=env_of(world)).stdout
    deaf = shown.replace("raise_at = 0.15\n", "raise_at = 0.29\n").replace("slack = 0.025", "slack = 0.25")
    file.write_text(deaf, "utf-8")
    span = ("--from", "2026-11-01T00:00+00:00", "--to", "2026-11-01T01:00+00:00")
    tried = anhu("rules", "backtest", str(file), *span, env=env_of(world))
    assert tried.returncode == 0, tried.stderr
    assert "less 1," in tried.stdout
    assert "fire.smoke" in tried.stdout
    again = anhu("rules", "backtest", str(file), *span, env=env_of(world))
    assert again.stdout == tried.stdout
    assert anhu("rules", "backtest", str(file), *span[2:], *span[:2], env=env_of(world)).stdout == tried.stdout
    turned = anhu("rules", "backtest", str(file), "--from", span[3], "--to", span[1], env=env_of(world))
    assert (turned.returncode, "Traceback" in turned.stderr) == (1, False)


def test_the_address_for_devices_is_the_one_that_is_set() -> None:
    done = anhu("broker", "url", env=environment(ANHU_DEVICE_MQTT_URL="mqtt://device:x@broker:1883"))
    assert (done.returncode, done.stdout.strip()) == (0, "mqtt://device:x@broker:1883")


def test_no_service_no_address(tmp_path: Path) -> None:
    done = anhu("broker", "url", "--demo", env=environment(ANHU_DATA_DIR=str(tmp_path)))
    assert (done.returncode, "no service is running" in done.stderr, done.stdout) == (1, True, "")


def test_a_recording_is_played_into_the_registered_home(world: World, services: runtime.Services) -> None:
    env = environment(ANHU_DATABASE_URL=world.database_url, ANHU_MQTT_URL=services.mqtt_url)
    done = anhu("replay", "smoke", "--speed", "1000", "--baseline-s", "5", env=env)
    assert done.returncode == 0, done.stderr
    assert world.count("institutions", "code = 'replay-home'") == 1
    told = re.search(r"(\d+) messages sent, (\d+) acknowledged", done.stderr)
    assert told, done.stderr
    assert int(told[1]) == int(told[2]) > 300
    nonsense = anhu("replay", "smoke", "README.md", env=env)
    assert (nonsense.returncode, "Traceback" in nonsense.stderr) == (1, False)


def test_recorded_trials_are_played_by_a_wearer(world: World, services: runtime.Services, tmp_path: Path) -> None:
    env = environment(ANHU_DATABASE_URL=world.database_url, ANHU_MQTT_URL=services.mqtt_url)
    np.savez(
        tmp_path / "P01.npz", acc=np.tile([0, 0, 256], (75, 1)).astype(np.int16), offsets=[0, 75], code=["D01"],
        trial=[1], fs=50.0, scale_g=1 / 256,
    )  # fmt: skip
    done = anhu("replay", "fall", str(tmp_path), "--wear", "wrist", env=env)
    assert done.returncode == 0, done.stderr
    assert "2 messages sent, 2 acknowledged" in done.stderr
    assert world.rows("SELECT code, wear FROM devices WHERE wear <> ''") == [("worn-1", "wrist")]
    nobody = anhu("replay", "fall", str(tmp_path), "--wear", "wrist", "--activity", "F09", env=env)
    assert (nobody.returncode, "no such trial" in nobody.stderr, "Traceback" in nobody.stderr) == (1, True, False)


def test_the_dashboard_role_refuses_a_database_that_is_not_there() -> None:
    env = environment(
        ANHU_DATABASE_URL="postgresql://a:secret-word@127.0.0.1:1/x", ANHU_MQTT_URL="mqtt://x:x@127.0.0.1:1",
        ANHU_DASHBOARD_PORT="0",
    )  # fmt: skip
    done = anhu("role", "dashboard", env=env)
    assert done.returncode != 0
    assert "secret-word" not in done.stderr + done.stdout
