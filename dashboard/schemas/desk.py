"""Drills and duty checks."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from alerting.alert import Kind
from alerting.drill import Reach
from alerting.drill import State as DrillState
from alerting.duty_check import State as CheckState
from dashboard.schemas.alerts import AlertDevice, AlertInstitution
from dashboard.schemas.base import Moment, Shape, Text
from dashboard.schemas.recorded import AsRecorded, DrillReport

Note = Annotated[Text, Field(max_length=500)]


class Drill(Shape):
    """A drill; its alert has its id. Seconds are from the start; `limits` are those it is judged by, by stage."""

    id: UUID
    institution: AlertInstitution
    device: AlertDevice | None
    kind: Kind
    by: str
    scheduled: bool
    reach: Reach
    note: str
    started_at: Moment
    state: DrillState
    raised_at: Moment | None
    raised_s: float | None
    seen_on_screen_s: float | None
    pushed_s: float | None
    acknowledged_s: float | None
    acknowledged_by: str | None
    limits: dict[str, float]
    ended_at: Moment | None
    report: Annotated[dict[str, Any], AsRecorded(DrillReport)] | None


class DrillList(Shape):
    """The latest drills, newest first."""

    items: list[Drill]


class DrillRequest(BaseModel):
    """What to simulate: an alarm of a device, or of the institution as a whole."""

    institution_id: int = Field(ge=1, le=2**31 - 1)
    device_id: int | None = Field(default=None, ge=1, le=2**31 - 1)
    kind: Literal[Kind.FIRE, Kind.GAS, Kind.CO, Kind.FALL, Kind.SOS] = Kind.FIRE
    note: Note = ""


class DutyCheck(Shape):
    """A duty check; `called_by` is `random` or `user:NAME`."""

    id: int
    institution: AlertInstitution
    called_at: Moment
    due_at: Moment
    answered_at: Moment | None
    answered_by: str | None
    called_by: str
    note: str
    state: CheckState


class DutyCheckList(Shape):
    """The latest duty checks, newest first."""

    items: list[DutyCheck]


class DutyCheckRequest(BaseModel):
    """Whose desk is to answer, and within how many seconds."""

    institution_id: int = Field(ge=1, le=2**31 - 1)
    answer_within_s: int = Field(default=600, ge=30, le=3600)
    note: Note = ""


class SeenRequest(BaseModel):
    """What a page says when it has drawn the alert of a drill."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["seen"]
    alert_id: UUID
