"""How to add things (docs/en/extending.md, docs/zh/extending.md): every file, change and command of the page is done in
a copy of the source, so that the page cannot tell what does not work."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspection.rating_policy import parse
from tests.doc_pages import ROOT, Block, blocks, changed

PAGE = ROOT / "docs" / "en" / "extending.md"
COPIED = ("anhu", "alerting", "ingest", "inspection", "simulators", "tests", "pyproject.toml")
# dashboard: without what is built for browsers
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "web", "static", "recordings")
TIME_S_MAX = 240.0
SWINGS = """
import numpy as np
from alerting.engine import State, adopt, step
from alerting.plan import compile_plan
from alerting.rules import parse
from ingest.reading import ReadingBatch
from tests.unit.engine_world import T0, S, point, registry

state = State.begin(compile_plan(registry(1), parse(open("swing-rules.toml").read())), T0)
for number in range(60):
    value = 21.0 + (8.0 * (number % 2) if 20 <= number < 30 else 0.0)
    at = [T0 + number * 30 * S]
    verdict = step(state, ReadingBatch.build([point(1, "temperature")], at, at, [value]))
    adopt(state, verdict.patch)
    for event in verdict.events:
        print(event.verb.value, number)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the source in which the page's files stand, with its commands on the path."""
    folder = tmp_path_factory.mktemp("source")
    for name in (*COPIED, "dashboard"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy(ROOT / name, folder / name)
    for name in ("anhu", "pytest"):
        script = folder / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {name} "$@"\n')
        script.chmod(0o755)
    for block in blocks(PAGE):
        if block.language == "diff":
            for path, text in changed(str(folder), block.text).items():
                (folder / path).write_text(text, "utf-8")
        elif block.path:
            (folder / block.path).write_text(block.text, "utf-8")
    yield folder
    shutil.rmtree(folder)


def run(source: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANHU_", "PYTEST_"))}
    env = kept | {
        "PATH": f"{source / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(source), "LC_ALL": "en_US.UTF-8",
        "PYTHONUTF8": "1", "COLUMNS": "200",
    }  # fmt: skip
    return subprocess.run(command, cwd=source, env=env, capture_output=True, text=True, timeout=TIME_S_MAX, check=False)


def commands() -> list[Block]:
    return [each for each in blocks(PAGE) if each.language == "sh" and each.words != "skip"]


def told(source: Path, about: str) -> str:
    """What the page's block of commands in which `about` stands prints; it must succeed as a whole."""
    [block] = [each for each in commands() if about in each.text]
    done = run(source, ["sh", "-ec", block.text])
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_command_of_the_page_is_left_untried() -> None:
    tried = ("checklist check", "rating check", "policy check", "routes try", "rules check")
    for block in commands():
        assert sum(about in block.text for about in tried) == 1, block.text
    assert len(commands()) == len(tried)


def test_both_languages_show_the_same_code() -> None:
    chinese = blocks(ROOT / "docs" / "zh" / "extending.md")
    assert chinese == blocks(PAGE)


def test_the_checklist_is_one_and_stands_among_those_that_ship(source: Path) -> None:
    said = told(source, "checklist check")
    [line] = [line for line in said.splitlines() if line.startswith("kitchen-week")]
    assert "2 items" in line  # one of them taken over


def test_the_rating_policy_is_one(source: Path) -> None:
    told(source, "rating check")
    made = parse((source / "our-county.toml").read_text("utf-8"))
    assert ([each.id for each in made.grades], made.base) == (["A", "B", "C"], 100_00)  # in hundredths


def test_the_escalation_policy_is_one(source: Path) -> None:
    told(source, "policy check")


def test_the_format_is_read_and_stands_the_random_bytes(source: Path) -> None:
    said = told(source, "routes try")
    for quantity, value in (("smoke_alarm", "1"), ("temperature", "21.5"), ("battery", "98")):
        [line] = [line for line in said.splitlines() if f"│ {quantity} " in line]
        assert value in line
    assert "3 passed" in said  # two of the battery, and the doctest


def test_the_detector_stands_the_battery_and_fires_under_its_rule(source: Path) -> None:
    said = told(source, "rules check")
    assert "11 passed" in said  # the battery of ten, and the doctest
    swung = run(source, [sys.executable, "-c", SWINGS])
    verbs = [line.split() for line in swung.stdout.splitlines()]
    assert [verb for verb, _ in verbs] == ["raise", "clear"], swung.stdout + swung.stderr
    assert 20 <= int(verbs[0][1]) < 30 < int(verbs[1][1])
