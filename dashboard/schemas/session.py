"""Signing in, and who is signed in."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from alerting.people import Right, Role
from dashboard.auth import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from dashboard.recovery_code import LENGTH_MAX as CODE_LENGTH_MAX
from dashboard.schemas.base import Shape


def stripped(value: Any) -> Any:
    """Apps show a code as two groups of three."""
    return "".join(value.split()) if isinstance(value, str) else value


class Credentials(BaseModel):
    """What a person types to sign in."""

    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)
    code: Annotated[str | None, BeforeValidator(stripped)] = Field(
        None, max_length=CODE_LENGTH_MAX, description="the authenticator's code, or a recovery code"
    )


class PasswordChange(BaseModel):
    """One's own password, and the one to come."""

    old: str = Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)
    new: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)


class OidcWay(Shape):
    """The sign-in at a provider; `label` of its button, "" for the page's own words."""

    label: str


class SignInWays(Shape):
    """Ways to sign in besides user name and password."""

    oidc: OidcWay | None


class Scope(Shape):
    """How far somebody reaches: one institution, or a region by the prefix of its code; both empty: everywhere."""

    model_config = ConfigDict(from_attributes=True, frozen=True, extra="forbid")

    institution_id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    region: str = Field("", pattern=r"^([0-9]{2}){0,3}$")

    @model_validator(mode="after")
    def _either(self) -> "Scope":
        if self.institution_id is not None and self.region:
            raise ValueError("a scope is one institution or a region, not both")
        return self


class User(Shape):
    """Who is signed in. `password_change_required`, `second_factor_required`: nothing else is served before."""

    id: int
    username: str
    display_name: str
    role: Role
    person_id: int
    scope: Scope
    rights: list[Right]
    password_change_required: bool
    second_factor_required: bool
