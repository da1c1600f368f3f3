"""Alarms that are kept quiet for a time."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from alerting.alert import Kind
from alerting.suppression import Means
from dashboard.schemas.alerts import AlertDevice, AlertInstitution, AlertZone
from dashboard.schemas.base import Id, Moment, Shape, Text


class SuppressionRequest(BaseModel):
    """Alarms to keep quiet: of an institution, a zone or a device, of one kind or all."""

    means: Means
    institution_id: Id
    zone_id: Id | None = None
    device_id: Id | None = None
    alert_kind: Kind | None = None
    reason: Annotated[Text, Field(min_length=1, max_length=500)]
    from_at: AwareDatetime | None = Field(None, description="default: now")
    until_at: AwareDatetime


class Suppression(Shape):
    """Alarms that are kept quiet, or will be."""

    id: int
    means: Means
    institution: AlertInstitution
    zone: AlertZone | None
    device: AlertDevice | None
    alert_kind: Kind | None
    reason: str
    actor: str
    from_at: Moment
    until_at: Moment
    ended_at: Moment | None


class SuppressionList(Shape):
    """What is kept quiet now or will be."""

    items: list[Suppression]
