"""Settings of the alerting core; `[alerting]` in anhu.toml, ANHU_ALERTING_… in the environment."""

from datetime import time
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from ingest.settings import AnhuSettings


def _split(value: Any) -> Any:
    """A list written as `a, b` in an environment variable."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


NetworkList = Annotated[list[IPvAnyNetwork], NoDecode, BeforeValidator(_split)]


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
    disk_free_share_min: float = Field(0.1, gt=0, lt=1)  # of any disk that Anhu writes to
    # What the database may weigh: for one on a server of its own, whose disk cannot be seen from here.
    database_gib_max: float | None = Field(None, gt=0)
    rollups_behind_s_max: float = Field(7200.0, ge=600)
    certificate_days_min: float = Field(30.0, gt=0)
    certificates: tuple[Path, ...] = ()
    ntp_server: str | None = None  # host or host:port
    dead_man_url: SecretStr | None = None  # fetched while all is well; outside, somebody is told when it stops
    dead_man_s: float = Field(60.0, ge=5)
    checkpoint_s: float = Field(3600.0, ge=60)  # how often the ledger is signed
    # How long it stays on record how people were called about an alert that is over (who, when, by which way, and what
    # the provider said); the event log and the ledger stay for ever. GB 50440 wants alarm records kept for a year.
    calling_days: float = Field(400.0, ge=31)
    links_days: float = Field(30.0, ge=1)  # expired acknowledge links: so long a link still says that it has expired


class DrillSettings(AnhuSettings):
    """Drills, the twice-monthly chain test and random duty checks; `[drill]`, ANHU_DRILL_…. Times of day are
    Asia/Shanghai."""

    model_config = SettingsConfigDict(env_prefix="ANHU_DRILL_", extra="ignore")
    table = "drill"

    # Limits in seconds from the start. GB 50440: a fire alarm is shown within 10 s; the others are Anhu's own.
    raised_s_max: float = Field(10.0, gt=0, le=600)
    shown_s_max: float = Field(10.0, gt=0, le=600)
    pushed_s_max: float = Field(10.0, gt=0, le=600)
    acknowledged_s_max: float = Field(180.0, gt=0, le=3600)
    drill_s_max: float = Field(600.0, ge=30, le=3600)  # a drill that nobody acknowledges is over by then

    # GB 50440 practice: a simulated alarm through the whole chain at least twice a month.
    chain_test: bool = True
    chain_from: time = time(2, 0)
    chain_until: time = time(4, 0)
    chain_test_s_max: float = Field(30.0, ge=10, le=600)
    chain_push: bool = True  # a silent push too; false: only the screen

    trial_s_max: float = Field(120.0, ge=10, le=600)  # of an installer's test alarm, which calls nobody

    # GB/T 26875.3: an unanswered duty check is signalled; ten minutes to answer.
    duty_checks_a_month: int = Field(4, ge=0, le=300)
    duty_from: time = time(0, 0)
    duty_until: time = time(23, 59)
    answer_s_max: float = Field(600.0, ge=30, le=3600)

    @model_validator(mode="after")
    def _hours_in_order(self) -> Self:
        for name, begin, end in (
            ("chain", self.chain_from, self.chain_until), ("duty", self.duty_from, self.duty_until)
        ):  # fmt: skip
            if begin >= end:
                raise ValueError(f"{name}_from must lie before {name}_until, on the same day")
        return self


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
    # A database that has not answered a question by then counts as away.
    database_answer_s_max: float = Field(2.0, gt=0, le=60)
    journal_dir: Path | None = None  # what is remembered for an outage; default: notifier/ in the data folder
    journal_mib_max: int = Field(512, ge=16)
    metrics_port: int = Field(0, ge=0, le=65_535)  # on the loopback address; 0: none

    wecom_url: str = "https://qyapi.weixin.qq.com"
    dingtalk_url: str = "https://oapi.dingtalk.com"
    feishu_url: str = "https://open.feishu.cn"
    webhook_plain_http: bool = False
    # Contacts that people set lead to public addresses; into these networks too, e.g. 10.20.0.0/16.
    webhook_networks_allowed: NetworkList = Field(default_factory=list)
    smtp_url: SecretStr | None = None  # smtp://, smtp+starttls:// or smtps://, with user and password where needed
    smtp_from: str = "anhu@localhost"
    sms_url: SecretStr | None = None
    sms_headers: dict[str, SecretStr] = Field(default_factory=dict)
    sms_body: SecretStr = SecretStr('{"phone": "{phone}", "text": "{text}", "key": "{key}"}')
    sms_bytes_max: int = Field(500, ge=100, le=5000)
    sms_ok_field: str = ""
    sms_ok_value: str = "0"

    def journal_file(self, data_dir: Path) -> Path:
        """Where the notifier keeps what it must know while the database is away."""
        return (self.journal_dir or data_dir / "notifier") / "journal.sqlite"

    @model_validator(mode="after")
    def _lease_outlasts_a_send(self) -> Self:
        if self.lease_s < self.send_s_max + 2:
            raise ValueError("lease_s must be at least 2 s longer than send_s_max")
        return self
