"""Settings of the dashboard: `ANHU_DASHBOARD_…`, or the table `[dashboard]` of anhu.toml."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, IPvAnyNetwork, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from alerting.people import Role
from dashboard.oidc_settings import OidcSettings
from ingest.settings import AnhuSettings, Connections


def _split(value: Any) -> Any:
    """A list written as `a, b` in an environment variable."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


TextList = Annotated[list[str], NoDecode, BeforeValidator(_split)]
RoleList = Annotated[list[Role], NoDecode, BeforeValidator(_split)]
NetworkList = Annotated[list[IPvAnyNetwork], NoDecode, BeforeValidator(_split)]

LOOPBACK: list[IPv4Network | IPv6Network] = [IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")]


class DashboardSettings(AnhuSettings):
    """Where the dashboard listens, whom it trusts, and its bounds."""

    model_config = SettingsConfigDict(env_prefix="ANHU_DASHBOARD_", extra="ignore")
    table = "dashboard"

    host: str = "127.0.0.1"
    port: int = Field(8460, ge=0, le=65_535)  # 0: any free one
    # With both files (PEM) the page is served over https, and over nothing else.
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_check_s: int = Field(30, ge=1)  # how soon a renewed certificate is shown

    session_hours_max: float = Field(168.0, gt=0)
    # An open page counts as use: the screen on the wall of a duty room must not sign itself out at night.
    session_idle_hours_max: float = Field(12.0, gt=0)
    # While the database is away, how long a session it had confirmed still opens the live page.
    session_known_minutes_max: float = Field(15.0, gt=0)
    sessions_per_user_max: int = Field(50, ge=1)
    # Who has one of these roles does nothing before they have enrolled a second factor, which they do at their next
    # sign-in: so nobody is locked out, the first administrator included.
    second_factor_roles: RoleList = Field([])
    account_key: Path | None = None  # the file of the key that seals second factors; account.key in the data folder
    oidc: OidcSettings = Field(default_factory=OidcSettings)  # settings of its own: ANHU_OIDC_…
    access_token_days_max: int = Field(366, ge=1, le=3660)
    secure_cookie: Literal["auto", "always", "never"] = "auto"  # auto: when the page was reached over https
    # What browsers are told that came by https (HSTS). Nobody can then click an expired certificate away: 0 where a
    # duty desk must be reached all the same.
    https_only_days: int = Field(365, ge=0, le=730)
    allowed_origins: TextList = Field([])  # besides the dashboard's own; for a proxy that rewrites the Host header
    trusted_proxies: TextList = Field([])  # addresses whose X-Forwarded-* headers are believed
    metrics_networks: NetworkList = LOOPBACK

    database_connections_max: int = Field(8, ge=1, le=100)
    database_wait_s_max: float = Field(5.0, gt=0)
    body_bytes_max: int = Field(64 * 1024, ge=1024)
    picture_mib_max: int = Field(8, ge=1, le=64)  # of a floor plan as it is sent
    public_age_s_max: int = Field(60, ge=0, le=86_400)  # how long anybody may keep a public page
    public_indexed: bool = False  # whether search engines may list the public pages
    span_days_max: float = Field(400.0, gt=0)  # of one request for readings
    backtest_days_max: float = Field(31.0, gt=0)  # of stored readings, for trying other rules on the page
    backtest_minutes_max: float = Field(60.0, gt=0)  # of work; then it is given up
    stop_s_max: int = Field(3, ge=1, le=60)

    clients_max: int = Field(2000, ge=1)
    client_waiting_mib_max: float = Field(8.0, gt=0)  # sent and not taken: beyond it a client is too slow
    client_messages_per_s_max: float = Field(20.0, gt=0)
    watched_per_client_max: int = Field(8, ge=1)
    readings_poll_s: float = Field(1.0, gt=0)
    heartbeat_s: float = Field(5.0, gt=0)
    pulse_s: float = Field(2.0, gt=0)
    pipeline_silence_s_max: float = Field(10.0, gt=0)
    ping_interval_s: float = Field(20.0, gt=0)
    ping_timeout_s: float = Field(20.0, gt=0)
    reconnect_delay_s_max: float = Field(5.0, gt=0)

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: set both, or neither")
        return self

    @property
    def https(self) -> bool:
        """Whether the dashboard serves TLS itself."""
        return self.tls_certificate is not None

    def account_key_file(self) -> Path:
        """Where the key is kept that seals what is secret of an account."""
        return self.account_key or Connections().data_dir / "account.key"
