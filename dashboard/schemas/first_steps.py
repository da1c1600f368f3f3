"""The first steps: what is done, what is missing, and what is added on the way."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from alerting.first_steps import Missing, Step
from dashboard.schemas.base import Moment, Shape, Text
from dashboard.schemas.desk import Drill
from ingest.place import FLOOR_MAX, FLOOR_MIN, NAME_LENGTH_MAX

Code = Annotated[Text, Field(min_length=1, max_length=64)]
Name = Annotated[Text, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
NameEn = Annotated[Text, Field(max_length=NAME_LENGTH_MAX)]


class StepState(Shape):
    """One step; `missing` says why it is not done, null where it is."""

    step: Step
    done: bool
    missing: Missing | None


class StepsInstitution(Shape):
    """The institution that the steps are about."""

    id: int
    code: str
    name: str
    name_en: str
    kind: str
    region: str


class RefusedMessage(Shape):
    """A message that came and could not be read."""

    received_at: Moment
    topic: str
    reason: str
    detail: str


class StrangerMessage(Shape):
    """A message for an institution that is not registered."""

    institution: str
    device: str
    last_seen_at: Moment
    last_topic: str


class BrokerPlace(Shape):
    """Where and as whom the gateway reaches the broker; null where nobody has said. `managed`: accounts can be made
    from here."""

    managed: bool
    host: str | None
    port: int | None
    tls: bool | None
    user: str | None
    topic: str | None


class FirstSteps(Shape):
    """How far an institution has got."""

    institution: StepsInstitution | None
    steps: list[StepState]
    complete: bool
    zone_count: int
    heard_count: int
    device_count: int
    reporting_at: Moment | None
    refused: RefusedMessage | None
    stranger: StrangerMessage | None
    trial: Drill | None
    responsible_count: int
    reachable_count: int
    broker: BrokerPlace
    intake_alive: bool


class InstitutionRequest(BaseModel):
    """An institution to be added; `region` is its county's code, GB/T 2260."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    name: Name
    name_en: NameEn = ""
    kind: Annotated[Text, Field(max_length=64)]
    region: Annotated[Text, Field(max_length=6)]


class ZoneRequest(BaseModel):
    """A zone to be added."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    name: Name
    name_en: NameEn = ""
    kind: Annotated[Text, Field(max_length=64)]
    floor: int = Field(1, ge=FLOOR_MIN, le=FLOOR_MAX)


class Added(Shape):
    """What was added."""

    id: int


class GatewayRequest(BaseModel):
    """With `renew`, an account that is there gets a new password; the old one is refused from then on."""

    model_config = ConfigDict(extra="forbid")

    renew: bool = False


class GatewayAccount(Shape):
    """The account of an institution's gateway. The password is told once, when it is drawn; "" where there was an
    account already."""

    user: str
    password: str


class TrialRequest(BaseModel):
    """Whose test alarm it is; null: the institution as a whole."""

    model_config = ConfigDict(extra="forbid")

    device_id: int | None = Field(default=None, ge=1, le=2**31 - 1)
