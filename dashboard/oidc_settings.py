"""Settings of the sign-in at an OpenID Connect provider: `ANHU_OIDC_…`, or the table `[oidc]` of anhu.toml."""

from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from ingest.settings import AnhuSettings


def is_safe_url(url: str) -> bool:
    """Whether secrets may be sent there: over https, or to this very machine.

    >>> is_safe_url("https://id.example.org"), is_safe_url("http://127.0.0.1:8080"), is_safe_url("http://10.0.0.1")
    (True, True, False)
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


class OidcSettings(AnhuSettings):
    """Which provider is believed, and for what. Without an issuer there is no such sign-in."""

    model_config = SettingsConfigDict(env_prefix="ANHU_OIDC_", extra="ignore")
    table = "oidc"

    issuer: str = ""
    client_id: str = ""
    client_secret: SecretStr | None = None  # none: a public client, by PKCE alone
    client_secret_file: Path | None = None  # read at every sign-in, so that it can be replaced
    redirect_url: str = ""  # this service's https://…/api/session/oidc/callback, as registered at the provider
    label: str = Field("", max_length=60)  # of the button
    scopes: str = "openid profile"
    # A claim that holds a user name of ours, and which nobody can change for themselves at the provider. With it an
    # account is linked at its first sign-in; without it only by who manages people.
    account_claim: str = Field("", max_length=100)
    second_factor: bool = False  # the provider always checks one, also where its tokens do not say so (amr)
    answer_s_max: float = Field(5.0, gt=0, le=30)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.issuer:
            return self
        if not self.client_id or not self.redirect_url:
            raise ValueError("issuer wants client_id and redirect_url as well")
        for name in ("issuer", "redirect_url"):
            if not is_safe_url(getattr(self, name)):
                raise ValueError(f"{name} must begin with https://")
        if "openid" not in self.scopes.split():
            raise ValueError("scopes must hold openid")
        if self.account_claim == "email":
            raise ValueError("an e-mail address is no user name: choose a claim that holds one")
        return self

    def secret(self) -> str | None:
        """The client's secret, None for a public client. Raises OSError."""
        if self.client_secret_file is not None:
            return self.client_secret_file.read_text("utf-8").strip()
        return self.client_secret.get_secret_value() if self.client_secret else None

    @property
    def secure(self) -> bool:
        """Whether the page is reached over https."""
        return self.redirect_url.startswith("https://")
