"""The raw figures in a file, kept from one part of a day to the next. The merging is pure."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

LATEST: Final = Path(__file__).parent.parent / "results" / "peers.json"


def merged(
    before: Mapping[str, Any], machine: Mapping[str, Any], variant: str, found: Mapping[str, Any]
) -> dict[str, Any]:
    """The file's content with one variant's figures put in. What was measured on another day, or in another length,
    is not kept: it would stand beside figures of other conditions.

    >>> old = {"machine": {"at": "2026-11-27T10:00:00Z", "quick": False}, "variants": {"a": {}}}
    >>> sorted(merged(old, {"at": "2026-11-28T10:00:00Z", "quick": False}, "b", {})["variants"])
    ['b']
    """
    kept: Mapping[str, Any] = {}
    if before and _conditions(before["machine"]) == _conditions(machine):
        kept = before["variants"]
    return {"machine": dict(machine), "variants": {**kept, variant: dict(found)}}


def _conditions(machine: Mapping[str, Any]) -> tuple[str, bool]:
    return str(machine["at"])[:10], bool(machine["quick"])


def load(path: Path) -> dict[str, Any]:
    """What the file holds, {} where there is none."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def save(path: Path, document: Mapping[str, Any]) -> None:
    """Write the file whole."""
    path.parent.mkdir(exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
    beside.replace(path)
