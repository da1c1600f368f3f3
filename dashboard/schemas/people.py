"""People, and how they are reached."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from alerting.people import Role
from dashboard.schemas.base import Language, Shape, Text
from dashboard.schemas.session import Scope


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Channel = Literal["wecom", "dingtalk", "feishu", "email", "webhook", "sms", "apprise"]
PersonName = Annotated[Text, Field(min_length=1, max_length=100)]
Username = Annotated[str, BeforeValidator(_lower), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Way(Shape):
    """A way to reach a person; of the address only a hint is ever shown."""

    channel: Channel
    rank: int
    hint: str


class NewWay(BaseModel):
    """A way to reach a person; the address may hold a secret and is never given back."""

    channel: Channel
    address: Annotated[Text, Field(min_length=1, max_length=1000)]


class Ways(BaseModel):
    """All ways to reach a person, in the order in which to try them."""

    ways: list[NewWay] = Field(max_length=10)


class Person(Shape):
    """Somebody who is told or who acts."""

    id: int
    name: str
    role: Role
    scope: Scope
    language: Language
    active: bool
    username: str | None
    contacts: list[Way]


class PeoplePage(Shape):
    """A page of the people within one's own scope."""

    items: list[Person]
    total: int
    next_cursor: str | None


class PersonRequest(BaseModel):
    """Somebody new; a user name lets them sign in."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName
    role: Role
    scope: Scope
    language: Language = "zh"
    username: Username | None = None


class PersonChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName | None = None
    role: Role | None = None
    scope: Scope | None = None
    language: Language | None = None
    active: bool | None = None
    username: Username | None = Field(None, description="gives somebody who could not sign in a user name")


class PersonWithPassword(Person):
    """A person; `one_time_password` is shown once, where there is a new one."""

    one_time_password: str | None
