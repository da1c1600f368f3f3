"""What one rule set has that another has not. Purely."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

from alerting.rules import Combination, Rule, RuleSet, Supervision

_VERSION: Final = re.compile(r"\d+(\.\d+)*")
SUPERVISION: Final = "supervision"
_WORDS: Final = frozenset({"title_zh", "title_en", "clause_zh", "clause", "clause_verified"})


class Change(NamedTuple):
    """One field of a rule, as it was and as it is."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Ids of rules and combinations that were added and removed, and what changed in others; `wording` are those of
    which only titles or clauses changed."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[Change, ...]]
    wording: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether both judge alike and say so in the same words."""
        return not (self.added or self.removed or self.changed or self.wording)


def difference(before: RuleSet, after: RuleSet) -> Difference:
    """From one rule set to another, in the order of the file."""
    old, new = _by_id(before), _by_id(after)
    changed: dict[str, tuple[Change, ...]] = {}
    wording = []
    for name in (each for each in new if each in old):
        found = _changes(old[name], new[name])
        judged = tuple(each for each in found if each.field not in _WORDS)
        if judged:
            changed[name] = judged
        elif found:
            wording.append(name)
    return Difference(
        tuple(each for each in new if each not in old),
        tuple(each for each in old if each not in new),
        changed,
        tuple(wording),
    )


def is_newer(version: str, than: str) -> bool | None:
    """Whether one dotted version comes after another; None where either is a name of somebody's own.

    >>> is_newer("2026.11.10", "2026.11.9"), is_newer("2026.11", "2026.11"), is_newer("2026.11", "ours")
    (True, False, None)
    """
    if not (_VERSION.fullmatch(version) and _VERSION.fullmatch(than)):
        return None
    one, other = ([int(part) for part in each.split(".")] for each in (version, than))
    return one > other


def _by_id(rules: RuleSet) -> dict[str, Rule | Combination | Supervision]:
    found: dict[str, Rule | Combination | Supervision] = {each.id: each for each in rules.rules}
    found |= {each.id: each for each in rules.combinations}
    return found | {SUPERVISION: rules.supervision}


def _changes(before: object, after: object) -> tuple[Change, ...]:
    if type(before) is not type(after):
        return (Change("type", type(before).__name__.lower(), type(after).__name__.lower()),)
    found = []
    for each in fields(before):  # type: ignore[arg-type]  # all three are dataclasses
        old, new = _flat(each.name, getattr(before, each.name)), _flat(each.name, getattr(after, each.name))
        found += [
            Change(name, old.get(name, ""), new.get(name, ""))
            for name in dict.fromkeys((*old, *new))
            if old.get(name) != new.get(name)
        ]
    return tuple(found)


def _flat(name: str, value: Any) -> dict[str, str]:
    """A field as text; the parameters of a detector one by one."""
    if isinstance(value, Mapping):
        return {f"{name}.{key}": _text(each) for key, each in value.items()}
    return {name: _text(value)}


def _text(value: Any) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, tuple):
        return " + ".join(f"({_text(each)})" for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
