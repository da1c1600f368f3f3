"""The shapes of hazards and checklists."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from alerting.people import Role
from dashboard.schemas.alerts import AlertDevice, AlertInstitution, AlertZone
from dashboard.schemas.base import Id, InstitutionKind, Moment, Shape, Text
from inspection.checklist import Evidence, Level, Purpose, Wording
from inspection.decide import Ripe, Standing
from inspection.hazard import TEXT_LENGTH_MAX, TITLE_LENGTH_MAX, Category, Origin, Proposal, State, Supervisor, Verb
from inspection.photo_store import PER_EVENT_COUNT_MAX
from inspection.proof import Reason

Note = Annotated[Text, Field(max_length=TEXT_LENGTH_MAX)]
Said = Annotated[Text, Field(min_length=1, max_length=TEXT_LENGTH_MAX)]
Photos = Annotated[tuple[UUID, ...], Field(max_length=PER_EVENT_COUNT_MAX)]


class Named(Shape):
    """A person, as others see them."""

    id: int
    name: str


class HazardRow(Shape):
    """A hazard in the list. `title_en` where a rule wrote the title; `standing` is worked out as of now; `assign_by`
    is there as long as nobody has been given it."""

    id: UUID
    no: int
    institution: AlertInstitution
    zone: AlertZone | None
    device: AlertDevice | None
    origin: Origin
    category: Category
    level: Level
    supervisor: Supervisor
    title: str
    title_en: str
    state: State
    standing: Standing
    version: int
    occurrence: int
    failures: int
    assign_by: Moment | None
    deadline: Moment | None
    assignee: Named | None
    reported_at: Moment
    reported_by: str
    closed_at: Moment | None
    withdrawn_at: Moment | None
    extension_asked: bool
    on_bulletin: bool
    proposal: Proposal | None


class HazardPage(Shape):
    """A page of the list, and how many hazards it has in all."""

    items: list[HazardRow]
    total: int
    next_cursor: str | None


class HazardSummary(Shape):
    """How many hazards there are of each sort; `assign_late` of the unassigned ones, `major` to `blue` of open ones."""

    open: int
    unassigned: int
    assign_late: int
    overdue: int
    due_soon: int
    waiting: int
    bulletin: int
    closed: int
    withdrawn: int
    major: int
    red: int
    yellow: int
    blue: int
    extensions_asked: int
    proposals: int


class Term(Shape):
    """A time within which a hazard has to be rectified."""

    id: str
    hours: float
    zh: str
    en: str


class HazardOptions(Shape):
    """What a form offers: the policy's terms, and the one proposed for each level and supervisor ("major.head")."""

    policy: str
    terms: list[Term]
    defaults: dict[str, str]
    extension_days_max: int


class HazardProof(Shape):
    """What the sensor did since the hazard was said to be rectified."""

    reason: Reason
    holds: bool
    active: bool
    raised: int
    readings: int
    last_reading_at: Moment | None
    observe_hours: float
    enough_at: Moment | None


class HazardEvent(Shape):
    """One entry of a hazard's history. `person` is None for what the policy did by itself. `done_at` is there where it
    was done on a phone without signal and arrived later."""

    seq: int
    verb: Verb
    at: Moment
    actor: str
    person: Named | None
    outside: bool
    passed: bool | None
    note: str
    photos: list[UUID]
    assignee: Named | None
    deadline: Moment | None
    until: Moment | None
    level: Level | None
    supervisor: Supervisor | None
    proposal: Proposal | None
    to: list[str]
    proof: Reason | None
    done_at: Moment | None


class HazardLink(Shape):
    """Another hazard."""

    id: UUID
    no: int


class HazardExtension(Shape):
    """More time that is asked for."""

    until: Moment
    asked_at: Moment
    asker: Named


class HazardItem(Shape):
    """The item of a checklist a hazard was found by."""

    checklist_id: str
    item_id: str
    title_zh: str
    title_en: str
    zh: str
    en: str


class HazardDetail(HazardRow):
    """A hazard with its history; `acts` is what the reader may do now."""

    detail: str
    clause: str
    item: HazardItem | None
    alert_id: UUID | None
    repeat_of: HazardLink | None
    term: str | None
    assigned_at: Moment | None
    rectified_at: Moment | None
    rechecked_at: Moment | None
    extension: HazardExtension | None
    extensions: int
    ripe: Ripe
    proof: HazardProof | None
    events: list[HazardEvent]
    acts: list[Verb]


class HazardReport(BaseModel):
    """A new hazard. The supervisor says who watches over it: red the head, yellow the deputy, blue the department."""

    institution_id: Id
    title: Annotated[Text, Field(min_length=1, max_length=TITLE_LENGTH_MAX)]
    detail: Note = ""
    category: Category
    level: Level = Level.GENERAL
    supervisor: Supervisor = Supervisor.DEPARTMENT
    zone_id: Id | None = None
    device_id: Id | None = None
    checklist_id: Annotated[str, Field(max_length=64)] | None = None
    item_id: Annotated[str, Field(max_length=130)] | None = None
    photos: Photos = ()


class Versioned(BaseModel):
    """An act on a hazard as the person saw it."""

    version: int = Field(ge=1, le=2**31 - 1)


class Assignment(Versioned):
    """Who has to rectify it; `term` null: the policy's. A change of person leaves the deadline as it is."""

    assignee_id: Id
    term: Annotated[str, Field(max_length=64)] | None = None
    level: Level
    supervisor: Supervisor
    note: Note = ""


class Rectification(Versioned):
    """What was done about it."""

    measures: Said
    photos: Photos = ()


class Recheck(Versioned):
    """What somebody else found."""

    passed: bool
    note: Note = ""
    photos: Photos = ()


class Closing(Versioned):
    """Taken off the list."""

    note: Note = ""


class ExtensionRequest(Versioned):
    """More time, and why."""

    until: AwareDatetime
    reason: Said


class ExtensionDecision(Versioned):
    """Whether it is granted; a refusal says why."""

    granted: bool
    note: Note = ""


class ProposalRequest(Versioned):
    """What is proposed to the bureau."""

    proposal: Proposal
    reason: Said


class Withdrawal(Versioned):
    """Why the report was a mistake."""

    reason: Said


class HazardComment(BaseModel):
    """A remark."""

    note: Said
    photos: Photos = ()


class UploadedPhoto(Shape):
    """A photo that is kept, and belongs to no hazard yet."""

    id: UUID
    width: int
    height: int


class Assignee(Shape):
    """Somebody a hazard may be given to."""

    id: int
    name: str
    role: Role


class AssigneeList(Shape):
    """Everybody a hazard may be given to, the institution's own people first."""

    items: list[Assignee]


class ChecklistRow(Shape):
    """A checklist in one line: how many items it has, how many of them unchecked or without a text."""

    id: str
    version: str
    purpose: Purpose
    title_zh: str
    title_en: str
    source_zh: str
    source_en: str
    kinds: list[InstitutionKind]
    items_count: int
    reported_count: int
    missing_count: int


class ChecklistList(Shape):
    """The checklists there are."""

    items: list[ChecklistRow]


class ChecklistSection(Shape):
    """A part of a list."""

    id: str
    title_zh: str
    title_en: str


class ChecklistItem(Shape):
    """One thing to look at; texts are empty where the wording is missing."""

    id: str
    section: str
    wording: Wording
    zh: str
    en: str
    level: Level
    clause: str
    evidence: list[Evidence]
    source: str | None


class ChecklistDetail(ChecklistRow):
    """A checklist with its items."""

    sections: list[ChecklistSection]
    items: list[ChecklistItem]
