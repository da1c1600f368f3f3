"""The websocket's frames, and what a client may say."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from alerting.suppression import Reason
from dashboard.schemas.alerts import Alert, AlertEvent
from dashboard.schemas.base import Moment, Shape
from dashboard.schemas.desk import Drill, DutyCheck
from dashboard.schemas.institutions import Institution


class AlertFrame(Shape):
    """One event, and the alert and its institution as they stand now."""

    type: Literal["alert"] = "alert"
    cursor: int
    event: AlertEvent
    alert: Alert
    institution: Institution | None


class QuietAlert(Shape):
    """Whether an alert calls somebody now."""

    id: UUID
    quiet: Reason | None
    quiet_until: Moment | None


class QuietFrame(Shape):
    """Alerts of an institution that fell silent or call again without an event of their own."""

    type: Literal["quiet"] = "quiet"
    institution_id: int | None
    alerts: list[QuietAlert]


class LiveSeries(Shape):
    """New readings of one point."""

    point_id: int
    quantity: str
    measured_at_ms: list[int]
    value: list[float]


class ReadingsFrame(Shape):
    """New readings of a watched device."""

    type: Literal["readings"] = "readings"
    device_id: int
    series: list[LiveSeries]


class HeartbeatFrame(Shape):
    """The connection lives; whether the intake does, and whether alarms have to come without the database."""

    type: Literal["heartbeat"] = "heartbeat"
    server_time: Moment
    cursor: int
    pipeline_alive: bool
    database_away: bool


class DutyCheckFrame(Shape):
    """A duty check as it stands now."""

    type: Literal["duty_check"] = "duty_check"
    check: DutyCheck


class DrillFrame(Shape):
    """A drill as it stands now."""

    type: Literal["drill"] = "drill"
    drill: Drill


class SnapshotFrame(Shape):
    """What a client begins with: everything within its scope that is not over (dashboard.hub.SECTIONS). Without the
    database nothing can be acknowledged or looked up."""

    type: Literal["snapshot"] = "snapshot"
    cursor: int
    server_time: Moment
    database_away: bool
    alerts: list[Alert]
    institutions: list[Institution]
    duty_checks: list[DutyCheck]
    drills: list[Drill]


LiveFrame = Annotated[
    SnapshotFrame | AlertFrame | QuietFrame | ReadingsFrame | HeartbeatFrame | DutyCheckFrame | DrillFrame,
    Field(discriminator="type"),
]


class WatchRequest(BaseModel):
    """What a client may say."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["watch", "unwatch"]
    device_id: int = Field(ge=1, le=2**31 - 1)
