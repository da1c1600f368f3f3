"""The shapes of ratings and of what a bureau puts on record."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from dashboard.schemas.base import Id, InstitutionKind, Moment, Shape, Text
from inspection.safety_record import TEXT_LENGTH_MAX, RecordKind

Said = Annotated[Text, Field(min_length=1, max_length=TEXT_LENGTH_MAX)]


class RatedInstitution(Shape):
    """Whose rating it is."""

    id: int
    code: str
    name: str
    name_en: str
    kind: InstitutionKind
    region: str


class RatingRow(Shape):
    """An institution in the list. `change` is in grades against `change_days` before: above 0 better. All
    None: not rated yet."""

    institution: RatedInstitution
    as_of: Moment | None
    score: float | None
    grade: str | None
    earlier_grade: str | None
    change: int | None
    inspections_per_year: float | None


class RatingPage(Shape):
    """A page of the list, the lowest score first; how many there are in all; and, whatever grade
    and region are chosen, of each grade and in each county."""

    items: list[RatingRow]
    total: int
    grades: dict[str, int]
    regions: dict[str, int]
    change_days: int


class RatingGrade(Shape):
    """A grade and what it brings."""

    id: str
    score_min: float
    inspections_per_year: float
    risk_weight: float


class RatingIndicator(Shape):
    """One thing that counts."""

    id: str
    section: str
    zh: str
    en: str
    clause: str
    points: float
    cap: float | None
    days: float


class RatingPolicyShape(Shape):
    """The policy in force."""

    id: str
    version: str
    title_zh: str
    title_en: str
    source_zh: str
    source_en: str
    base: float
    grades: list[RatingGrade]
    indicators: list[RatingIndicator]


class RatingRecord(Shape):
    """The record that points came from."""

    table: Literal["hazards", "alerts", "duty_checks", "drills", "safety_records", "inspections"]
    id: str
    at: Moment


class RatingLine(Shape):
    """One record's points. `full` is what it would have given without a limit, `factor` what is left of it by time or
    repair. No record: the points are for what is missing, `times` records."""

    record: RatingRecord | None
    points: float
    full: float
    factor: float
    times: int


class RatingReason(Shape):
    """What an indicator gave, with every record behind it; `unused` records gave nothing because of a limit."""

    id: str
    section_zh: str
    section_en: str
    zh: str
    en: str
    clause: str
    points: float
    cap: float | None
    days: float
    unused: int
    lines: list[RatingLine]


class RatingBase(Shape):
    """What the score starts from, and the record that says so."""

    points: float
    zh: str
    en: str
    record: RatingRecord | None


class RatingVeto(Shape):
    """What lowered the grade, whatever the score."""

    id: str
    zh: str
    en: str
    clause: str
    steps: int
    to: str | None
    records: list[RatingRecord]


class RatingPast(Shape):
    """A moment at which the score or the grade changed."""

    as_of: Moment
    score: float
    grade: str


class RatingDetail(RatingRow):
    """One institution's rating with each of its points. base + every line + bounded = score."""

    policy_id: str | None
    policy_version: str | None
    policy_zh: str
    policy_en: str
    by_score: str | None
    base: RatingBase | None
    reasons: list[RatingReason]
    bounded: float
    vetoes: list[RatingVeto]
    history: list[RatingPast]


class SafetyRecordShape(Shape):
    """One record; `withdrawn` and `repaired` are said by others about it."""

    id: UUID
    kind: RecordKind
    level: str
    occurred_at: Moment
    until: Moment | None
    title: str
    source: str
    about: UUID | None
    recorded_at: Moment | None
    withdrawn: bool
    repaired: bool


class SafetyRecordList(Shape):
    """Everything on record about an institution, the newest first."""

    items: list[SafetyRecordShape]


class NewSafetyRecord(BaseModel):
    """What is put on record. It is never changed: another record withdraws it."""

    institution_id: Id
    kind: RecordKind
    level: Annotated[Text, Field(max_length=20)] = ""
    occurred_at: AwareDatetime
    until: AwareDatetime | None = None
    title: Said
    source: Said
    about: UUID | None = None
