"""Settings of the alerting core; `[alerting]` in anhu.toml, ANHU_ALERTING_… in the environment."""

from typing import Self

from pydantic import Field, SecretStr, model_validator
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


class NotifySettings(AnhuSettings):
    """How messages go out; `[notify]` in anhu.toml, ANHU_NOTIFY_… in the environment."""

    model_config = SettingsConfigDict(env_prefix="ANHU_NOTIFY_", extra="ignore")
    table = "notify"

    # Where people reach the dashboard, for the links in messages; without it messages have none.
    public_url: str | None = None
    link_hours: float = Field(2.0, gt=0, le=24)

    workers_per_channel: int = Field(8, ge=1, le=64)
    # Of one provider's slots, one address takes no more than so many: it may hang.
    sends_per_contact_max: int = Field(2, ge=1, le=64)
    send_s_max: float = Field(8.0, gt=0, le=60)
    # Longer than a send can take: a delivery marked as being sent for longer was on its way when its sender died.
    lease_s: float = Field(12.0, gt=0, le=300)
    refresh_s: float = Field(2.0, gt=0, le=60)
    database_connections_max: int = Field(10, ge=2, le=100)
    metrics_port: int = Field(0, ge=0, le=65_535)  # on the loopback address; 0: none

    wecom_url: str = "https://qyapi.weixin.qq.com"
    dingtalk_url: str = "https://oapi.dingtalk.com"
    feishu_url: str = "https://open.feishu.cn"
    webhook_plain_http: bool = False
    smtp_url: SecretStr | None = None  # smtp://, smtp+starttls:// or smtps://, with user and password where needed
    smtp_from: str = "anhu@localhost"
    sms_url: SecretStr | None = None
    sms_headers: dict[str, SecretStr] = Field(default_factory=dict)
    sms_body: SecretStr = SecretStr('{"phone": "{phone}", "text": "{text}", "key": "{key}"}')
    sms_bytes_max: int = Field(500, ge=100, le=5000)
    sms_ok_field: str = ""
    sms_ok_value: str = "0"

    @model_validator(mode="after")
    def _lease_outlasts_a_send(self) -> Self:
        if self.lease_s < self.send_s_max + 2:
            raise ValueError("lease_s must be at least 2 s longer than send_s_max")
        return self
