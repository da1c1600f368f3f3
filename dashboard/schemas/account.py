"""One's own account, and those of the people one manages: sessions, second factor, access tokens."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dashboard.auth import PASSWORD_LENGTH_MAX
from dashboard.id_token import SUBJECT_LENGTH_MAX
from dashboard.recovery_code import LENGTH_MAX as CODE_LENGTH_MAX
from dashboard.schemas.base import Moment, Shape, Text
from dashboard.schemas.session import stripped
from dashboard.store import SignInWay
from dashboard.token_scope import TokenScope

Password = Annotated[str, Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)]
Code = Annotated[str, BeforeValidator(stripped), Field(min_length=1, max_length=CODE_LENGTH_MAX)]


class Session(Shape):
    """A session that goes on. `device`: browser and system, "" where nothing was told."""

    id: int
    created_at: Moment
    last_used_at: Moment
    address: str
    device: str
    second_factor: bool
    way: SignInWay
    this: bool


class SecondFactor(Shape):
    """What one signs in with besides the password; `enrolled_at` null: nothing."""

    enrolled_at: Moment | None
    recovery_codes_left: int
    required: bool


class AccessToken(Shape):
    """A token that works."""

    id: int
    name: str
    scopes: list[TokenScope]
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None


class Account(Shape):
    """One's own account. `scopes_offered`: what one may let a token do."""

    sessions: list[Session]
    second_factor: SecondFactor
    tokens: list[AccessToken]
    scopes_offered: list[TokenScope]
    token_days_max: int


class PasswordCheck(BaseModel):
    """One's own password once more, before something that whoever found the page open must not do."""

    model_config = ConfigDict(extra="forbid")

    password: Password


class Enrolment(Shape):
    """What the authenticator app is shown: as a QR code, or typed. Never shown again."""

    secret: str
    uri: str
    qr_svg: str


class CodeCheck(BaseModel):
    """A code of the authenticator."""

    model_config = ConfigDict(extra="forbid")

    code: Code


class BothCheck(BaseModel):
    """Password and code."""

    model_config = ConfigDict(extra="forbid")

    password: Password
    code: Code


class RecoveryCodes(Shape):
    """Each lets one in once. Never shown again."""

    recovery_codes: list[str]


class TokenRequest(BaseModel):
    """A token for a program."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[TokenScope], Field(min_length=1, max_length=len(TokenScope))]
    days: int = Field(ge=1, le=3660)
    password: Password


class NewToken(AccessToken):
    """A token just made; `token` is shown once."""

    token: str


class SeenSession(Shape):
    """A session as whoever manages its owner sees it: not from where."""

    last_used_at: Moment
    device: str


class Identity(Shape):
    """Who somebody is at the provider."""

    subject: str
    linked_at: Moment


class IdentityLink(BaseModel):
    """The subject at the provider, as its administrator or our log tells it."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[Text, Field(min_length=1, max_length=SUBJECT_LENGTH_MAX)]


class ManagedAccount(Shape):
    """The account of somebody one manages. `provider`: there is one to sign in at."""

    provider: bool
    identity: Identity | None

    sessions: list[SeenSession]
    second_factor: SecondFactor
    tokens: list[AccessToken]
