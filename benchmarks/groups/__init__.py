"""The groups of measurements. Each module here is one, with `run(stage) -> list[Figure]`: a new file is a new group."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Final

from benchmarks.figures import Figure
from benchmarks.stage import Stage

LONG: Final = ("province",)  # half an hour: only when asked for

Group = Callable[[Stage], list[Figure]]


def names() -> list[str]:
    """All groups, in the order they are run."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Group:
    """The group of that name."""
    found: Group = importlib.import_module(f"{__name__}.{name}").run
    return found
