"""The audit of dependencies: what could not be looked up is never taken for good."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("audit", ROOT / "deploy" / "audit.py")
assert spec is not None
assert spec.loader is not None
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)

GOOD = {"name": "orjson", "version": "3.13.0", "vulns": []}
BAD = {"name": "x", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"], "aliases": [], "description": ""}]}
SKIPPED = {"name": "y", "skip_reason": "Dependency not found"}


def of_pip(*packages: object) -> audit.Told:
    return audit.of_pip(json.dumps({"dependencies": packages, "fixes": []}))


def test_what_is_known_is_told_and_what_was_skipped_is_no_success() -> None:
    assert of_pip(GOOD).code == 0
    assert of_pip(GOOD, BAD).code == audit.KNOWN
    assert of_pip(GOOD, BAD).known == ["x 1: CVE-1 → 2"]
    assert of_pip(GOOD, SKIPPED) == ([], 1, ["y"])
    assert of_pip(GOOD, SKIPPED).code == of_pip(SKIPPED).code == audit.UNASKED
    assert of_pip(BAD, SKIPPED).code == audit.KNOWN
    for nothing in ("", "{}", "no network", "[]", "null"):
        assert audit.of_pip(nothing).code == audit.of_npm(nothing).code == audit.UNASKED


def test_npm_is_read_the_same_way() -> None:
    told = {"metadata": {"dependencies": {"total": 9}}, "vulnerabilities": {}}
    assert audit.of_npm(json.dumps(told)).code == 0
    told["vulnerabilities"] = {"vite": {"severity": "high", "range": "<5"}}
    assert audit.of_npm(json.dumps(told)) == (["vite <5: high"], 9, [])
    assert audit.of_npm('{"error": {"code": "ENOAUDIT"}}').code == audit.UNASKED


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    named = [
        *project["project"]["dependencies"],
        *(each for group in project["dependency-groups"].values() for each in group),
    ]
    assert len(named) > 40
    unbounded = [each for each in named if not re.search(r">=\s*[0-9]", each)]
    assert [each for each in unbounded if not each.startswith("types-")] == []
