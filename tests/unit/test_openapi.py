"""The OpenAPI document, from which the page's types are generated: it leaves nothing unsaid."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

from alerting import evidence
from alerting.rules import default_rules, parse
from anhu import cli
from dashboard.app import create_app, described, path_templates
from dashboard.hub import SECTIONS
from dashboard.schemas import SnapshotFrame
from dashboard.schemas.recorded import Evidence
from dashboard.settings import DashboardSettings

PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
GOOD = ("2", "3")
# What is no problem though its status is not 2xx.
PLAIN = {("get", "/healthz", "503")}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_every_answer_has_a_shape(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        good = {status: told for status, told in operation["responses"].items() if status.startswith(GOOD)}
        assert good, (method, path)
        for status, told in good.items():
            content = told.get("content", {})
            bare = status == "204" or status.startswith("3")
            assert (content == {}) == bare, f"{method} {path} {status} says nothing of its body"
            if "application/json" in content:
                assert content["application/json"]["schema"], f"{method} {path} has no response model"


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        bad = {status: told for status, told in operation["responses"].items() if not status.startswith(GOOD)}
        assert "default" in bad, (method, path)
        for status, told in bad.items():
            if (method, path, status) not in PLAIN:
                assert told["content"] == {"application/problem+json": PROBLEM}, (method, path, status)
    assert "HTTPValidationError" not in json.dumps(document)


def test_what_needs_a_session_says_how_it_refuses(document: dict[str, Any]) -> None:
    told = [operation["responses"] for _, path, operation in operations(document) if path.startswith("/api/hazards")]
    assert len(told) > 10
    assert all({"401", "403"} <= responses.keys() for responses in told)


def vague(schema: Any, where: str) -> Iterator[str]:
    """Where in a shape of an answer anything at all may stand."""
    if isinstance(schema, list):
        for each in schema:
            yield from vague(each, where)
    elif isinstance(schema, dict):
        if schema.get("additionalProperties") is True or schema.get("items") == {}:
            yield where
        for name, member in schema.get("properties", {}).items():
            if not member.keys() - {"title", "description", "default"}:
                yield f"{where}.{name}"
            yield from vague(member, f"{where}.{name}")
        for key in ("items", "prefixItems", "additionalProperties", "anyOf", "oneOf", "allOf"):
            yield from vague(schema.get(key), where)


def test_no_shape_leaves_open_what_stands_in_it(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    assert len(shapes) > 150
    # Of an act whatever was recorded with it is shown as it stands: there are some hundred kinds, of all versions.
    assert [each for name, schema in shapes.items() for each in vague(schema, name)] == ["AuditEntry.body"]
    assert list(vague({"properties": {"a": {"title": "A"}, "b": {"additionalProperties": True}}}, "X")) == [
        "X.a",
        "X.b",
    ]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert named <= shapes.keys()
    assert "#/$defs" not in text


def test_it_is_what_the_app_serves_and_the_metrics_know_its_paths(document: dict[str, Any]) -> None:
    assert create_app("postgresql:///unused", DashboardSettings()).openapi() == document
    assert path_templates() == tuple(document["paths"])


def test_a_snapshot_is_described_as_the_hub_writes_it() -> None:
    head = {"type", "cursor", "server_time", "database_away", "parts"}
    assert set(SnapshotFrame.model_fields) == {*head, *SECTIONS}


def test_evidence_is_described_as_the_engine_writes_it() -> None:
    ruleset = parse(default_rules())
    told = [evidence.of_rule(rule, value=1, score=2, since_us=0) for rule in ruleset.rules]
    told.append(evidence.of_combination(ruleset.combinations[0], [("a", "b", "c")], since_us=0, alone=True))
    told.append(
        evidence.of_silence(quiet_since_us=0, limit_s=300, supervision=ruleset.supervision, whole_institution=False)
    )
    for each in told:
        assert each.keys() <= Evidence.__annotations__.keys()
        assert TypeAdapter(Evidence).validate_python(each, strict=True) == each


def test_the_command_writes_the_document_and_leaves_it_alone_while_it_is_the_same(tmp_path: Path) -> None:
    out = tmp_path / "openapi.json"
    assert CliRunner().invoke(cli.app, ["openapi", "--out", str(out)]).exit_code == 0
    assert json.loads(out.read_text("utf-8")) == json.loads(json.dumps(described()))
    out.chmod(0o400)
    before = out.stat()
    assert CliRunner().invoke(cli.app, ["openapi", "--out", str(out)]).exit_code == 0
    assert out.stat().st_mtime_ns == before.st_mtime_ns
    printed = CliRunner().invoke(cli.app, ["openapi"])
    assert printed.output == out.read_text("utf-8")
