"""The commitment (一承诺): what the head of an institution signs, for how long, and whether it holds.

The text is data, a versioned TOML file put in force by a named person. A signature is over the SHA-256 of the file as
the signer saw it. A new commitment takes the place of the one before for good: where it is revoked, the older does not
come back. Nothing is ever changed; whether one holds is worked out from what came after, and from the time.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from alerting.checked_table import CheckedTable
from alerting.people import RIGHTS, Person, Right, Role
from ingest import toml_text
from inspection.credit_calendar import add_months
from inspection.errors import CommitmentChanged, CommitmentTextInvalid, StepRefused, WrongPerson

MONTHS_MAX: Final = 36
CLAUSES_COUNT_MAX: Final = 30
REASON_LENGTH_MAX: Final = 500
SOON_DAYS: Final = 30  # before it ends, a commitment is shown as ending


@dataclass(frozen=True, slots=True)
class Clause:
    """One promise."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class CommitmentText:
    """The text in one version. `sha256` is that of the file."""

    version: str
    sha256: str
    title_zh: str
    title_en: str
    clauses: tuple[Clause, ...]
    term_months: int
    term_months_max: int


class Standing(StrEnum):
    """Whether a commitment holds, or why it does not."""

    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Revocation:
    """Who took a commitment back, when and why. `outside`: not the institution itself."""

    at: datetime
    reason: str
    actor: str
    outside: bool


@dataclass(frozen=True, slots=True)
class Commitment:
    """What was signed. `open_general`, `open_major`, `overdue`: the hazards that were not closed then, as the signer
    saw them."""

    id: int
    institution_id: int
    text_id: int
    signed_at: datetime
    until: datetime
    signer_id: int
    signer_name: str
    actor: str
    open_general: int
    open_major: int
    overdue: int
    revocation: Revocation | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """From when to when a signature holds."""

    signed_at: datetime
    until: datetime


@lru_cache(maxsize=32)
def parse(text: str) -> CommitmentText:
    """The text in `text` (TOML). Raises CommitmentTextInvalid with every error found."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CommitmentTextInvalid([str(error)]) from error
    problems: list[str] = []
    clauses = _clauses(document.pop("clause", []), problems)
    head = CheckedTable("the file", document, problems)
    made = CommitmentText(
        version=head.text("version"),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        title_zh=head.text("title_zh"),
        title_en=head.text("title_en"),
        clauses=clauses,
        term_months=_months(head, "term_months"),
        term_months_max=_months(head, "term_months_max"),
    )
    if made.term_months > made.term_months_max:
        head.problem("term_months is more than term_months_max")
    head.end()
    if problems:
        raise CommitmentTextInvalid(problems)
    return made


def default_text() -> str:
    """The file that ships with Anhu."""
    return resources.files("inspection").joinpath("policies/commitment.toml").read_text("utf-8")


def standing(commitment: Commitment, newest_id: int, now: datetime) -> Standing:
    """Whether `commitment` holds at `now`; `newest_id` is that of its institution's newest."""
    if commitment.revocation is not None:
        return Standing.REVOKED
    if commitment.id != newest_id:
        return Standing.SUPERSEDED
    return Standing.IN_FORCE if now < commitment.until else Standing.EXPIRED


def in_force(history: Sequence[Commitment], now: datetime) -> Commitment | None:
    """The one of an institution's commitments that holds at `now`."""
    newest = max(history, key=lambda each: each.id, default=None)
    if newest is None or standing(newest, newest.id, now) is not Standing.IN_FORCE:
        return None
    return newest


def sign(text: CommitmentText, seen_sha256: str, months: int, institution_id: int, who: Person, now: datetime) -> Term:
    """The term of a signature by `who`. Raises WrongPerson for anybody but the institution's head, CommitmentChanged
    where another text is in force than the one they saw, StepRefused for a term the text does not allow."""
    if not may_sign(who, institution_id):
        raise WrongPerson("the head of the institution signs its commitment")
    if seen_sha256 != text.sha256:
        raise CommitmentChanged
    if not 1 <= months <= text.term_months_max:
        raise StepRefused(f"one signs for 1 to {text.term_months_max} months")
    return Term(now, add_months(now, months))


def may_sign(who: Person, institution_id: int) -> bool:
    """Whether `who` is the head of that institution."""
    return who.active and who.role is Role.INSTITUTION_MANAGER and who.scope.institution_id == institution_id


def revoke(history: Sequence[Commitment], commitment_id: int, reason: str, who: Person, now: datetime) -> Commitment:
    """The commitment that `who` may revoke for `reason`. Raises StepRefused, WrongPerson."""
    held = in_force(history, now)
    if held is None or held.id != commitment_id:
        raise StepRefused("this commitment is not in force")
    if not may_revoke(who, held.institution_id):
        raise WrongPerson("the head of the institution revokes it, or the authority")
    if not reason.strip() or len(reason) > REASON_LENGTH_MAX:
        raise StepRefused(f"say why, in at most {REASON_LENGTH_MAX} letters")
    return held


def may_revoke(who: Person, institution_id: int) -> bool:
    """Whether `who`, within whose reach the institution lies, may revoke its commitment: its head, or the authority."""
    authority = who.active and who.scope.institution_id is None and Right.PUBLISH_PAGE in RIGHTS[who.role]
    return may_sign(who, institution_id) or authority


def _clauses(entries: object, problems: list[str]) -> tuple[Clause, ...]:
    if not isinstance(entries, list) or not entries or any(not isinstance(each, dict) for each in entries):
        problems.append("the promises are written as [[clause]]")
        return ()
    if len(entries) > CLAUSES_COUNT_MAX:
        problems.append(f"there are at most {CLAUSES_COUNT_MAX} clauses")
    return tuple(_clause(number, dict(each), problems) for number, each in enumerate(entries, start=1))


def _clause(number: int, entry: dict[str, Any], problems: list[str]) -> Clause:
    table = CheckedTable(f"clause {number}", entry, problems)
    made = Clause(table.text("zh"), table.text("en"))
    table.end()
    return made


def _months(table: CheckedTable, name: str) -> int:
    found = table.number(name, 1, MONTHS_MAX)
    if found != int(found):
        table.problem(f"{name} = {found} must be a whole number")
    return int(found)
