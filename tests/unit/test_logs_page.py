"""docs/logs.md names every warning and error there is, with its logger and fields, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("anhu", "alerting", "dashboard", "ingest", "inspection")
LEVELS = {"warning": "warning", "error": "error", "exception": "error"}
OF_THE_RENDERER = {"trace"}  # the page tells of it once for all

Row = tuple[str, str, str, frozenset[str]]


def calls(tree: ast.AST) -> Iterator[tuple[str, str, ast.Call]]:
    """(what the method is called on, its name, the call) of every call of a method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr, node


def logged(path: Path) -> Iterator[Row]:
    """Logger, event, level and fields of what a module logs from `warning` on."""
    tree = ast.parse(path.read_text("utf-8"))
    own = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    names = [node.args[0] for _, method, node in calls(tree) if method == "get_logger" and node.args]
    loggers = [name.value if isinstance(name, ast.Constant) else own for name in names]
    for holder, method, node in calls(tree):
        if holder != "log" or method not in LEVELS:
            continue
        [logger], [event] = loggers, node.args
        assert isinstance(event, ast.Constant), f"{path}:{node.lineno}: an event is fixed words"
        fields = {each.arg for each in node.keywords if each.arg} - OF_THE_RENDERER
        yield str(logger), str(event.value), LEVELS[method], frozenset(fields)


def documented() -> list[Row]:
    text = (ROOT / "docs/logs.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]+) \| (\w+) \| ([^|]*) \| [^|]+ \|$", text, re.MULTILINE)
    return [(logger, event, level, frozenset(re.findall(r"`(\w+)`", fields))) for logger, event, level, fields in rows]


def test_every_warning_and_error_is_on_the_page_with_its_fields_and_no_other() -> None:
    found = {
        row
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "node_modules" not in path.parts
        for row in logged(path)
    }
    told = documented()
    assert len(told) == len(set(told))
    assert sorted(map(str, found - set(told))) == []
    assert sorted(map(str, set(told) - found)) == []
    assert len(found) > 60
