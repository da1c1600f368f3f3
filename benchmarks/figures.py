"""Figures: what a group of measurements answers with, and their file."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

LATEST: Final = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `limit` is what the same machine allows, or the bound that was set, in the same unit."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        """Value over limit, None without a limit."""
        return None if not self.limit else self.value / self.limit

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file; no more digits than the measurement is worth."""
        ratio = None if self.ratio is None else round(self.ratio, 3)
        return {**asdict(self), "value": rounded(self.value), "limit": rounded(self.limit), "ratio": ratio}


def rounded(value: float | None) -> float | None:
    """Four digits, whole numbers from a thousand on.

    >>> rounded(14_321.7), rounded(0.123456), rounded(0.0)
    (14322, 0.1235, 0.0)
    """
    if value is None or value == 0 or not math.isfinite(value):
        return value
    digits = 3 - math.floor(math.log10(abs(value)))
    return round(value, digits) if digits > 0 else round(value)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that at least `percent` % of them do not exceed (nearest rank). Raises ValueError.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 50), percentile([1.0, 2.0], 99)
    (2.0, 2.0)
    """
    if not values:
        raise ValueError("no values, no percentile")
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def latency_figures(name: str, latencies_ms: Sequence[float], p99_ms_max: float | None = None) -> list[Figure]:
    """p50 and p99 under `name`; the latter with the bound that was set for it."""
    return [
        Figure(f"{name}.p50", percentile(latencies_ms, 50), "ms"),
        Figure(f"{name}.p99", percentile(latencies_ms, 99), "ms", p99_ms_max),
    ]


def document(machine: Mapping[str, Any], figures: Iterable[Figure], before: Mapping[str, Any]) -> dict[str, Any]:
    """The file's content: these figures, and from the file `before` those that were not measured now."""
    new = {figure.name: figure.as_json() for figure in figures}
    kept = {each["name"]: each for each in before.get("results", ()) if each["name"] not in new}
    return {"machine": dict(machine), "results": [every for _, every in sorted((kept | new).items())]}


def save(path: Path, machine: Mapping[str, Any], figures: Iterable[Figure]) -> None:
    """Write the file; figures of groups that were not run now stay in it."""
    before = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(document(machine, figures, before), ensure_ascii=False, indent=1)
    path.write_text(text + "\n", "utf-8")
