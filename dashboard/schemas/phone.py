"""The shapes of the inspector's phone: what it takes along, what it sends, what it is told."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from dashboard.schemas.base import Id, Moment, Shape
from dashboard.schemas.hazards import (
    Assignee,
    HazardDetail,
    HazardOptions,
    HazardReport,
    HazardRow,
    Named,
    Note,
    Photos,
    Said,
)
from dashboard.schemas.inspections import FindingReport, InspectionDetail, ItemAnswer
from dashboard.schemas.institutions import InstitutionDetail
from inspection.phone import Outcome

Degrees = Annotated[float, Field(allow_inf_nan=False)]


class Given(BaseModel):
    """Who has to rectify what was found, and within which of the policy's terms; null: the one it proposes."""

    assignee_id: Id
    term: Annotated[str, Field(max_length=64)] | None = None


class BeginAct(BaseModel):
    """The team is there."""

    verb: Literal["begin"]


class AnswerAct(ItemAnswer):
    """An item was looked at."""

    verb: Literal["answer"]
    assignment: Given | None = None


class FindAct(FindingReport):
    """Something seen besides the lists."""

    verb: Literal["find"]
    assignment: Given | None = None


class ConcludeAct(BaseModel):
    """The leader signs."""

    verb: Literal["conclude"]
    conclusion: Said


class RecheckAct(BaseModel):
    """What was rectified was looked at."""

    verb: Literal["recheck"]
    passed: bool
    note: Note = ""
    photos: Photos = ()


class ReportAct(HazardReport):
    """A hazard besides any visit."""

    verb: Literal["report"]
    assignment: Given | None = None


class KeepAct(BaseModel):
    """Of a conflict theirs stands; one's own goes on record as a remark."""

    verb: Literal["keep"]


class PhoneAct(BaseModel):
    """One thing done. `id` is made on the phone: the same one sent again is not done again. `subject_id` is the
    inspection or hazard, null for a report; `based_on` the number of the last event of it the phone knew, for an answer
    of that item, 0 for none. The times are the phone's. `settles` is the conflict it decides."""

    id: UUID
    subject_id: UUID | None
    based_on: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    act: Annotated[
        BeginAct | AnswerAct | FindAct | ConcludeAct | RecheckAct | ReportAct | KeepAct, Field(discriminator="verb")
    ]
    done_at: AwareDatetime
    sent_at: AwareDatetime
    latitude: Annotated[Degrees, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[Degrees, Field(ge=-180, le=180)] | None = None
    accuracy_m: Annotated[Degrees, Field(ge=0)] | None = None
    settles: UUID | None = None


class Their(Shape):
    """What somebody else did meanwhile, beside which one's own act is shown."""

    seq: int
    verb: str
    at: Moment
    person: Named | None
    actor: str
    outcome: str | None
    passed: bool | None
    note: str
    photos: list[UUID]
    deadline: Moment | None


class PhoneReceipt(Shape):
    """What came of an act; `theirs` what it met, in a conflict. With it how the inspection, or hazard, stands now."""

    id: UUID
    outcome: Outcome
    seq: int | None
    hazard_id: UUID | None
    theirs: list[Their]
    inspection: InspectionDetail | None
    hazard: HazardDetail | None


class PhonePlace(Shape):
    """An institution as the phone takes it along: zones and devices as they stood, whom a hazard can be given to, what
    is open there."""

    institution: InstitutionDetail
    assignees: list[Assignee]
    hazards: list[HazardRow]


class PhoneDay(Shape):
    """What somebody takes along: their inspections, what waits for their recheck, and the institutions of both. Of a
    planned inspection the items are those it would begin with now. `left_out` counts what did not fit."""

    at: Moment
    inspections: list[InspectionDetail]
    rechecks: list[HazardDetail]
    places: list[PhonePlace]
    options: HazardOptions
    left_out: int


class PhotoStamp(Shape):
    """When and where a photo was taken; `taken_at` by this service's clock. `place_missing` says why there is no
    place."""

    photo_id: UUID
    taken_at: Moment
    received_at: Moment
    latitude: float | None
    longitude: float | None
    accuracy_m: float | None
    place_missing: Literal["denied", "unavailable", "timeout", "unsupported"] | None
