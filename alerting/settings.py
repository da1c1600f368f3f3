"""Settings of the alerting core; `[alerting]` in anhu.toml, ANHU_ALERTING_… in the environment."""

from pydantic import Field
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
