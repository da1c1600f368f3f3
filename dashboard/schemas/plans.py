"""Emergency plans."""

from typing import Literal

from pydantic import BaseModel, Field

from alerting.alert import Kind
from alerting.plan_card import PHONES_MAX, STEPS_MAX, TEXT_LENGTH_MAX
from dashboard.schemas.base import Shape


class PlanStep(Shape):
    """One thing to do."""

    zh: str = Field(max_length=TEXT_LENGTH_MAX)
    en: str = Field(max_length=TEXT_LENGTH_MAX)


class PlanPhone(Shape):
    """Whom to call."""

    name: str = Field(max_length=TEXT_LENGTH_MAX)
    number: str = Field(max_length=40)


class PlanResidents(Shape):
    """How many people in a zone cannot walk."""

    zone_id: int = Field(ge=1, le=2**31 - 1)
    count_cannot_walk: int = Field(ge=0, le=10_000)
    note: str = Field(default="", max_length=500)


class CannotWalk(Shape):
    """How many people have to be carried; `in_zone` is null where the alert has no zone."""

    in_zone: int | None
    in_institution: int


class AlertPlan(Shape):
    """The card that opens with an alert."""

    kind: Kind
    title_zh: str
    title_en: str
    steps: list[PlanStep]
    phones: list[PlanPhone]
    cannot_walk: CannotWalk
    source: Literal["institution", "default"]


class Plan(Shape):
    """An institution's card for one kind of alert, with who cannot walk in any of its zones."""

    kind: Kind
    title_zh: str
    title_en: str
    steps: list[PlanStep]
    phones: list[PlanPhone]
    residents: list[PlanResidents]
    source: Literal["institution", "default"]


class PlanList(Shape):
    """The cards of an institution."""

    items: list[Plan]


class PlanRequest(BaseModel):
    """An institution's own card. No steps: the default's stay. `residents` holds for all its cards; null: unchanged."""

    steps: list[PlanStep] = Field(max_length=STEPS_MAX)
    phones: list[PlanPhone] = Field(max_length=PHONES_MAX)
    residents: list[PlanResidents] | None = Field(default=None, max_length=1000)
