"""What deploy/ and the runbook name is there: figures, units' commands, rules of the alerts about ourselves."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry

from alerting import desk, sender  # noqa: F401 - they make the notifier's figures
from dashboard.metrics import Metrics

ROOT = Path(__file__).parents[2]
FROM_OUTSIDE = {"up"}  # Prometheus' own


def figures(registry: CollectorRegistry) -> Iterator[str]:
    """The names as Prometheus stores them; of counters that were never used, too."""
    for metric in registry.collect():
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(metric.type, [""])
        yield from (metric.name + ending for ending in endings)


def test_every_figure_of_the_rules_and_panels_is_served() -> None:
    served = {*figures(REGISTRY), *figures(Metrics().registry), *FROM_OUTSIDE}
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
