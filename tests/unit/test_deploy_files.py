"""What deploy/ and the runbook name is there: figures, units' commands, rules of the alerts about ourselves."""

import json
import os
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry

from alerting import desk, sender  # noqa: F401 - they make the notifier's figures
from anhu import serve
from anhu.roles import LOCAL
from dashboard.metrics import Metrics
from dashboard.schemas.health import CertificateHealth, DiskHealth, RoleHealth, SystemHealth
from dashboard.service_figures import ServiceFigures
from dashboard.settings import DashboardSettings
from ingest.history import Heartbeat
from ingest.settings import Connections
from inspection.cells import ServerAbove

ROOT = Path(__file__).parents[2]
FROM_OUTSIDE = {"up"}  # Prometheus' own


def figures(registry: CollectorRegistry) -> Iterator[str]:
    """The names as Prometheus stores them; of counters that were never used, too."""
    for metric in registry.collect():
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(metric.type, [""])
        yield from (metric.name + ending for ending in endings)


NOW = datetime(2026, 11, 1, tzinfo=UTC)
HEALTH = SystemHealth(
    roles=[RoleHealth(name="watch", connections=1)], broker_reachable=False, outbox_waiting=2, outbox_sending=1,
    spool_bytes=5000, spool_bytes_max=6000, disks=[DiskHealth(folder="/var/lib/anhu", free_bytes=1, free_share=0.25)],
    disk_free_share_min=0.1, clock_ahead_s=-0.5, clock_error_s_max=2.0, database_bytes=10**9, rolled_until=NOW,
    packed_until=NOW, night_at=None, raw_days=400, minute_days=15, hour_days=3660,
    certificates=[CertificateHealth(name="web", days_left=3.5), CertificateHealth(name="torn", days_left=None)],
    certificate_days_min=14, checkpoint_at=None, own_alerts=[],
)  # fmt: skip
ABOVE = ServerAbove("anhu_cell_2203", connected=False, kept_bytes=4_096_000, lost=False)


def beat(shard: int, lag_ms: int) -> Heartbeat:
    return Heartbeat(shard, NOW, NOW, 1.5, 100, 300, 7, 12, lag_ms)


def of_the_service() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(ServiceFigures(HEALTH, [beat(0, 250), beat(1, 0)], [ABOVE]))
    return registry


def served_names() -> set[str]:
    return {*figures(REGISTRY), *figures(Metrics().registry), *figures(of_the_service()), *FROM_OUTSIDE}


def test_one_look_at_the_service_is_told_in_base_units_and_what_is_unknown_is_left_out() -> None:
    lines = ServiceFigures(HEALTH, [beat(0, 250), beat(1, 0)], [ABOVE]).text().decode().splitlines()
    assert {
        "anhu_database_up 1.0",
        "anhu_broker_up 0.0",
        'anhu_pipeline_lag_seconds{shard="0"} 0.25',
        'anhu_pipeline_lag_seconds{shard="1"} 0.0',
        'anhu_pipeline_dead_letters_total{shard="1"} 7.0',
        'anhu_role_connections{role="watch"} 1.0',
        'anhu_cell_connected{above="anhu_cell_2203"} 0.0',
        'anhu_cell_kept_bytes{above="anhu_cell_2203"} 4.096e+06',
        'anhu_cell_lost{above="anhu_cell_2203"} 0.0',
        'anhu_disk_free_ratio{folder="/var/lib/anhu"} 0.25',
        'anhu_certificate_days{name="web"} 3.5',
        "anhu_outbox_messages 3.0",
        "anhu_clock_ahead_seconds -0.5",
    } <= set(lines)
    assert "torn" not in "".join(lines)
    elsewhere = HEALTH.model_copy(update={"broker_reachable": None, "spool_bytes": None})
    assert not {"anhu_broker_up", "anhu_spool_bytes"} & set(ServiceFigures(elsewhere).text().decode().split())
    away = [line for line in ServiceFigures().text().decode().splitlines() if not line.startswith("#")]
    assert away == ["anhu_database_up 0.0"]


def test_every_figure_is_documented_and_nothing_else() -> None:
    text = (ROOT / "docs/metrics.md").read_text("utf-8")
    told = set(re.findall(r"`(anhu_\w+)`", text))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in served_names() if name.startswith("anhu_")}
    assert told == families


def test_every_rule_of_prometheus_waits_has_a_severity_and_says_what_to_do() -> None:
    text = (ROOT / "deploy/prometheus/anhu-rules.yml").read_text("utf-8")
    rules = text.split("- alert: ")[1:]
    documented = dict(
        re.findall(r"^\| (Anhu\w+) \| (\w+) \|", (ROOT / "docs/metrics.md").read_text("utf-8"), re.MULTILINE)
    )
    found = {}
    for rule in rules:
        name, rest = rule.split("\n", 1)
        assert re.search(r"^ +for: \d+[mh]$", rest, re.MULTILINE), name
        assert re.search(r"^ +summary: .+ / .+", rest, re.MULTILINE), name
        [found[name]] = re.findall(r"severity: (critical|warning)", rest)
    assert found == documented


def test_every_figure_of_the_rules_and_panels_is_served() -> None:
    served = served_names()
    expressions = re.findall(r"expr: (.+)", (ROOT / "deploy/prometheus/anhu-rules.yml").read_text("utf-8"))
    panels = json.loads((ROOT / "deploy/grafana/anhu.json").read_text("utf-8"))["panels"]
    expressions += [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(expressions) > 15
    for expression in expressions:
        words = set(re.findall(r"\b(?:anhu_\w+|process_\w+|up)\b(?!\")", re.sub(r'"[^"]*"', '""', expression)))
        assert words, expression
        assert words <= served, expression


def test_the_runbook_has_a_section_for_every_alert_about_ourselves() -> None:
    said = {
        rule
        for package in ("alerting", "dashboard", "ingest", "inspection")
        for path in (ROOT / package).rglob("*.py")
        for rule in re.findall(r'f?"(self\.[a-z_]+|notify)\.?["{]', path.read_text("utf-8"))
    }
    assert {"self.pipeline", "self.certificate", "self.spool"} <= said
    sections = set(re.findall(r"^## (\S+)$", (ROOT / "docs/runbook.md").read_text("utf-8"), re.MULTILINE))
    assert {rule for rule in said if rule.startswith("self.")} <= sections
    assert "notify" in sections


def test_units_run_commands_that_there_are() -> None:
    from anhu.cli import ALONE

    for path in (ROOT / "deploy/systemd").glob("*.service"):
        text = path.read_text("utf-8")
        [command] = re.findall(r"^ExecStart=/opt/anhu/\.venv/bin/anhu (\w+)", text, re.MULTILINE)
        assert command in ALONE
        assert {"NoNewPrivileges=yes", "UMask=0077", "User=anhu"} <= set(text.splitlines()), path.name


def test_the_units_of_single_roles_are_those_that_serve_runs() -> None:
    text = (ROOT / "deploy/systemd/anhu@.service").read_text("utf-8")
    [enabled] = re.findall(r"systemctl enable --now (.+)", text)
    assert {each.removeprefix("anhu@") for each in enabled.split()} == set(LOCAL.split(","))


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.all.yaml").read_text("utf-8"))
    return loaded


def test_the_containers_are_every_role_once_on_settings_that_there_are() -> None:
    services = compose()["services"]
    ours = {name: each for name, each in services.items() if each["image"] == "anhu"}
    assert set(ours) == set(LOCAL.split(",")) | {"migrated"}
    for name, each in ours.items():
        wanted = {"migrated": [["migrate"]]}.get(name, [["role", name], ["serve", "--roles", name]])
        assert each["command"] in wanted
        assert (each["read_only"], each["cap_drop"]) == (True, ["ALL"])
        assert int(each["stop_grace_period"].removesuffix("s")) > serve.STOP_TIME_S_MAX
        assert each["depends_on"].keys() == ({"database"} if name == "migrated" else {"migrated"})
        prefixed = {key.removeprefix("ANHU_DASHBOARD_").lower() for key in each["environment"] if "DASHBOARD" in key}
        assert prefixed <= set(DashboardSettings.model_fields)
        assert {key for key in each["environment"] if "DASHBOARD" not in key} == {"ANHU_CONFIG", "LANG"}
    port = DashboardSettings.model_fields["port"].default
    assert services["dashboard"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"http://127.0.0.1:{port}/healthz" in services["dashboard"]["healthcheck"]["test"][-1]


def test_the_database_is_reached_from_inside_alone_and_no_secret_is_in_an_environment() -> None:
    whole = compose()
    services = whole["services"]
    assert "ports" not in services["database"]
    assert services["database"]["networks"] == ["inside"]
    assert whole["networks"]["inside"] == {"internal": True}
    assert services["broker"]["ports"] == ["8883:8883"]  # of its two listeners the one with TLS
    for name, each in services.items():
        assert "mem_limit" in each, name
        assert each["security_opt"] == ["no-new-privileges:true"]
        assert each["logging"]["options"]["max-file"] == "5"
        assert all("PASSWORD" not in key or key.endswith("_FILE") for key in each.get("environment", {}))
        for source in (volume.split(":")[0] for volume in each.get("volumes", [])):
            assert source in whole["volumes"] or source.startswith("./mosquitto"), source
        assert set(each.get("secrets", [])) <= set(whole["secrets"])
    both = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))["services"]
    assert {name: both[name]["image"] for name in both} == {name: services[name]["image"] for name in both}


def test_the_example_of_addresses_leads_to_the_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("ANHU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANHU_CONFIG", str(ROOT / "deploy/anhu.example.toml"))
    found = Connections()
    urls = [found.database_url, found.mqtt_url, found.admin_mqtt_url]
    hosts = [urlsplit(url.get_secret_value()).hostname for url in urls if url is not None]
    assert hosts == ["database", "broker", "broker"]
    assert set(hosts) <= set(compose()["services"])


def test_the_image_is_built_from_files_that_there_are_as_a_user_of_its_own() -> None:
    text = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    kept = re.findall(r"^!(.+)$", (ROOT / "deploy/Dockerfile.dockerignore").read_text("utf-8"), re.MULTILINE)
    assert [each for each in kept if not (ROOT / each).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(kept)
    assert {project["project"]["readme"], *project["project"]["license-files"], "Makefile"} <= set(kept)
    assert re.search(r"^USER anhu$", text, re.MULTILINE)
    assert all(re.search(r":\d+\.\d+", image) for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
