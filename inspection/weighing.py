"""What an institution weighs in a random draw, by its open hazards, the time since the last visit, its grade and the
credit list it is on.

The figures are data (inspection/policies/draw.toml); every weight names its parts.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from alerting.checked_table import CheckedTable
from ingest import toml_text
from inspection.errors import FileInvalid

_FIGURES = (
    "base", "general_each", "general_max", "major_each", "major_max", "overdue_each", "overdue_max", "days_each",
    "days_weight", "days_max", "never",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Risk:
    """What is known of an institution: open hazards by level, how many of all are overdue, and when a team from outside
    last began a visit (None: never). `rating_weight` is that of its grade in the safety credit rating (1: average, or
    not rated), `list_factor` that of the red, watch or black list it is on (1: on none)."""

    general: int
    major: int
    overdue: int
    last_visit_at: datetime | None
    rating_weight: float = 1.0
    list_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Weights:
    """The figures in one version."""

    version: str
    figures: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight with its parts: why."""

    value: int
    parts: Mapping[str, int]


def weigh(risk: Risk, now: datetime, weights: Weights) -> Weight:
    """The weight of an institution at `now`: the sum of its parts by hazards and time, times that of its grade, times
    the factor of its list. Never less than 1: every institution can be drawn."""
    by = weights.figures
    parts = {
        "base": by["base"],
        "general": min(risk.general * by["general_each"], by["general_max"]),
        "major": min(risk.major * by["major_each"], by["major_max"]),
        "overdue": min(risk.overdue * by["overdue_each"], by["overdue_max"]),
        "time": by["never"],
    }
    if risk.last_visit_at is not None:
        spans = max((now - risk.last_visit_at).days, 0) // by["days_each"]
        parts["time"] = min(spans * by["days_weight"], by["days_max"])
    known = sum(parts.values())
    parts["rating"] = max(round(known * risk.rating_weight), 1) - known
    parts["list"] = max(round(known * risk.rating_weight * risk.list_factor), 1) - known - parts["rating"]
    return Weight(sum(parts.values()), parts)


def parse(text: str) -> Weights:
    """The figures in `text` (TOML). Raises FileInvalid with every error found."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileInvalid([str(error)]) from error
    problems: list[str] = []
    table = CheckedTable("the weights", document, problems)
    version = table.text("version")
    least = {"base": 1, "days_each": 1}
    figures = {each: int(table.number(each, least.get(each, 0), 1000)) for each in _FIGURES}
    table.end()
    if problems:
        raise FileInvalid(problems)
    return Weights(version, figures)


@cache
def default_weights() -> Weights:
    """Those that ship with Anhu."""
    return parse(resources.files("inspection").joinpath("policies/draw.toml").read_text("utf-8"))
