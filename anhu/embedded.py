"""What the roles stand on: the configured servers, or embedded ones for those that are not configured."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anhu import runtime
from anhu.debian import Progress
from anhu.mosquitto import TlsListener
from ingest.settings import BrokerSettings


@dataclass(frozen=True)
class Surroundings:
    """The environment for the roles, with every address in it, and a question: is what they stand on gone for good?
    `finish_database` makes of an embedded database that was late what it has to be, and raises
    psycopg.OperationalError while it does not answer."""

    env: Mapping[str, str]
    trouble: Callable[[], str | None]
    finish_database: Callable[[], None] = lambda: None


@contextmanager
def surroundings(
    env: Mapping[str, str], data_dir: Path, progress: Progress, *,
    reuse: bool = False, packages_dir: Path | None = None, database_may_be_late: bool = False,
) -> Iterator[Surroundings]:  # fmt: skip
    """Start embedded services unless both ANHU_DATABASE_URL and ANHU_MQTT_URL are set; stop them at the end.

    A URL that is set is kept, even when the other one is embedded.
    """
    named = {"ANHU_DATA_DIR": str(data_dir)}
    if env.get("ANHU_DATABASE_URL") and env.get("ANHU_MQTT_URL"):
        yield Surroundings(dict(env) | named, lambda: None)
        return
    started = runtime.start(
        data_dir, progress=progress, reuse=reuse, packages_dir=packages_dir, tls=_tls_listener(data_dir),
        database_may_be_late=database_may_be_late,
    )  # fmt: skip
    with started as services:
        addresses = {
            "ANHU_DATABASE_URL": env.get("ANHU_DATABASE_URL") or services.database_url,
            "ANHU_MQTT_URL": env.get("ANHU_MQTT_URL") or services.mqtt_url,
            "ANHU_DEVICE_MQTT_URL": env.get("ANHU_DEVICE_MQTT_URL") or services.device_mqtt_url,
        }
        yield Surroundings(dict(env) | named | addresses, services.trouble, services.finish_database)


def _tls_listener(data_dir: Path) -> TlsListener | None:
    """The broker's door to the network, as it is set. Raises pydantic.ValidationError, tomllib.TOMLDecodeError."""
    settings = BrokerSettings()
    if settings.tls_port is None:
        return None
    made = data_dir / "tls"
    certificate, key = settings.tls_certificate or made / "server.pem", settings.tls_key or made / "server.key"
    return TlsListener(settings.tls_host, settings.tls_port, certificate, key)
