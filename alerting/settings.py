"""Settings of the alerting core; `[alerting]` in anhu.toml, ANHU_ALERTING_… in the environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from ingest.settings import AnhuSettings


class AlertingSettings(AnhuSettings):
    """How the engine starts."""

    model_config = SettingsConfigDict(env_prefix="ANHU_ALERTING_", extra="ignore")
    table = "alerting"

    # Stored readings of this long are judged again at a start, so that averages, delays and counts stand where they
    # stood. Longer than any detector's memory but the CO delays.
    warm_s: float = Field(900.0, ge=0, le=7200)
    # How far back a device that reports seldom is looked for.
    seen_days: float = Field(2.0, gt=0, le=30)


class WatchSettings(AnhuSettings):
    """Limits of what counts as wrong with Anhu itself; `[watch]`, ANHU_WATCH_…."""

    model_config = SettingsConfigDict(env_prefix="ANHU_WATCH_", extra="ignore")
    table = "watch"

    heartbeat_s_max: float = Field(10.0, gt=0)
    lag_s_max: float = Field(10.0, gt=0)  # GB 50440: an alarm is shown within 10 s
    clock_error_s_max: float = Field(5.0, gt=0)  # GB 50440: clocks within 5 s
    disk_free_share_min: float = Field(0.1, gt=0, lt=1)
    certificate_days_min: float = Field(30.0, gt=0)
    certificates: tuple[Path, ...] = ()
    ntp_server: str | None = None  # host or host:port
    dead_man_url: SecretStr | None = None  # fetched while all is well; outside, somebody is told when it stops
    dead_man_s: float = Field(60.0, ge=5)
    checkpoint_s: float = Field(3600.0, ge=60)  # how often the ledger is signed
