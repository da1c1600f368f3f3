"""The shapes of inspections, campaigns and draws."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from alerting.people import Role
from dashboard.schemas.alerts import AlertInstitution
from dashboard.schemas.base import Id, InstitutionKind, Moment, Shape, Text
from dashboard.schemas.hazards import Named, Note, Photos, Said, Versioned
from dashboard.schemas.recorded import AsRecorded, DrawGrounds, DrawRegister, DrawResult
from inspection.checklist import Level
from inspection.draw import TEAM_MAX, VISITS_MAX, WORD_LENGTH_MAX
from inspection.draw import State as DrawState
from inspection.hazard import TITLE_LENGTH_MAX, Category, Supervisor
from inspection.visit import LISTS_COUNT_MAX, TEAM_COUNT_MAX, Duty, Kind, Outcome, State, Verb

ListId = Annotated[str, Field(max_length=64)]
Lists = Annotated[tuple[ListId, ...], Field(max_length=LISTS_COUNT_MAX)]
Region = Annotated[str, Field(pattern=r"^([0-9]{2}){0,3}$")]
Title = Annotated[Text, Field(min_length=1, max_length=TITLE_LENGTH_MAX)]


class Mate(Shape):
    """Somebody on a team."""

    id: int
    name: str
    duty: Duty


class InspectionRow(Shape):
    """An inspection in the list. `no` is null until it begins."""

    id: UUID
    no: int | None
    institution: AlertInstitution
    kind: Kind
    own: bool
    unannounced: bool
    planned_for: date
    purpose: str
    state: State
    version: int
    team: list[Mate]
    campaign_id: UUID | None
    draw_id: UUID | None
    begun_at: Moment | None
    concluded_at: Moment | None
    findings_count: int


class InspectionPage(Shape):
    """A page of the list, and how many inspections it has in all."""

    items: list[InspectionRow]
    total: int
    next_cursor: str | None


class InspectionItem(Shape):
    """One thing to look at, as its list was when the inspection began; `outcome` null: not looked at yet. `seq` is the
    number of the event it was answered by, 0 for none."""

    checklist_id: str
    item_id: str
    section_zh: str
    section_en: str
    zh: str
    en: str
    level: Level
    clause: str
    evidence: list[str]
    outcome: Outcome | None
    note: str
    answered_at: Moment | None
    person: Named | None
    hazard_id: UUID | None
    photos: list[UUID]
    seq: int


class InspectionFinding(Shape):
    """What opened a hazard."""

    hazard_id: UUID
    hazard_no: int
    level: Level
    clause: str
    title: str
    state: str
    found_at: Moment
    item: bool


class InspectionEvent(Shape):
    """One entry of an inspection's history."""

    seq: int
    verb: Verb
    at: Moment
    actor: str
    person: Named | None
    outside: bool
    note: str
    outcome: Outcome | None
    photos: list[UUID]


class InspectionDetail(InspectionRow):
    """An inspection with items, findings and history; `acts` is what the reader may do now. `record_sha256` is of
    everything found, as the leader signed it."""

    checklists: list[str]
    planned_at: Moment
    planned_by: str
    concluded_by: str | None
    conclusion: str | None
    record_sha256: str | None
    items: list[InspectionItem]
    findings: list[InspectionFinding]
    events: list[InspectionEvent]
    acts: list[Verb]


class InspectionFigures(Shape):
    """What came of inspections: institutions visited, findings, rectified, open with a deadline."""

    inspections: int
    planned: int
    begun: int
    concluded: int
    cancelled: int
    institutions_visited: int
    findings: int
    major: int
    rectified: int
    waiting: int
    with_deadline: int
    overdue: int
    unassigned: int


class Colleague(Shape):
    """Somebody who may be on a team there."""

    id: int
    name: str
    role: Role
    duty: Duty


class ColleagueList(Shape):
    """Everybody who may be on a team there."""

    items: list[Colleague]


class Seat(BaseModel):
    """Somebody on a team that is planned."""

    person_id: Id
    duty: Duty


class InspectionPlan(BaseModel):
    """A new inspection."""

    institution_id: Id
    kind: Kind
    planned_for: date
    team: Annotated[tuple[Seat, ...], Field(min_length=1, max_length=TEAM_COUNT_MAX)]
    checklists: Lists = ()
    unannounced: bool = False
    purpose: Note = ""
    campaign_id: UUID | None = None


class ItemAnswer(BaseModel):
    """What was found of an item; the last five for a failed one, whose level is the item's at least."""

    checklist_id: ListId
    item_id: Annotated[str, Field(max_length=130)]
    outcome: Outcome
    note: Note = ""
    photos: Photos = ()
    title: Annotated[Text, Field(max_length=TITLE_LENGTH_MAX)] = ""
    category: Category = Category.MANAGEMENT
    level: Level | None = None
    supervisor: Supervisor = Supervisor.DEPARTMENT
    zone_id: Id | None = None


class FindingReport(BaseModel):
    """Something seen besides the lists."""

    title: Title
    note: Note = ""
    category: Category
    level: Level = Level.GENERAL
    clause: Annotated[Text, Field(max_length=200)] = ""
    supervisor: Supervisor = Supervisor.DEPARTMENT
    zone_id: Id | None = None
    photos: Photos = ()


class Conclusion(Versioned):
    """What the leader signs."""

    conclusion: Said


class Reasoned(Versioned):
    """An act with its reason."""

    reason: Said


class Remark(BaseModel):
    """A remark."""

    note: Said
    photos: Photos = ()


class Campaign(Shape):
    """专项行动."""

    id: UUID
    no: int
    theme: str
    goal: str
    region: str
    begins_on: date
    ends_on: date
    checklists: list[str]
    creator: Named


class CampaignList(Shape):
    """Campaigns, the newest first."""

    items: list[Campaign]


class CampaignDetail(Campaign):
    """A campaign and what came of it, within the reader's reach."""

    figures: InspectionFigures


class CampaignPlan(BaseModel):
    """A new campaign."""

    theme: Title
    goal: Note = ""
    region: Region
    begins_on: date
    ends_on: date
    checklists: Lists = ()


class DrawRow(Shape):
    """A draw in the list."""

    id: UUID
    no: int
    title: str
    region: str
    planned_for: date
    state: DrawState
    version: int
    visits: int
    candidates: int
    seed_sha256: str
    register_sha256: str
    announced_at: Moment
    drawn_at: Moment | None
    published_at: Moment | None


class DrawList(Shape):
    """Draws, the newest first."""

    items: list[DrawRow]


class DrawDetail(DrawRow):
    """A draw for those who draw: with grounds and names. `waiting`: visits that have not begun, while there are any
    the seed stays secret."""

    checklists: list[str]
    campaign_id: UUID | None
    register_body: Annotated[dict[str, Any], AsRecorded(DrawRegister)]
    grounds: Annotated[dict[str, Any], AsRecorded(DrawGrounds)]
    word: str | None
    result: Annotated[dict[str, Any], AsRecorded(DrawResult)] | None
    seed: str | None
    void_reason: str | None
    waiting: int
    names: dict[str, str]


class DrawWanted(BaseModel):
    """A new draw."""

    title: Title
    region: Region
    visits: int = Field(ge=1, le=VISITS_MAX)
    planned_for: date
    officers: int = Field(default=1, ge=0, le=TEAM_MAX - 1)
    experts: int = Field(default=0, ge=0, le=TEAM_MAX - 1)
    kinds: Annotated[frozenset[InstitutionKind], Field(max_length=10)] = frozenset()
    checklists: Lists = ()
    campaign_id: UUID | None = None


class DrawRun(Versioned):
    """The word a witness says after the announcement: a sentence, today's number of a lottery."""

    word: Annotated[Text, Field(min_length=1, max_length=WORD_LENGTH_MAX)]


class Drawable(Shape):
    """Somebody who may be drawn, or lead: of a bureau or an expert, never of an institution."""

    id: int
    name: str
    role: Role


class DrawableList(Shape):
    """Everybody who may be drawn within the reader's reach, by name."""

    items: list[Drawable]


RelationKind = Literal["home", "family", "interest", "other"]


class RelationDeclared(BaseModel):
    """What stands between somebody and an institution (回避)."""

    person_id: Id
    institution_id: Id
    relation: RelationKind
    note: Annotated[Text, Field(max_length=500)] = ""


class Relation(Shape):
    """A declared relation."""

    id: int
    person_id: int
    person_name: str
    institution_id: int
    relation: RelationKind
    note: str
    declared_at: Moment


class RelationList(Shape):
    """Relations that stand."""

    items: list[Relation]
