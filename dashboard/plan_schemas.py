"""The shapes of emergency plans, and of an alert's flapping."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from alerting.alert import Kind
from alerting.flapping import Reason
from alerting.plan_card import PHONES_MAX, STEPS_MAX, TEXT_LENGTH_MAX


class _Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class PlanStep(_Shape):
    """One thing to do."""

    zh: str = Field(max_length=TEXT_LENGTH_MAX)
    en: str = Field(max_length=TEXT_LENGTH_MAX)


class PlanPhone(_Shape):
    """Whom to call."""

    name: str = Field(max_length=TEXT_LENGTH_MAX)
    number: str = Field(max_length=40)


class PlanResidents(_Shape):
    """How many people in a zone cannot walk."""

    zone_id: int = Field(ge=1, le=2**31 - 1)
    count_cannot_walk: int = Field(ge=0, le=10_000)
    note: str = Field(default="", max_length=500)


class CannotWalk(_Shape):
    """How many people have to be carried; `in_zone` is null where the alert has no zone."""

    in_zone: int | None
    in_institution: int


class AlertPlan(_Shape):
    """The card that opens with an alert."""

    kind: Kind
    title_zh: str
    title_en: str
    steps: list[PlanStep]
    phones: list[PlanPhone]
    cannot_walk: CannotWalk
    source: Literal["institution", "default"]


class Plan(_Shape):
    """An institution's card for one kind of alert, with who cannot walk in any of its zones."""

    kind: Kind
    title_zh: str
    title_en: str
    steps: list[PlanStep]
    phones: list[PlanPhone]
    residents: list[PlanResidents]
    source: Literal["institution", "default"]


class PlanList(_Shape):
    """The cards of an institution."""

    items: list[Plan]


class PlanRequest(BaseModel):
    """An institution's own card. No steps: the default's stay. `residents` holds for all its cards; null: unchanged."""

    steps: list[PlanStep] = Field(max_length=STEPS_MAX)
    phones: list[PlanPhone] = Field(max_length=PHONES_MAX)
    residents: list[PlanResidents] | None = Field(default=None, max_length=1000)


class Flapping(_Shape):
    """Whether an alert's condition comes and goes too often, and what that rests on."""

    flapping: bool
    reason: Reason
    change_count: int
    span_s: float
    since: str | None
    text_zh: str
    text_en: str
