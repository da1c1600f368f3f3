"""Write docs/settings.md: every setting with its default, its bounds and what the source says about it.

    .venv/bin/python docs/settings_page.py

The words are the comments in the settings' source, so that each is written once. tests/unit/test_docs.py compares.
"""

import importlib
import inspect
import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ingest.settings import AnhuSettings

HERE: Final = Path(__file__).parent
PACKAGES: Final = ("ingest", "alerting", "inspection", "dashboard", "anhu")
FIELD: Final = re.compile(r"    (\w+): ")
INTRODUCTION: Final = """# Every setting

Written by [settings_page.py](settings_page.py) from the source. Environment variables, or the same in `anhu.toml`
(its path in `ANHU_CONFIG`): connection settings at the top, the others in the table that stands at each heading, by the
name without its prefix and in small letters. What matters most is told in [operation](operation.md#settings).
"""


@dataclass(frozen=True)
class Setting:
    """One setting as the page tells it."""

    variable: str
    default: str
    bounds: str
    about: str


@dataclass(frozen=True)
class Group:
    """The settings of one class."""

    table: str
    about: str
    settings: tuple[Setting, ...]


def modules() -> Iterable[ModuleType]:
    """Those that hold settings, wherever they are."""
    for package in PACKAGES:
        for path in sorted((HERE.parent / package).glob("*.py")):
            if "(AnhuSettings)" in path.read_text("utf-8"):
                yield importlib.import_module(f"{package}.{path.stem}")


def groups() -> list[Group]:
    """All groups of settings, in the order of the source."""
    found = []
    for module in modules():
        for kind in vars(module).values():
            ours = isinstance(kind, type) and issubclass(kind, AnhuSettings) and kind.__module__ == module.__name__
            if ours and kind is not AnhuSettings:
                found.append(_group(kind))
    return found


def _group(kind: type[AnhuSettings]) -> Group:
    about, prefix = _comments(inspect.getsource(kind)), kind.model_config["env_prefix"]
    made = [
        Setting(f"{prefix}{name.upper()}", _default(field), _bounds(field), about.get(name, ""))
        for name, field in kind.model_fields.items()
        if not _is_group(field)
    ]
    told = " ".join((kind.__doc__ or "").split())
    return Group(kind.table, told, tuple(made))


def _is_group(field: FieldInfo) -> bool:
    kind: Any = field.annotation
    return isinstance(kind, type) and issubclass(kind, AnhuSettings)


def _comments(source: str) -> dict[str, str]:
    """Field → the comment on its line, else those right above it."""
    said = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    lines, found = source.splitlines(), {}
    for number, line in enumerate(lines, 1):
        field = FIELD.match(line)
        if not field:
            continue
        above, at = [], number - 1
        while at in said and lines[at - 1].lstrip().startswith("#"):
            above.append(said[at])
            at -= 1
        found[field[1]] = " ".join([*reversed(above), *([said[number]] if number in said else [])])
    return found


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined or field.default is None or field.default in ("", (), []):
        return ""
    value = field.default
    if isinstance(value, bool):
        return str(value).lower()
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if isinstance(value, list | tuple):
        value = ",".join(str(each) for each in value)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _bounds(field: FieldInfo) -> str:
    signs = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
    found = [f"{sign} {getattr(each, name)}" for each in field.metadata for name, sign in signs if hasattr(each, name)]
    return ", ".join(found)


def page() -> str:
    """docs/settings.md."""
    parts = [INTRODUCTION]
    for group in groups():
        rows = [
            f"| `{each.variable}` | {each.default} | {each.bounds} | {each.about.replace('|', chr(92) + '|')} |"
            for each in group.settings
        ]
        title = f"`[{group.table}]`" if group.table else "Connections"
        table = "| variable | default | bounds | what the source says |\n|---|---|---|---|\n"
        parts.append(f"## {title}\n\n{group.about}\n\n{table}" + "\n".join(rows) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    (HERE / "settings.md").write_text(page(), "utf-8")
