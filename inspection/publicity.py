"""What the public reads (两公开) of an institution and of the credit lists, and who decides that it does.

A public page is put together here and nowhere else, from what is named below: nothing of an institution is shown
because it happens to be in a record. Names are those that the institution file marks as public; of hazards and checks
there are numbers alone; words are only those that somebody has written for the public, and none with a number in it by
which a person could be reached or known, or with the name of somebody who has not agreed.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from inspection.checklist import Level
from inspection.commitment import Clause, Commitment, CommitmentText
from inspection.credit_criteria import ListKind
from inspection.credit_list import STANDING, Entry
from inspection.errors import StepRefused, WordsUnfit, WrongPerson
from inspection.hazard import By
from inspection.institution_file import RISK_LEVELS
from inspection.visit import Kind

SHOWN_MONTHS: Final = 12  # hazards found and checks made since then; older hazards as long as they are open
WORDS_LENGTH_MAX: Final = 300
NOTE_LENGTH_MAX: Final = 500
PUBLISHED_LISTS: Final = frozenset({ListKind.RED, ListKind.BLACK})
OWN_CHECKS: Final = (Kind.SELF_CHECK, Kind.DAILY_PATROL, Kind.MONTHLY_CHECK)
_NAME_LENGTH_MIN: Final = 2
# What has many digits and names nobody: a day, a standard such as GB 38600-2019.
_HARMLESS: Final = re.compile(
    r"(?<!\d)(?:19|20)\d\d-(?:0?[1-9]|1[0-2])-(?:[12]\d|3[01]|0?[1-9])(?!\d)"
    r"|\b(?:GB|GBZ|JGJ|MZ|XF|GA|TSG|WS)(?:/T)?\s?\d{1,5}(?:\.\d{1,2})?[-–—](?:19|20)\d\d(?!\d)"
)
_NUMBER: Final = re.compile(r"(?:\d[\s\-–—.()（）]{0,2}){7,}")  # a telephone number, an identity card, an account
_ADDRESS: Final = re.compile(r"\S@\S|https?://|www\.", re.IGNORECASE)


class Unfit(StrEnum):
    """Why words cannot stand on a public page."""

    NUMBER = "number"
    ADDRESS = "address"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class PageAct:
    """Somebody published a page, or took it down. `outside`: not the institution itself."""

    published: bool
    note: str
    at: datetime
    actor: str
    outside: bool


@dataclass(frozen=True, slots=True)
class EntryAct:
    """Somebody made an entry of a credit list known, in these words, or took it down."""

    published: bool
    words_zh: str
    words_en: str
    note: str
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who is responsible for what, as the institution file says. `public`: they agreed to be named."""

    duty: str
    name: str
    position: str | None
    public: bool


@dataclass(frozen=True, slots=True)
class HazardFigures:
    """Hazards of one level. `closed_in_time`: rectified by their deadline, and closed. What is not closed is running or
    overdue."""

    found: int = 0
    closed: int = 0
    closed_in_time: int = 0
    overdue: int = 0

    @property
    def running(self) -> int:
        """Not closed, and not overdue."""
        return self.found - self.closed - self.overdue


@dataclass(frozen=True, slots=True)
class CheckFigures:
    """The institution's own checks of one kind, brought to their end."""

    made: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RiskFigures:
    """The risks the institution has found with itself, by level, and the day of the newest assessment."""

    by_level: Mapping[str, int] = field(default_factory=dict)
    assessed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """An institution with a public page."""

    id: int
    name: str
    name_en: str
    kind: str
    region: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record of an institution that has a public page."""

    place: Place
    ownership: str | None
    responsibles: tuple[Responsible, ...]
    risks: RiskFigures
    hazards: Mapping[Level, HazardFigures]
    checks: Mapping[Kind, CheckFigures]
    commitment: Commitment | None
    text: CommitmentText | None


@dataclass(frozen=True, slots=True)
class PublicPerson:
    """Somebody who agreed to be named."""

    duty: str
    name: str
    position: str | None


@dataclass(frozen=True, slots=True)
class PublicCommitment:
    """The commitment in force. `signer` None: the head has not agreed to be named."""

    title_zh: str
    title_en: str
    clauses: tuple[Clause, ...]
    version: str
    sha256: str
    signer: str | None
    signed_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class PublicPage:
    """All that the public reads of an institution."""

    place: Place
    ownership: str | None
    responsibles: tuple[PublicPerson, ...]
    risks: RiskFigures
    hazards: Mapping[Level, HazardFigures]
    checks: Mapping[Kind, CheckFigures]
    commitment: PublicCommitment | None


@dataclass(frozen=True, slots=True)
class PublicEntry:
    """An institution on the red or black list, in the words its bureau has written for the public."""

    institution_id: int
    name: str
    name_en: str
    kind: ListKind
    words_zh: str
    words_en: str
    listed_at: datetime
    until: datetime


def page(known: Known) -> PublicPage:
    """What of all that is known the public reads."""
    people = named(known.responsibles)
    return PublicPage(
        place=known.place,
        ownership=known.ownership,
        responsibles=people,
        risks=RiskFigures(
            {each.value: known.risks.by_level.get(each.value, 0) for each in RISK_LEVELS}, known.risks.assessed_on
        ),
        hazards={level: known.hazards.get(level, HazardFigures()) for level in Level},
        checks={kind: known.checks.get(kind, CheckFigures()) for kind in OWN_CHECKS},
        commitment=_commitment(known, {each.name for each in people}),
    )


def named(responsibles: Iterable[Responsible]) -> tuple[PublicPerson, ...]:
    """Those who agreed to be named. A name or position that holds a number by which somebody could be reached is none
    that was meant to be public."""
    return tuple(
        PublicPerson(each.duty, each.name, _shown(each.position))
        for each in responsibles
        if each.public and unfit(each.name) is None
    )


def unfit(words: str, names: Iterable[str] = ()) -> Unfit | None:
    """Why `words` cannot stand on a public page; None: they can. `names`: of people who have not agreed to be named.

    >>> unfit("联系 138-0013-8000"), unfit("王小明有功", ["王小明"]), unfit("GB 38600-2019 未达标，2026-11-27 查实")
    (<Unfit.NUMBER: 'number'>, <Unfit.NAME: 'name'>, None)
    """
    if _NUMBER.search(_HARMLESS.sub("§", words)):
        return Unfit.NUMBER
    if _ADDRESS.search(words):
        return Unfit.ADDRESS
    folded = words.casefold()
    if any(len(each) >= _NAME_LENGTH_MIN and each.casefold() in folded for each in names):
        return Unfit.NAME
    return None


def demand_page_step(newest: PageAct | None, by: By, *, published: bool, note: str) -> None:
    """Whether `by`, within whose reach the institution lies, may publish its page now, or take it down. Raises
    StepRefused, WrongPerson."""
    if published is (newest is not None and newest.published):
        raise StepRefused("the page is public already" if published else "the page is not public")
    if not may_publish_page(newest, by):
        raise WrongPerson("what was taken down from outside is published from outside")
    if len(note) > NOTE_LENGTH_MAX or (not published and not note.strip()):
        raise StepRefused("say why the page is taken down")


def may_publish_page(newest: PageAct | None, by: By) -> bool:
    """Whether `by` may change how it stands: a page that was taken down from outside comes back from outside."""
    return by.outside or newest is None or newest.published or not newest.outside


def demand_entry_step(
    entry: Entry, newest: EntryAct | None, by: By, *, published: bool, words: tuple[str, str], note: str,
    names: Collection[str],
) -> None:  # fmt: skip
    """Whether `by` may make an entry known in these words (Chinese, English), or take it down. Raises WrongPerson,
    StepRefused, WordsUnfit."""
    if not by.outside:
        raise WrongPerson("the bureau makes an entry known")
    if published is (newest is not None and newest.published):
        raise StepRefused("the entry is public already" if published else "the entry is not public")
    if not published:
        if not note.strip() or len(note) > NOTE_LENGTH_MAX:
            raise StepRefused("say why the entry is taken down")
        return
    if not publishable(entry):
        raise StepRefused("only who is on the red or black list is made known")
    if not words[0].strip() or any(len(each) > WORDS_LENGTH_MAX for each in words):
        raise StepRefused(f"the public reads the reasons in 1 to {WORDS_LENGTH_MAX} letters")
    for each in words:
        if (why := unfit(each, names)) is not None:
            raise WordsUnfit(why)


def publishable(entry: Entry) -> bool:
    """Whether the public may be told of an entry at all."""
    return entry.kind in PUBLISHED_LISTS and entry.state in STANDING


def _commitment(known: Known, names: Collection[str]) -> PublicCommitment | None:
    held, text = known.commitment, known.text
    if held is None or text is None:
        return None
    return PublicCommitment(
        text.title_zh, text.title_en, text.clauses, text.version, text.sha256,
        held.signer_name if held.signer_name in names else None, held.signed_at, held.until,
    )  # fmt: skip


def _shown(words: str | None) -> str | None:
    return words if words and unfit(words) is None else None
