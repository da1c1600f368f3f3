"""Emergency plans (应急预案): what to do, whom to call and who cannot walk, on a card that opens with the alert."""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, NamedTuple

from alerting.alert import Kind
from alerting.errors import PlanInvalid
from ingest import toml_text

STEPS_MAX: Final = 20
PHONES_MAX: Final = 20
TEXT_LENGTH_MAX: Final = 300
NUMBER: Final = re.compile(r"\+?[0-9][0-9 ()*#,-]{1,30}")  # a comma waits before an extension


class Step(NamedTuple):
    """One thing to do, in both languages; an institution's own may be in Chinese only."""

    zh: str
    en: str


class Phone(NamedTuple):
    """Whom to call."""

    name: str
    number: str


class Residents(NamedTuple):
    """How many people in a zone cannot walk."""

    zone_id: int
    count_cannot_walk: int
    note: str


@dataclass(frozen=True, slots=True)
class Card:
    """What to do about one kind of alert."""

    kind: Kind
    title_zh: str
    title_en: str
    steps: tuple[Step, ...]
    phones: tuple[Phone, ...]


@dataclass(frozen=True, slots=True)
class Own:
    """What an institution has written itself; without steps the default's stay, its numbers come before them."""

    kind: Kind
    steps: tuple[Step, ...]
    phones: tuple[Phone, ...]


class CannotWalk(NamedTuple):
    """How many people cannot walk: in the alert's zone (None where it has none), and in the whole institution."""

    in_zone: int | None
    in_institution: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The card for an alert; `source` is "institution" where anything of it is the institution's own."""

    card: Card
    source: str


def parse(text: str) -> dict[Kind, Card]:
    """The cards in `text` (TOML), by kind. Raises PlanInvalid with every error found."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanInvalid([str(error)]) from error
    problems: list[str] = []
    if not isinstance(document.pop("version", None), str):
        problems.append("version is missing")
    cards = {}
    for name, table in document.items():
        if name not in tuple(Kind) or not isinstance(table, dict):
            problems.append(f"{name} is not a kind of alert: {', '.join(Kind)}")
            continue
        cards[Kind(name)] = _card(Kind(name), table, problems)
    if not cards:
        problems.append("the file holds no card")
    if problems:
        raise PlanInvalid(problems)
    return cards


@cache
def default_cards() -> Mapping[Kind, Card]:
    """The cards that ship with Anhu."""
    return parse(resources.files("alerting").joinpath("plans/default.toml").read_text("utf-8"))


def own_problems(own: Own) -> list[str]:
    """What is wrong with an institution's own card. Its people write it for themselves: English may be missing."""
    problems: list[str] = []
    _check_bounds(own.kind.value, own.steps, own.phones, problems, english=False)
    return problems


def residents_problems(carried: Sequence[Residents], zone_ids: Collection[int]) -> list[str]:
    """What is wrong with a list of who cannot walk, at an institution with these zones."""
    ids = [each.zone_id for each in carried]
    problems = [f"zone {each} is not one of this institution" for each in ids if each not in zone_ids]
    problems += [f"zone {each} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    return problems


def plan_for(kind: Kind, defaults: Mapping[Kind, Card], own: Own | None) -> Plan | None:
    """The institution's own steps where it has any, its own numbers before the default's; None where neither says
    anything about this kind."""
    default = defaults.get(kind)
    if own is None:
        return Plan(default, "default") if default is not None else None
    if default is None:
        return Plan(Card(kind, kind.value, kind.value, own.steps, own.phones), "institution")
    known = {phone.number for phone in own.phones}
    phones = own.phones + tuple(phone for phone in default.phones if phone.number not in known)
    return Plan(Card(kind, default.title_zh, default.title_en, own.steps or default.steps, phones), "institution")


def cannot_walk(residents: Iterable[Residents], zone_id: int | None) -> CannotWalk:
    """How many people have to be carried, there and in the whole institution."""
    known = list(residents)
    in_zone = None if zone_id is None else sum(each.count_cannot_walk for each in known if each.zone_id == zone_id)
    return CannotWalk(in_zone, sum(each.count_cannot_walk for each in known))


def _card(kind: Kind, table: Mapping[str, Any], problems: list[str]) -> Card:
    problems += [f"{kind}: unknown entry {name}" for name in table.keys() - {"title_zh", "title_en", "steps", "phones"}]
    titles = [table.get(name) for name in ("title_zh", "title_en")]
    if not all(isinstance(title, str) and 0 < len(title) <= TEXT_LENGTH_MAX for title in titles):
        problems.append(f"{kind}: title_zh and title_en must be text")
    steps = tuple(Step(*pair) for pair in _pairs(kind, "steps", ("zh", "en"), table, problems))
    phones = tuple(Phone(*pair) for pair in _pairs(kind, "phones", ("name", "number"), table, problems))
    if not steps:
        problems.append(f"{kind}: steps are missing")
    _check_bounds(kind.value, steps, phones, problems)
    return Card(kind, str(titles[0]), str(titles[1]), steps, phones)


def _pairs(
    kind: Kind, name: str, fields: tuple[str, str], table: Mapping[str, Any], problems: list[str]
) -> list[tuple[str, str]]:
    found = []
    entries = table.get(name, [])
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        if (
            isinstance(entry, dict)
            and entry.keys() == set(fields)
            and all(isinstance(entry[field], str) for field in fields)
        ):
            found.append((entry[fields[0]], entry[fields[1]]))
        else:
            problems.append(f"{kind}: {name} {number} must have {fields[0]} and {fields[1]}, both text")
    return found


def _check_bounds(
    label: str, steps: tuple[Step, ...], phones: tuple[Phone, ...], problems: list[str], *, english: bool = True
) -> None:
    if len(steps) > STEPS_MAX or len(phones) > PHONES_MAX:
        problems.append(f"{label}: at most {STEPS_MAX} steps and {PHONES_MAX} phones")
    languages = "both languages" if english else "Chinese"
    for number, step in enumerate(steps, start=1):
        said = step.zh.strip() and (step.en.strip() or not english)
        if not said or max(map(len, step)) > TEXT_LENGTH_MAX:
            problems.append(f"{label}: step {number} must say something in {languages}, in {TEXT_LENGTH_MAX} letters")
    problems += [
        f"{label}: {phone.name[:40]!r} {phone.number[:40]!r} is no name with a telephone number"
        for phone in phones
        if not 0 < len(phone.name.strip()) <= TEXT_LENGTH_MAX or not NUMBER.fullmatch(phone.number)
    ]
