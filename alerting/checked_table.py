"""Reading a TOML file that people write: every error in it is found and told at once."""

import math
from typing import Any


class CheckedTable:
    """Reads one TOML table, noting what is wrong with it instead of stopping. Each read takes its field away, and `end`
    names what is left."""

    def __init__(self, label: str, record: dict[str, Any], problems: list[str]) -> None:
        self._label = label
        self._record = record
        self._problems = problems

    def problem(self, text: str) -> None:
        """Note that `text` is wrong with this table."""
        self._problems.append(f"{self._label}: {text}")

    def take(self, name: str, default: Any) -> Any:
        """The field as it stands, to be checked by the caller."""
        return self._record.pop(name, default)

    def text(self, name: str, default: str | None = None) -> str:
        """Text, not empty unless a default is given."""
        value = self._record.pop(name, default)
        if not isinstance(value, str) or (default is None and not value):
            self.problem(f"{name} must be text" if value is not None else f"{name} is missing")
            return ""
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._record.pop(name, default)
        if not isinstance(value, bool):
            self.problem(f"{name} must be true or false")
        return bool(value)

    def number(self, name: str, low: float, high: float, default: float | None = None) -> float:
        """A number within `low` and `high`, both included."""
        value = self._record.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.problem(f"{name} must be a number" if value is not None else f"{name} is missing")
            return low
        if not low <= value <= high:
            self.problem(f"{name} = {value} is not within {low:g} and {high:g}")
        return float(value)

    def one_of(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """One of the `allowed` words."""
        value = self._record.pop(name, default)
        if value not in allowed:
            self.problem(f"{name} = {value!r} is not one of {', '.join(allowed)}")
            return allowed[0]
        return str(value)

    def set_of(self, name: str, allowed: tuple[str, ...]) -> frozenset[str]:
        """A list of some of the `allowed` words."""
        value = self._record.pop(name, [])
        if not isinstance(value, list) or any(each not in allowed for each in value):
            self.problem(f"{name} must be a list of {', '.join(allowed)}")
            return frozenset()
        return frozenset(value)

    def end(self) -> None:
        """Note every field that nobody has asked for."""
        for name in self._record:
            self.problem(f"unknown field {name}")
