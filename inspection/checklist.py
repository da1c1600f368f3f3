"""Checklists: what is looked at, by which clause, how bad a failure is, and which evidence is wanted.

A checklist is data, a versioned TOML file. Anhu holds no regulation's own wording: an item says in Anhu's words what
its clause asks for, and says how well that is known. An item whose text nobody has seen is there, marked as missing, so
that a list is never shorter than its source; no text is ever made up for it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from alerting.checked_table import CheckedTable
from ingest import toml_text
from ingest.registry import INSTITUTION_KINDS
from inspection.errors import ChecklistInvalid, ChecklistUnknown

ITEMS_MAX: Final = 500
TEXT_LENGTH_MAX: Final = 400
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_ITEM_LINE: Final = re.compile(r"^\s*\[\[\s*item\s*\]\]", re.MULTILINE)


class Wording(StrEnum):
    """How well the text of an item is known."""

    QUOTED = "quoted"  # the source's own words, put in by who has the source
    SUMMARY = "summary"  # our words for what was read in a public copy of the source
    REPORTED = "reported"  # our words for what is commonly cited, not yet checked against the source
    MISSING = "missing"  # the source has such an item, and nobody here has seen its text


class Level(StrEnum):
    """How bad it is when an item fails."""

    GENERAL = "general"
    MAJOR = "major"


class Evidence(StrEnum):
    """What an answer to an item should rest on."""

    PHOTO = "photo"
    DOCUMENT = "document"
    RECORD = "record"
    TEST = "test"
    INTERVIEW = "interview"
    SENSOR = "sensor"


class Purpose(StrEnum):
    """What a list is for."""

    MAJOR_HAZARDS = "major_hazards"
    DUTIES = "duties"
    PROTECTIONS = "protections"
    SELF_CHECK = "self_check"
    SEASONAL = "seasonal"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. `source` is "list/item" where it was taken over from another list; texts are empty where
    the wording is missing."""

    id: str
    section: str
    wording: Wording
    zh: str
    en: str
    level: Level
    clause: str
    evidence: frozenset[Evidence]
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a list, as its source divides it."""

    id: str
    title_zh: str
    title_en: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """One list in one version. Empty `kinds` of institutions mean every kind."""

    id: str
    version: str
    purpose: Purpose
    title_zh: str
    title_en: str
    source_zh: str
    source_en: str
    kinds: frozenset[str]
    sections: tuple[Section, ...]
    items: tuple[Item, ...]

    def item(self, item_id: str) -> Item:
        """The item with that id. Raises ChecklistUnknown."""
        for each in self.items:
            if each.id == item_id:
                return each
        raise ChecklistUnknown(f"the checklist {self.id} has no item {item_id}")

    def applies_to(self, kind: str) -> bool:
        """Whether an institution of that kind is looked at by this list."""
        return not self.kinds or kind in self.kinds

    def count(self, wording: Wording) -> int:
        """How many items have that wording."""
        return sum(each.wording is wording for each in self.items)


def parse(text: str, known: Mapping[str, Checklist]) -> Checklist:
    """The checklist in `text` (TOML). Items taken over from other lists are looked up in `known`, by list id.

    Raises ChecklistInvalid with every error found, each with its line and entry.
    """
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ChecklistInvalid([str(error)]) from error
    problems: list[str] = []
    entries = document.pop("item", [])
    sections = _sections(document.pop("section", []), problems)
    items_count = document.pop("items_count", None)
    head = CheckedTable("the list", document, problems)
    made = Checklist(
        id=_id(head, "id"),
        version=head.text("version"),
        purpose=Purpose(head.one_of("purpose", tuple(Purpose))),
        title_zh=head.text("title_zh"),
        title_en=head.text("title_en"),
        source_zh=head.text("source_zh"),
        source_en=head.text("source_en"),
        kinds=head.set_of("kinds", tuple(sorted(INSTITUTION_KINDS))),
        sections=sections,
        items=(),
    )
    head.end()
    items = _items(entries, text, {each.id for each in sections}, known, problems)
    if items_count is not None and items_count != len(items):
        problems.append(f"items_count says {items_count}, and there are {len(items)} items")
    if problems:
        raise ChecklistInvalid(problems)
    return replace(made, items=tuple(items))


@cache
def shipped() -> Mapping[str, Checklist]:
    """The checklists that ship with Anhu, by id: first those that stand alone, then those composed of them."""
    folder = resources.files("inspection").joinpath("checklists")
    texts = [entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    found: dict[str, Checklist] = {}
    for composed in (False, True):
        for text in sorted(each for each in texts if _is_composed(each) is composed):
            made = parse(text, dict(found))
            found[made.id] = made
    return dict(sorted(found.items()))


def get(checklist_id: str) -> Checklist:
    """One of those that ship. Raises ChecklistUnknown."""
    try:
        return shipped()[checklist_id]
    except KeyError:
        raise ChecklistUnknown(f"there is no checklist {checklist_id}") from None


def _is_composed(text: str) -> bool:
    return any("from" in item for item in toml_text.loads(text).get("item", []))


def _id(table: CheckedTable, name: str) -> str:
    found = table.text(name)
    if found and not _ID.fullmatch(found):
        table.problem(f"{name} = {found!r} must be lower-case letters, digits and hyphens")
    return found


def _sections(entries: Any, problems: list[str]) -> tuple[Section, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append("section must be written as [[section]]")
        return ()
    found = []
    for number, entry in enumerate(entries, start=1):
        table = CheckedTable(f"section {number}", dict(entry), problems)
        found.append(Section(_id(table, "id"), table.text("title_zh"), table.text("title_en")))
        table.end()
    ids = [each.id for each in found]
    problems += [f"section {each} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    return tuple(found)


def _items(
    entries: Any, text: str, sections: set[str], known: Mapping[str, Checklist], problems: list[str]
) -> list[Item]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append("item must be written as [[item]]")
        return []
    if not 1 <= len(entries) <= ITEMS_MAX:
        problems.append(f"a list has between 1 and {ITEMS_MAX} items, this one {len(entries)}")
    lines = [text.count("\n", 0, found.end()) + 1 for found in _ITEM_LINE.finditer(text)]
    found = []
    for number, entry in enumerate(entries, start=1):
        line = f"line {lines[number - 1]}, " if len(lines) == len(entries) else ""
        table = CheckedTable(f"{line}item {number} ({entry.get('id', entry.get('from', '?'))})", dict(entry), problems)
        item = _taken_over(table, known) if "from" in entry else _own(table)
        if item is not None and item.section not in sections:
            table.problem(f"section {item.section!r} is not one of this list")
        table.end()
        if item is not None:
            found.append(item)
    ids = [each.id for each in found]
    problems += [f"item {each} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    return found


def _own(table: CheckedTable) -> Item:
    wording = Wording(table.one_of("wording", tuple(Wording)))
    missing = wording is Wording.MISSING
    item = Item(
        id=_id(table, "id"),
        section=table.text("section"),
        wording=wording,
        zh=table.text("zh", "" if missing else None),
        en=table.text("en", "" if missing else None),
        level=Level(table.one_of("level", tuple(Level))),
        clause=table.text("clause", None if wording in (Wording.QUOTED, Wording.SUMMARY) else ""),
        evidence=frozenset(Evidence(each) for each in table.set_of("evidence", tuple(Evidence))),
    )
    if missing and (item.zh or item.en):
        table.problem("has a text, but says that its wording is missing")
    if not missing and not item.evidence:
        table.problem("evidence is missing")
    if max(len(item.zh), len(item.en)) > TEXT_LENGTH_MAX:
        table.problem(f"a text has at most {TEXT_LENGTH_MAX} letters")
    return item


def _taken_over(table: CheckedTable, known: Mapping[str, Checklist]) -> Item | None:
    name, section = table.text("from"), table.text("section")
    list_id, _, item_id = name.partition("/")
    if list_id not in known:
        table.problem(f"from = {name!r}: there is no checklist {list_id!r}")
        return None
    try:
        taken = known[list_id].item(item_id)
    except ChecklistUnknown as error:
        table.problem(f"from = {name!r}: {error}")
        return None
    if taken.wording is Wording.MISSING:
        table.problem(f"from = {name!r}: its text is missing, so nobody could answer it")
    return replace(taken, id=f"{list_id}.{item_id}", section=section, source=name)
