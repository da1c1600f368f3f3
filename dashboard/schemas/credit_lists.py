"""The shapes of the red, watch and black list, and of visits that are due."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from dashboard.schemas.base import Id, Moment, Shape, Text
from dashboard.schemas.hazards import Named
from dashboard.schemas.ratings import RatedInstitution, RatingRecord
from inspection.credit_criteria import ListKind
from inspection.credit_list import Delivery, End, State, Verb
from inspection.photo_store import PER_EVENT_COUNT_MAX
from inspection.visit_due import Because, Standing

Note = Annotated[Text, Field(max_length=2000)]
Said = Annotated[Text, Field(min_length=1, max_length=2000)]
Photos = Annotated[tuple[UUID, ...], Field(max_length=PER_EVENT_COUNT_MAX)]


class CreditRow(Shape):
    """An entry of a list. `no` is given with the notice. `standing`: the institution is on the list."""

    id: UUID
    no: int | None
    institution: RatedInstitution
    kind: ListKind
    state: State
    standing: bool
    version: int
    reason_zh: str
    reason_en: str
    proposed_at: Moment
    proposed_by: str
    notified_at: Moment | None
    delivered_at: Moment | None
    appeal_until: Moment | None
    appeal_rejected_at: Moment | None
    listed_at: Moment | None
    until: Moment | None
    repair_from: Moment | None
    repair_asked_at: Moment | None
    ended_at: Moment | None
    end: End | None


class CreditCount(Shape):
    """How many entries there are of one list in one state."""

    kind: ListKind
    state: State
    count: int


class CreditPage(Shape):
    """A page of entries, the newest proposal first; how many there are in all; `counts` are those of everything within
    reach."""

    items: list[CreditRow]
    total: int
    counts: list[CreditCount]
    next_cursor: str | None


class CreditVeto(Shape):
    """A veto that lowered the rating."""

    id: str
    zh: str
    en: str


class CreditFacts(Shape):
    """What a nightly rating says: the grade for `ratings` nights in a row `since`, vetoes, and their records."""

    as_of: Moment
    policy: str
    grade: str
    ratings: int
    since: Moment
    zh: str
    en: str
    clause: str
    vetoes: list[CreditVeto]
    records: list[RatingRecord]


class CreditEventShape(Shape):
    """One entry of the history. `paper`: there is a printable paper of it."""

    seq: int
    verb: Verb
    at: Moment
    actor: str
    person: Named | None
    outside: bool
    note: str
    photos: list[UUID]
    delivered_at: Moment | None
    delivery: Delivery | None
    breach_at: Moment | None
    facts: CreditFacts | None
    end: End | None
    paper: bool


class CreditDetail(CreditRow):
    """An entry with its history; `acts` is what the reader may do now."""

    term_months: int | None
    appeal_days: int | None
    inspections_per_year: float | None
    risk_factor: float | None
    facts: CreditFacts | None
    events: list[CreditEventShape]
    acts: list[Verb]


class CreditPaperText(Shape):
    """A paper in one language."""

    title: str
    number: str
    addressee: str
    paragraphs: list[str]
    signer: str
    day: str


class CreditPaperShape(Shape):
    """A paper: the Chinese one and its translation."""

    institution: str
    zh: CreditPaperText
    en: CreditPaperText


class CreditListShape(Shape):
    """What being on a list means. `clauses` has the source of a figure by its name; one without is Anhu's default."""

    kind: ListKind
    zh: str
    en: str
    term_months: int
    appeal_days: int
    repair_after_months: int | None
    inspections_per_year: float
    risk_factor: float
    clauses: dict[str, str]


class CreditCriterion(Shape):
    """What brings an institution before a decision."""

    id: str
    kind: ListKind
    zh: str
    en: str
    clause: str
    grades: list[str]
    vetoes: list[str]
    ratings_min: int


class CreditCriteriaShape(Shape):
    """The criteria in force."""

    version: str
    visits_per_year_min: float
    visits_clause: str
    due_soon_days: int
    lists: list[CreditListShape]
    criteria: list[CreditCriterion]


class NewCreditEntry(BaseModel):
    """A person proposes an institution on their own grounds."""

    institution_id: Id
    kind: ListKind
    reason: Said


class CreditAct(BaseModel):
    """An act on an entry as the person saw it."""

    version: int = Field(ge=1, le=2**31 - 1)


class Noted(CreditAct):
    """An act that may say something."""

    note: Note = ""


class Reasoned(CreditAct):
    """An act that says why."""

    reason: Said


class NoticeDelivered(Noted):
    """When and how the notice was delivered."""

    delivered_at: AwareDatetime
    delivery: Delivery


class Asking(Reasoned):
    """The institution's objection, or its request to be taken off, with files."""

    photos: Photos = ()


class Deciding(Reasoned):
    """Whether what was asked for is granted, and why."""

    granted: bool


class DueVisit(Shape):
    """When an institution is to be visited next, and because of what. `days_late` 0: not yet due."""

    institution: RatedInstitution
    grade: str | None
    list_kind: ListKind | None
    visits_per_year: float
    because: Because
    days_between: int
    last_visit_at: Moment | None
    planned_for: Moment | None
    due_at: Moment
    standing: Standing
    days_late: int


class DueVisitPage(Shape):
    """A page of visits, who is due first comes first; how many there are of each standing."""

    items: list[DueVisit]
    total: int
    counts: dict[Standing, int]
    due_soon_days: int
