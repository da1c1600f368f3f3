"""The shapes of commitments and public pages: what people with a session work with, and what anybody reads."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from dashboard.schemas.base import InstitutionKind, Moment, Shape, Text
from dashboard.schemas.institution_files import FileInstitution
from inspection.commitment import MONTHS_MAX, REASON_LENGTH_MAX, Standing
from inspection.publicity import NOTE_LENGTH_MAX, WORDS_LENGTH_MAX
from inspection.visit import Kind

Reason = Annotated[Text, Field(max_length=REASON_LENGTH_MAX)]
Note = Annotated[Text, Field(max_length=NOTE_LENGTH_MAX)]
Words = Annotated[Text, Field(max_length=WORDS_LENGTH_MAX)]


class ClauseShape(Shape):
    """One promise."""

    zh: str
    en: str


class CommitmentTextShape(Shape):
    """A text in one version; `sha256` is what a signature is over."""

    version: str
    sha256: str
    title_zh: str
    title_en: str
    clauses: list[ClauseShape]
    term_months: int
    term_months_max: int


class RevocationShape(Shape):
    """Who took a commitment back, and why."""

    at: Moment
    reason: str
    actor: str
    outside: bool


class CommitmentShape(Shape):
    """What was signed, and whether it holds. `open_…`, `overdue`: the hazards not closed when it was signed."""

    id: int
    standing: Standing
    text: CommitmentTextShape | None
    signed_at: Moment
    until: Moment
    signer_name: str
    actor: str
    open_general: int
    open_major: int
    overdue: int
    revocation: RevocationShape | None


class PageActShape(Shape):
    """Somebody published the page, or took it down."""

    published: bool
    note: str
    at: Moment
    actor: str
    outside: bool


class OpenHazardsShape(Shape):
    """The hazards that are not closed."""

    general: int
    major: int
    overdue: int


class CommitmentDetail(Shape):
    """An institution's commitments and whether its page is public; `may_…` is what the reader may do now. `head_gone`:
    who signed the one in force is no longer the head."""

    institution: FileInstitution
    text: CommitmentTextShape | None
    open: OpenHazardsShape
    history: list[CommitmentShape]
    head_gone: bool
    published: bool
    acts: list[PageActShape]
    named: int
    may_sign: bool
    may_revoke: bool
    may_publish: bool


class CommitmentRow(Shape):
    """An institution of the list; `standing` None: it has never signed."""

    institution: FileInstitution
    standing: Standing | None
    signed_at: Moment | None
    until: Moment | None
    ends_soon: bool
    published: bool


class CommitmentPage(Shape):
    """Institutions, those without a commitment in force first; the counts are of everything within reach."""

    items: list[CommitmentRow]
    total: int
    in_force: int
    ends_soon: int
    published: int


class Signing(BaseModel):
    """The head signs the text they saw."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    months: int = Field(ge=1, le=MONTHS_MAX)


class Revoking(BaseModel):
    """The commitment in force is taken back."""

    commitment_id: int = Field(ge=1, le=2**63 - 1)
    reason: Reason


class Publishing(BaseModel):
    """A page is published, or taken down with a reason."""

    published: bool
    note: Note = ""


class EntryActShape(Shape):
    """Somebody made an entry known, or took it down."""

    published: bool
    words_zh: str
    words_en: str
    note: str
    at: Moment
    actor: str


class EntryPublication(Shape):
    """Whether the public is told of an entry of a credit list."""

    published: bool
    publishable: bool
    acts: list[EntryActShape]
    may_publish: bool


class EntryPublishing(BaseModel):
    """An entry is made known in these words, or taken down with a reason."""

    published: bool
    words_zh: Words = ""
    words_en: Words = ""
    note: Note = ""


class PublicPlace(Shape):
    """An institution as the public knows it."""

    id: int
    name: str
    name_en: str
    kind: InstitutionKind
    region: str
    ownership: Literal["public", "private"] | None


class PublicPersonShape(Shape):
    """Somebody who agreed to be named."""

    duty: Literal["head", "officer", "township", "department"]
    name: str
    position: str | None


class PublicHazards(Shape):
    """Hazards of one level: found, closed, closed in time, still running, overdue."""

    found: int
    closed: int
    closed_in_time: int
    running: int
    overdue: int


class PublicRisks(Shape):
    """The risks the institution has found with itself: how many of each level; when it last looked."""

    major: int
    high: int
    medium: int
    low: int
    assessed_on: date | None


class PublicChecks(Shape):
    """The institution's own checks of one kind; `last_on`: the day of the newest, in China."""

    kind: Kind
    made: int
    last_on: date | None


class PublicCommitmentShape(Shape):
    """The commitment in force; `signer` null: the head has not agreed to be named."""

    title_zh: str
    title_en: str
    clauses: list[ClauseShape]
    version: str
    sha256: str
    signer: str | None
    signed_on: date
    until: date


class PublicInstitution(Shape):
    """The public page of an institution."""

    institution: PublicPlace
    published_on: date
    months: int
    as_of: Moment
    responsibles: list[PublicPersonShape]
    risks: PublicRisks
    general: PublicHazards
    major: PublicHazards
    checks: list[PublicChecks]
    commitment: PublicCommitmentShape | None


class PublicRow(Shape):
    """An institution of a county's list. `promised_until`: the day its commitment ends, null where none is in force."""

    institution: PublicPlace
    found: int
    closed: int
    major: int
    major_closed: int
    overdue: int
    self_checks: int
    promised_until: date | None


class PublicEntryShape(Shape):
    """An institution on the red or black list."""

    institution_id: int
    name: str
    name_en: str
    words_zh: str
    words_en: str
    listed_on: date
    until: date
    has_page: bool


class PublicLists(Shape):
    """The entries of a county that were made known, the newest first."""

    red: list[PublicEntryShape]
    black: list[PublicEntryShape]


class PublicCounty(Shape):
    """The public page of a county."""

    region: str
    months: int
    as_of: Moment
    institutions: list[PublicRow]
    lists: PublicLists
