"""Where in a rule file each of its problems stands. Purely."""

import re
import tomllib
from typing import Any, Final

from ingest import toml_text
from ingest.table_lines import TableLines, line_of

_LABEL: Final = re.compile(r"(rule|combination) ([^:]+):")
_TWICE: Final = re.compile(r"rule (\S+) stands twice")


def placed(text: str, problems: list[str]) -> list[tuple[int | None, str]]:
    """Each problem that rules.parse found in `text`, with the line of the table it is about, or that tomllib names;
    None where it is about the file as a whole.

    >>> placed('version = "1"\\n[[rule]]\\nid = "a"\\n', ["rule a: kind is missing", "supervision must be a table"])
    [(2, 'rule a: kind is missing'), (None, 'supervision must be a table')]
    """
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError:
        return [(line_of(ValueError(each)), each) for each in problems]
    lines = _lines(text, document)
    return [(lines.get(_of(each)), each) for each in problems]


def _of(problem: str) -> str:
    if matched := _LABEL.match(problem):
        return f"{matched[1]} {matched[2]}"
    twice = _TWICE.fullmatch(problem)
    return f"rule {twice[1]}" if twice else ""


def _lines(text: str, document: dict[str, Any]) -> dict[str, int | None]:
    """The line of each table by what problems call it: the last one of those with one id."""
    headers = TableLines(text)
    found: dict[str, int | None] = {}
    for what in ("rule", "combination"):
        records = document.get(what, [])
        for index, record in enumerate(records if isinstance(records, list) else []):
            name = record.get("id") if isinstance(record, dict) else None
            found[f"{what} {name or index + 1}"] = headers.next(what)
    return found
