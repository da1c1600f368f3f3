"""What the tests need of the documentation: its pages, and the blocks of code in them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_FENCE: Final = re.compile(r"^```(\w*) ?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH: Final = re.compile(r"\A# ([\w./-]+\.(?:py|toml|yaml))\n")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it, what stands in it."""

    language: str
    words: str
    text: str

    @property
    def path(self) -> str | None:
        """Where the block belongs, told by its first line."""
        found = _PATH.match(self.text)
        return found[1] if found else None


def blocks(page: Path) -> list[Block]:
    """The page's fenced blocks, in their order."""
    return [Block(*found.groups()) for found in _FENCE.finditer(page.read_text("utf-8"))]


def changed(source: str, diff: str) -> dict[str, str]:
    """One or several hunks without line numbers, each after a line `--- path`, applied to files under `source`; the
    lines that stay or go must stand together in the file exactly once."""
    found: dict[str, str] = {}
    for path, hunk in re.findall(r"^--- (\S+)\n((?:[ +-].*\n(?!--- ))*(?:[ +-].*\n)?)", diff, re.MULTILINE):
        text = found.get(path) or (Path(source) / path).read_text("utf-8")
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1, f"{path} holds {text.count(before)} times:\n{before}"
        found[path] = text.replace(before, after)
    return found
