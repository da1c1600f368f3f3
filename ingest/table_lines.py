"""Where the tables of a TOML file stand; tomllib reads a file without saying."""

import re
from typing import Final

# Comments and strings, in which a header is only text.
_NOT_TABLES: Final = re.compile(
    r"""#[^\n]*|\"{3}(?:\\.|[^\\])*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""", re.DOTALL
)
_TABLE: Final = re.compile(r"^\s*\[\[\s*([\w.\s]+?)\s*\]\]", re.MULTILINE)
_LINE: Final = re.compile(r"line (\d+)")


class TableLines:
    """The lines of `[[…]]` headers in order of appearance."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, list[int]] = {}
        text = _NOT_TABLES.sub(lambda found: "\n" * found[0].count("\n"), text)
        for matched in _TABLE.finditer(text):
            name = re.sub(r"\s", "", matched[1])
            start = matched.start() + len(matched[0]) - len(matched[0].lstrip())
            self._lines.setdefault(name, []).append(text.count("\n", 0, start) + 1)

    def next(self, name: str) -> int | None:
        """The line of the next header of that name; None where the table was written inline."""
        lines = self._lines.get(name)
        return lines.pop(0) if lines else None


def line_of(error: Exception) -> int | None:
    """The line that tomllib's error names, None where it names none.

    >>> line_of(ValueError("Invalid value (at line 2, column 5)"))
    2
    """
    matched = _LINE.search(str(error))
    return int(matched[1]) if matched else None
