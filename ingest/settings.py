"""Settings: environment variables (`ANHU_…`), then `anhu.toml`, then the defaults here.

In anhu.toml the connection settings stand at the top and every other group in a table of its own:

    database_url = "postgresql://anhu:secret@db/anhu"

    [pipeline]
    batch_count_max = 5000
"""

import os
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from ingest import toml_text
from ingest.shards import COUNT_MAX


def config_path() -> Path:
    """Where anhu.toml is looked for: ANHU_CONFIG, else the working directory."""
    return Path(os.environ.get("ANHU_CONFIG", "anhu.toml"))


def default_data_dir() -> Path:
    """Where the embedded services keep their data: /var/lib/anhu as root, else under the user's data folder."""
    if os.geteuid() == 0:
        return Path("/var/lib/anhu")  # the database runs as another user, who could not reach into /root
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "anhu"


class AnhuSettings(BaseSettings):
    """Reads one table of anhu.toml beside the environment. Raises pydantic.ValidationError, tomllib.TOMLDecodeError."""

    model_config = SettingsConfigDict(env_prefix="ANHU_", extra="ignore")
    table: ClassVar[str] = ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before the environment before the file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, cls._from_file())

    @classmethod
    def _from_file(cls) -> dict[str, Any]:
        path = config_path()
        if not path.exists():
            return {}
        document = toml_text.loads(path.read_text("utf-8"))
        return document.get(cls.table, {}) if cls.table else document


class Connections(AnhuSettings):
    """Where the services are; an unset address means the embedded one (anhu/runtime.py)."""

    database_url: SecretStr | None = None
    mqtt_url: SecretStr | None = None
    admin_mqtt_url: SecretStr | None = None  # for `anhu broker sync` alone: may change the broker's accounts
    mqtt_ca_file: Path | None = None  # whom we believe about a broker's certificate, instead of this system's list
    data_dir: Path = Field(default_factory=default_data_dir)


class PipelineSettings(AnhuSettings):
    """Bounds of the intake."""

    model_config = SettingsConfigDict(env_prefix="ANHU_PIPELINE_", extra="ignore")
    table = "pipeline"

    # Over how many shards the institutions are spread: the same number for every role and machine (docs/scale-out.md).
    shards: int = Field(1, ge=1, le=COUNT_MAX)
    workers: int = Field(1, ge=1, le=64)  # how many processes of this machine share in serving them
    batch_count_max: int = Field(5000, ge=1, le=20_000)
    batch_age_ms_max: int = Field(20, ge=1, le=1000)
    inbox_count_max: int = Field(20_000, ge=100, le=65_535)
    inbox_mib_max: int = Field(64, ge=1)
    payload_bytes_max: int = Field(64 * 1024, ge=256, le=1_048_576)
    future_s_max: float = Field(60.0, gt=0)
    age_days_max: float = Field(7.0, gt=0)
    # A transaction that has not committed by then counts as lost, and its batch goes to the spool.
    database_answer_s_max: float = Field(2.0, gt=0, le=60)
    spool_dir: Path | None = None  # default: spool/ in the data folder
    spool_mib_max: int = Field(2048, ge=1)
    spool_reserve_mib: int = Field(64, ge=0)  # taken at the start, so that alarms go on when the disk is full
    dead_letters_kept_max: int = Field(100_000, ge=100)
    unclaimed_kept_max: int = Field(10_000, ge=1)
    session_expiry_s: int = Field(7 * 86_400, ge=60)
    routes: Path | None = None  # a file of routes beyond Anhu's own topics (ingest/route_file.py)

    @property
    def spool_bounds(self) -> tuple[int, int]:
        """How many bytes a spool may hold, and how many of them it has room for in any case."""
        return self.spool_mib_max * 1_048_576, self.spool_reserve_mib * 1_048_576

    def spool_folder(self, data_dir: Path) -> Path:
        """Where the pipelines of this machine keep what the database cannot take just now."""
        return self.spool_dir or data_dir / "spool"

    def spool_file(self, data_dir: Path, shard: int = 0) -> Path:
        """Where one of them does."""
        return self.spool_folder(data_dir) / f"shard-{shard:02d}.sqlite"

    def followed_spool(self, data_dir: Path) -> Path:
        """Where followers on this machine look while the database is away: the one file, or the folder of many."""
        return self.spool_file(data_dir) if self.shards == 1 else self.spool_folder(data_dir)


EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - what it is for


class BrokerSettings(AnhuSettings):
    """The embedded broker's door to the network, which speaks TLS alone; `[broker]`, ANHU_BROKER_…. Without a port
    there is none, and the broker is reached on this machine only."""

    model_config = SettingsConfigDict(env_prefix="ANHU_BROKER_", extra="ignore")
    table = "broker"

    tls_port: int | None = Field(None, ge=1, le=65_535)
    tls_host: str = EVERYWHERE  # on which of this machine's addresses
    tls_certificate: Path | None = None  # default: what `anhu tls init` has made
    tls_key: Path | None = None


class StorageSettings(AnhuSettings):
    """How long what is kept; `[storage]`, ANHU_STORAGE_…. Days are those of UTC."""

    model_config = SettingsConfigDict(env_prefix="ANHU_STORAGE_", extra="ignore")
    table = "storage"

    # GB 50440 wants records kept for a year: a month more, so that a year can be looked at as a whole.
    raw_days: float = Field(400.0, ge=31)
    # Longer ago, charts of some days come from the packed readings themselves, which are smaller than their minutes.
    minute_days: float = Field(15.0, ge=9)
    hour_days: float = Field(3660.0, ge=366)  # ten years
    # A day is packed this long after its end. By then nothing comes for it any more (ANHU_PIPELINE_AGE_DAYS_MAX).
    pack_after_days: float = Field(8.0, ge=2)
    night_hour: int = Field(3, ge=0, le=23)  # in Beijing, when days are packed and what is past its time goes


class PanelSettings(AnhuSettings):
    """Where fire panels connect (GB/T 26875.3 over TCP), and their bounds. Without a port nobody is listened to."""

    model_config = SettingsConfigDict(env_prefix="ANHU_PANEL_", extra="ignore")
    table = "panel"

    host: str = "127.0.0.1"
    port: int | None = Field(None, ge=0, le=65_535)
    connections_max: int = Field(500, ge=1, le=10_000)
    introduction_s_max: float = Field(15.0, gt=0)  # from the connection to the first frame
    idle_s_max: float = Field(300.0, gt=0)
    frame_s_max: float = Field(5.0, gt=0)  # from a frame's beginning to its end
    frames_per_s_max: float = Field(50.0, gt=0)
    unacknowledged_max: int = Field(32, ge=1, le=100)
