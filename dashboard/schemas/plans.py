"""Emergency plans, floor plans, and who cannot walk."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerting.alert import Kind
from alerting.floor_plan import MARKS_MAX
from alerting.plan_card import PHONES_MAX, STEPS_MAX, TEXT_LENGTH_MAX
from dashboard.schemas.base import Id, Shape, Text

Version = Annotated[int, Field(ge=0, description="the version that was seen; 0: there was none")]


class PlanStep(Shape):
    """One thing to do; in English only where somebody has written it."""

    zh: Annotated[Text, Field(max_length=TEXT_LENGTH_MAX)]
    en: Annotated[Text, Field(max_length=TEXT_LENGTH_MAX)] = ""


class PlanPhone(Shape):
    """Whom to call."""

    name: Annotated[Text, Field(max_length=TEXT_LENGTH_MAX)]
    number: str = Field(max_length=40)


class CannotWalk(Shape):
    """How many people have to be carried; `in_zone` is null where the alert has no zone."""

    in_zone: int | None
    in_institution: int


class Spot(Shape):
    """A place on a floor plan: shares of its width and height from the upper left; of the device, or of its zone."""

    x: float
    y: float
    of: Literal["device", "zone"]


class AlertFloorPlan(Shape):
    """The plan of the floor an alert is on; without a `spot` nobody has marked the place."""

    floor: int
    version: int
    width_px: int
    height_px: int
    spot: Spot | None


class AlertPlan(Shape):
    """The card that opens with an alert. `cannot_walk` is null for those without the right to it."""

    kind: Kind
    title_zh: str
    title_en: str
    steps: list[PlanStep]
    phones: list[PlanPhone]
    cannot_walk: CannotWalk | None
    floor_plan: AlertFloorPlan | None
    source: Literal["institution", "default"]


class Plan(Shape):
    """An institution's card for one kind of alert. Version 0 is the default; `own_steps`: the steps are its own."""

    kind: Kind
    title_zh: str
    title_en: str
    steps: list[PlanStep]
    phones: list[PlanPhone]
    own_phones: list[PlanPhone]
    own_steps: bool
    version: int
    source: Literal["institution", "default"]


class PlanList(Shape):
    """The cards of an institution."""

    items: list[Plan]


class PlanRequest(BaseModel):
    """An institution's own card. No steps: the default's stay."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    steps: list[PlanStep] = Field(max_length=STEPS_MAX)
    phones: list[PlanPhone] = Field(max_length=PHONES_MAX)


class PlanResidents(Shape):
    """How many people in a zone cannot walk."""

    zone_id: Id
    count_cannot_walk: int = Field(ge=0, le=10_000)
    note: Annotated[Text, Field(max_length=500)] = ""


class Residents(Shape):
    """Who cannot walk, by zone."""

    items: list[PlanResidents]
    version: int


class ResidentsRequest(BaseModel):
    """The whole list of who cannot walk."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    items: list[PlanResidents] = Field(max_length=1000)


class FloorPlanMark(Shape):
    """Where a zone or a device (one of the two) is: shares of the picture's width and height from its upper left."""

    zone_id: Id | None = None
    device_id: Id | None = None
    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class FloorPlan(Shape):
    """The plan of a floor; its picture is at `…/floor-plans/{floor}/picture`."""

    floor: int
    version: int
    width_px: int
    height_px: int
    marks: list[FloorPlanMark]


class FloorPlanList(Shape):
    """An institution's floor plans, the lowest floor first."""

    items: list[FloorPlan]


class MarksRequest(BaseModel):
    """All marks of a floor."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    marks: list[FloorPlanMark] = Field(max_length=MARKS_MAX)
