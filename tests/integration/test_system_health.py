"""How the parts of the service are, over the API: roles by their connections, what waits, disks, clocks, certificates,
and what Anhu says of itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from alerting.alert import Kind, Priority, Source, Verb
from anhu import runtime
from anhu.gateway_accounts import GatewayAccounts
from tests.integration.dashboard_world import build, serve

pytestmark = pytest.mark.integration


def certificate(path: Path, days: float) -> None:
    """A certificate that runs out in so many days."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "anhu.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=days))
        .sign(key, None)
    )  # fmt: skip
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def test_every_part_is_told(
    database_url: str, services: runtime.Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(database_url)
    certificate(tmp_path / "web.pem", 12.5)
    (tmp_path / "gone.pem").write_text("no certificate", "utf-8")
    spool = tmp_path / "shard-00.sqlite"
    spool.write_bytes(bytes(5000))
    monkeypatch.setenv("ANHU_WATCH_CERTIFICATES", f'["{tmp_path / "web.pem"}", "{tmp_path / "gone.pem"}"]')
    monkeypatch.setenv("ANHU_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ANHU_MQTT_URL", services.mqtt_url)
    accounts = GatewayAccounts({"ANHU_DATA_DIR": str(tmp_path)})
    told = {"text_zh": "磁盘剩余 5%", "text_en": "The disk has 5% left"}
    source = Source(None, None, None)
    world.say(Verb.RAISE, kind=Kind.SYSTEM, priority=Priority.HIGH, source=source, evidence=told)
    watch = psycopg.connect(database_url, application_name="anhu watch", autocommit=True)
    with watch, serve(world, spool=spool, gateways=accounts) as served:
        client = served.client()
        answer = client.get("/api/system/health")
        assert answer.status_code == 200, answer.text
        seen = answer.json()
        roles = {each["name"]: each["connections"] for each in seen["roles"]}
        assert (roles["watch"], roles["notifier"], roles["dashboard"] >= 1) == (1, 0, True)
        assert seen["broker_reachable"] is True
        assert (seen["outbox_waiting"], seen["spool_bytes"]) == (0, 5000)
        figures = client.get("/metrics").text.splitlines()
        assert {"anhu_database_up 1.0", "anhu_broker_up 1.0", "anhu_spool_bytes 5000.0", "anhu_own_alerts 1.0"} <= set(
            figures
        )
        assert 'anhu_role_connections{role="watch"} 1.0' in figures
        assert seen["spool_bytes_max"] > 5000
        assert [each["folder"] for each in seen["disks"]] == [str(tmp_path)]
        assert 0 < seen["disks"][0]["free_share"] < 1
        assert abs(seen["clock_ahead_s"]) < 5
        assert seen["database_bytes"] > 1_000_000
        days = {each["name"]: each["days_left"] for each in seen["certificates"]}
        assert days == {"web.pem": pytest.approx(12.5, abs=0.1), "gone.pem": None}
        assert [each["text_en"] for each in seen["own_alerts"]] == ["The disk has 5% left"]
        assert seen["checkpoint_at"] is None
        monkeypatch.setenv("ANHU_MQTT_URL", "mqtt://anhu:secret@127.0.0.1:1")
        away = client.get("/api/system/health")
        assert (away.json()["broker_reachable"], "secret" in away.text) == (False, False)
