"""What deploy/ and the runbook name is there: figures, units' commands, rules of the alerts about ourselves."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry

from alerting import desk, sender  # noqa: F401 - they make the notifier's figures
from dashboard.metrics import Metrics
from dashboard.schemas.health import CertificateHealth, DiskHealth, RoleHealth, SystemHealth
from dashboard.service_figures import ServiceFigures
from ingest.history import Heartbeat

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


def beat(shard: int, lag_ms: int) -> Heartbeat:
    return Heartbeat(shard, NOW, NOW, 1.5, 100, 300, 7, 12, lag_ms)


def of_the_service() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(ServiceFigures(HEALTH, [beat(0, 250), beat(1, 0)]))
    return registry


def served_names() -> set[str]:
    return {*figures(REGISTRY), *figures(Metrics().registry), *figures(of_the_service()), *FROM_OUTSIDE}


def test_one_look_at_the_service_is_told_in_base_units_and_what_is_unknown_is_left_out() -> None:
    lines = ServiceFigures(HEALTH, [beat(0, 250), beat(1, 0)]).text().decode().splitlines()
    assert {
        "anhu_database_up 1.0",
        "anhu_broker_up 0.0",
        'anhu_pipeline_lag_seconds{shard="0"} 0.25',
        'anhu_pipeline_lag_seconds{shard="1"} 0.0',
        'anhu_pipeline_dead_letters_total{shard="1"} 7.0',
        'anhu_role_connections{role="watch"} 1.0',
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
        [command] = re.findall(r"^ExecStart=/opt/anhu/\.venv/bin/anhu (\w+)", path.read_text("utf-8"), re.MULTILINE)
        assert command in ALONE
