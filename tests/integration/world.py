"""A registered home, a database to look into, and devices that publish."""

import itertools
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from alerting.process import Judge
from alerting.settings import AlertingSettings
from anhu.roles import now_us
from ingest import store
from ingest.database import connect
from ingest.mqtt import Address, Source, Subscriptions, session_name
from ingest.pipeline import Pipeline, hold_shard
from ingest.registry import Registry
from ingest.registry_file import parse
from ingest.routes import OWN_ROUTES, SUBSCRIPTION, Routes
from ingest.settings import PipelineSettings
from ingest.spool import Spool
from ingest.writer import Writer
from tests.waiting import wait_until

S = 1_000_000
_numbers = itertools.count(1)

HOME = """
[[institution]]
code = "home-1"
name = "安和养老院"
name_en = "Anhe Nursing Home"
kind = "nursing_home"
region = "220322"
[[institution.zone]]
code = "kitchen"
name = "厨房"
name_en = "Kitchen"
kind = "kitchen"
[[institution.zone.device]]
code = "kit-smk-1"
name = "厨房烟感 1"
kind = "smoke"
report_interval_s = 30
quantities = ["smoke_obscuration", "temperature", "battery"]
[[institution.zone.device]]
code = "kit-gas-1"
name = "厨房燃气 1"
kind = "gas"
report_interval_s = 30
quantities = ["gas"]
[[institution.zone]]
code = "bed-1"
name = "卧室"
name_en = "Bedroom"
kind = "bedroom"
floor = 2
[[institution.zone.device]]
code = "bed-smk-1"
name = "卧室烟感 1"
kind = "smoke"
report_interval_s = 30
quantities = ["smoke_obscuration", "temperature"]
[[institution.zone.device]]
code = "bed-co-1"
name = "卧室一氧化碳 1"
kind = "co"
report_interval_s = 30
quantities = ["co"]
[[institution.zone.device]]
code = "bed-sos-1"
name = "卧室呼叫 1"
kind = "sos"
report_interval_s = 86400
quantities = ["sos"]
"""


def home_of(devices: int, code: str = "mass", quantities: Sequence[str] = ("smoke_obscuration",)) -> str:
    """A registry file of one home with that many detectors in one corridor, d0001 and so on."""
    head = (
        f'[[institution]]\ncode = "{code}"\nname = "大型养老院"\nkind = "nursing_home"\n'
        '[[institution.zone]]\ncode = "hall"\nname = "走廊"\nkind = "corridor"\n'
    )
    device = (
        '[[institution.zone.device]]\ncode = "d{0:04d}"\nname = "设备 {0}"\nkind = "multi"\nreport_interval_s = 3600\n'
        f"quantities = {json.dumps(list(quantities))}\n"
    )
    return head + "".join(device.format(number) for number in range(1, devices + 1))


class World:
    """A registered home in a database of the test's own, and what is in it."""

    def __init__(self, database_url: str, registry_toml: str = HOME) -> None:
        self.database_url = database_url
        self.register(registry_toml)

    def register(self, registry_toml: str) -> None:
        """Import a registry file."""
        with connect(self.database_url) as connection:
            store.import_registry(connection, parse(registry_toml, suffix=".toml"))

    def registry(self) -> Registry:
        """The whole registry."""
        with connect(self.database_url) as connection:
            return store.load_registry(connection)

    def point(self, device: str, quantity: str) -> int:
        """The id of a point of a device."""
        found = self.rows(
            "SELECT p.id FROM points p JOIN devices d ON d.id = device_id WHERE d.code = %s AND quantity = %s",
            device, quantity,
        )  # fmt: skip
        return int(found[0][0])

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query answers; times are in UTC."""
        with connect(self.database_url, autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters or None).fetchall()

    def count(self, table: str, where: str = "true", *parameters: Any) -> int:
        """How many rows a table has."""
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {where}", *parameters)[0][0])  # noqa: S608

    def readings(self, device: str, quantity: str) -> list[tuple[datetime, float]]:
        """The stored (measured_at, value) of a point, by time."""
        point = self.point(device, quantity)
        return self.rows("SELECT measured_at, value FROM readings WHERE point_id = %s ORDER BY 1", point)  # type: ignore[return-value]

    def events(self, kind: str | None = None) -> list[tuple[str, str | None]]:
        """(verb, rule) of the event log, in order."""
        return self.rows(  # type: ignore[return-value]
            "SELECT verb, rule FROM alert_events WHERE %s::text IS NULL OR kind = %s ORDER BY id", kind, kind
        )

    def alerts(self, kind: str) -> list[dict[str, Any]]:
        """The alerts of a kind, oldest first."""
        with connect(self.database_url, autocommit=True) as connection:
            cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
            return cursor.execute("SELECT * FROM alerts WHERE kind = %s ORDER BY raised_at", (kind,)).fetchall()

    def reasons(self) -> dict[str, int]:
        """How many dead letters there are, by reason."""
        return dict(self.rows("SELECT reason, count(*) FROM dead_letters GROUP BY 1"))  # type: ignore[arg-type]

    def totals(self) -> dict[str, int]:
        """How many dead letters were ever counted, by reason."""
        return dict(self.rows("SELECT reason, count FROM dead_letter_totals"))  # type: ignore[arg-type]


def native(values: dict[str, Any], at_us: int | None = None) -> bytes:
    """A native message; without a time, the time of arrival counts."""
    document: dict[str, Any] = {"values": values}
    if at_us is not None:
        document["measured_at"] = datetime.fromtimestamp(at_us // S, UTC).replace(microsecond=at_us % S).isoformat()
    return json.dumps(document).encode()


def paho_client(mqtt_url: str, client_id: str) -> tuple[paho.Client, Address]:
    """An unconnected MQTT 5 client."""
    address = Address.parse(mqtt_url)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5)
    client.username_pw_set(address.username, address.password)
    return client, address


class Devices:
    """Devices that publish at QoS 1 through one connection, and note which messages the broker has acknowledged."""

    def __init__(self, mqtt_url: str) -> None:
        self._client, self._address = paho_client(mqtt_url, f"test-devices-{next(_numbers)}")
        self._client.max_inflight_messages_set(1000)
        self._client.max_queued_messages_set(0)
        self._client.on_publish = lambda _client, _data, mid, _reason, _properties: self._answered(mid)
        self._sent: dict[int, object] = {}
        self._early: set[int] = set()
        self._lock = threading.Lock()
        self.acknowledged: list[object] = []

    def __enter__(self) -> Self:
        self._client.connect(self._address.host, self._address.port)
        self._client.loop_start()
        wait_until(self._client.is_connected, "the devices are connected")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: bytes, tag: object = None, *, qos: int = 1, retain: bool = False) -> None:
        """Publish; `tag` is added to `acknowledged` with the broker's PUBACK."""
        mid = self._client.publish(topic, payload, qos=qos, retain=retain).mid
        with self._lock:  # never while publishing: the client calls _answered holding a lock of its own
            if mid in self._early:
                self._early.discard(mid)
                self.acknowledged.append(tag)
            else:
                self._sent[mid] = tag

    def report(self, device: str, values: dict[str, Any], at_us: int | None = None, *, home: str = "home-1") -> None:
        """Publish one native message."""
        self.say(f"anhu/v1/{home}/{device}/readings", native(values, at_us), (device, at_us))

    def settle(self) -> None:
        """Wait until the broker has acknowledged everything."""
        wait_until(lambda: not self._sent, "the broker acknowledged everything")

    def _answered(self, mid: int) -> None:
        with self._lock:
            if mid in self._sent:
                self.acknowledged.append(self._sent.pop(mid))
            else:
                self._early.add(mid)


def begin_session(mqtt_url: str) -> None:
    """A fresh, subscribed session of the pipeline's at the broker: what is published from now on is kept for it."""
    client, address = paho_client(mqtt_url, session_name(mqtt_url))
    subscribed: list[object] = []
    client.on_subscribe = lambda *_: subscribed.append(1)
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    client.connect(address.host, address.port, clean_start=True, properties=properties)
    client.loop_start()
    wait_until(client.is_connected, "the session is begun")
    client.subscribe(SUBSCRIPTION, options=SubscribeOptions(qos=1, retainHandling=2))
    wait_until(lambda: subscribed, "the session is subscribed")
    client.disconnect()
    client.loop_stop()


def end_session(mqtt_url: str) -> None:
    """Make the broker forget the pipeline's session and its queue."""
    client, address = paho_client(mqtt_url, session_name(mqtt_url))
    client.connect(address.host, address.port, clean_start=True)  # without an expiry it ends with the connection
    client.loop_start()
    wait_until(client.is_connected, "the session is forgotten")
    client.disconnect()
    client.loop_stop()


class Running:
    """A pipeline in a thread of this process."""

    def __init__(self, pipeline: Pipeline, source: Source, thread: threading.Thread, errors: list[Exception]) -> None:
        self.pipeline = pipeline
        self.source = source
        self.thread = thread
        self.errors = errors

    def took(self, messages: int) -> None:
        """Wait until so many messages are taken in."""
        wait_until(
            lambda: self.errors or self.pipeline.counts.messages >= messages, f"{messages} messages are taken in"
        )
        assert not self.errors, self.errors


def make_pipeline(database_url: str, folder: Path, settings: PipelineSettings, routes: Routes = OWN_ROUTES) -> Pipeline:
    """A pipeline as the role wires it, with its spool in `folder`."""
    spool = Spool(folder / "shard.sqlite", settings.spool_mib_max * 1_048_576)
    writer, flusher = Writer(database_url, hold_shard), Writer(database_url, lambda _: None)
    return Pipeline(writer, flusher, spool, store, Judge(AlertingSettings()), settings, now_us, routes)


@contextmanager
def pipeline(
    database_url: str,
    mqtt_url: str,
    settings: PipelineSettings | None = None,
    routes: Routes = OWN_ROUTES,
    former: Sequence[str] = (),
    spool_dir: Path | None = None,
    prepare: Callable[[Pipeline], None] = lambda _: None,
    around: Callable[[Source], Any] = lambda source: source,
) -> Iterator[Running]:
    """A pipeline that runs, in a thread; its error, if it had one, is raised at the end. `former`: topics of an earlier
    one. Its spool is in `spool_dir`, which stays, or in a folder of its own. `prepare` is called when it is ready, and
    it serves what `around` makes of the broker's source."""
    settings = settings or PipelineSettings()
    folder = spool_dir or Path(tempfile.mkdtemp(prefix="anhu-spool-"))
    pipe = make_pipeline(database_url, folder, settings, routes)
    source = Source(mqtt_url, session_name(mqtt_url), settings, now_us, Subscriptions(routes.subscriptions, former))
    stop, errors = threading.Event(), list[Exception]()

    def run() -> None:
        try:
            pipe.run(around(source), stop)
        except Exception as error:  # noqa: BLE001 - handed to the test below
            errors.append(error)

    thread = threading.Thread(target=run, name="pipeline")
    try:
        pipe.open()
        prepare(pipe)
        source.open()
        thread.start()
        yield Running(pipe, source, thread, errors)
    finally:
        stop.set()
        if thread.ident is not None:
            thread.join(30)
        source.close()
        pipe.close()
        if spool_dir is None:
            shutil.rmtree(folder)
    assert not thread.is_alive()
    assert not errors, errors


def steps(start_us: int, count: int, every_s: float = 1.0) -> Iterable[int]:
    """`count` times, `every_s` apart."""
    return [start_us + round(number * every_s * S) for number in range(count)]
