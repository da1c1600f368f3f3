"""The roles of the service: each wired in one straight function, and run as a process of its own."""

import gc
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import structlog

from anhu import logs
from anhu.errors import AnhuError
from anhu.language import text
from anhu.stop_signals import stop_on_signals

if TYPE_CHECKING:
    from ingest import panel
    from ingest.database import Connection
    from ingest.pipeline import Pipeline

log = structlog.get_logger("anhu.roles")

LOCAL: Final = "pipeline,notifier,dashboard,watch,drills,hazards"


class AddressMissing(AnhuError):
    """A role needs the addresses of the database and the broker."""


class UnfitForShards(AnhuError):
    """What is set does not go with the number of shards."""


def pipeline() -> None:
    """Broker and fire panels → decode → judge → database, until SIGTERM. Raises IngestError, AlertingError."""
    from ingest.settings import PipelineSettings

    if PipelineSettings().shards == 1:
        _whole()
    else:
        _worker()


def _whole() -> None:
    """The one pipeline there is."""
    from alerting.process import Judge
    from alerting.settings import AlertingSettings
    from ingest import route_file, shard_store, store
    from ingest.database import connect
    from ingest.errors import DatabaseUnavailable
    from ingest.mqtt import Address, Source, Subscriptions, session_name
    from ingest.pipeline import Pipeline, hold_shard
    from ingest.settings import Connections, PipelineSettings
    from ingest.sources import Sources
    from ingest.spool import Spool
    from ingest.writer import Writer

    logs.configure()
    stop = stop_on_signals()
    database_url, mqtt_url = addresses()
    settings = PipelineSettings()
    routes = route_file.load(settings.routes)
    with suppress(DatabaseUnavailable), connect(database_url) as connection:  # where it is away, it is as it was
        shard_store.agree_count(connection, settings.shards)
    spool = Spool(settings.spool_file(Connections().data_dir), *settings.spool_bounds)
    pipe = Pipeline(
        Writer(database_url, hold_shard),
        Writer(database_url, lambda _: None, application="anhu pipeline flush"),
        spool,
        store,
        Judge(AlertingSettings()),
        settings,
        now_us,
        routes,
        broker_tells=Address.parse(mqtt_url).version == 5,
    )
    pipe.open()  # the shard is ours, and the engine warm, before the first message is taken
    _calm_garbage_collector()
    subscriptions = Subscriptions.after(routes.subscriptions, spool.recall("subscriptions"))
    spool.remember("subscriptions", subscriptions.all())
    source = Source(mqtt_url, session_name(mqtt_url), settings, now_us, subscriptions)
    source.open()
    spool.remember("subscriptions", Subscriptions(subscriptions.wanted).all())
    try:
        with _panels(pipe, database_url, stop) as panels:
            pipe.run(source if panels is None else Sources(source, panels), stop)
    finally:
        source.close()
        pipe.close()


def _worker() -> None:
    """A worker that shares the shards with others."""
    from alerting.process import Judge
    from alerting.settings import AlertingSettings
    from ingest import route_file, shard_store, store
    from ingest.asked import Asked
    from ingest.mqtt import Address, Source, session_name
    from ingest.pipeline import Pipeline, hold_shard
    from ingest.settings import Connections, PipelineSettings
    from ingest.shard_routes import ShardRoutes
    from ingest.shards import Shard
    from ingest.spool import Spool
    from ingest.spool_folder import SpoolFolder
    from ingest.worker import Worker
    from ingest.writer import Writer

    logs.configure()
    stop = stop_on_signals()
    database_url, mqtt_url = addresses()
    settings = PipelineSettings()
    check_sharding()
    routes = route_file.load(settings.routes)
    spools = SpoolFolder(settings.spool_folder(Connections().data_dir))

    def serve(shard: Shard, stop: threading.Event) -> None:
        def hold(connection: "Connection") -> None:
            connection.execute(shard_store.FAST_SESSION.encode())
            hold_shard(connection, shard)

        asked = Asked(database_url, routes, shard)
        with spools.alone(shard.number) as file:
            pipe = Pipeline(
                Writer(database_url, hold),
                Writer(database_url, lambda _: None, application="anhu pipeline flush"),
                Spool(file, *settings.spool_bounds),
                store,
                Judge(AlertingSettings(), shard=shard),
                settings,
                now_us,
                ShardRoutes(routes, shard),
                shard,
                asked.registry_changed,
                broker_tells=Address.parse(mqtt_url).version == 5,
            )
            try:
                pipe.open()  # the shard is ours, and the engine warm, before the first message is taken
                gc.freeze()
                subscriptions = asked.begin(pipe.registry)
                source = Source(mqtt_url, session_name(mqtt_url, shard), settings, now_us, subscriptions)
                try:
                    source.open()
                    asked.begun(source)
                    pipe.run(source, stop)
                finally:
                    asked.end()
                    source.close()
            finally:
                pipe.close()

    _calm_garbage_collector()
    log.warning(
        "institutions are spread over shards: what names an institution that is not registered is not heard",
        shards=settings.shards,
    )
    Worker(database_url, settings.shards, serve, spools, secrets.randbits(31)).run(stop)


@contextmanager
def _panels(pipe: "Pipeline", database_url: str, stop: threading.Event) -> Iterator["panel.Source | None"]:
    """Fire panels on their port, and what is asked of them; None where no port is set."""
    from ingest import panel
    from ingest.panel_commands import Commands
    from ingest.settings import PanelSettings
    from ingest.writer import Writer

    settings = PanelSettings()
    if settings.port is None:
        yield None
        return
    panels = panel.Source(settings, lambda address: pipe.registry.on_panel(address) is not None, now_us)
    panels.open()
    commands = Commands(Writer(database_url, lambda _: None, application="anhu panels"), panels, now_us)
    asked = threading.Thread(target=commands.run, args=(stop,), name="panel commands", daemon=True)
    asked.start()
    try:
        yield panels
    finally:
        stop.set()
        panels.close()
        asked.join(timeout=5)


def watch() -> None:
    """Watch the service itself, sign the ledger, and beside that roll up and pack what is stored, until SIGTERM."""
    from alerting.self_watch import Watch
    from alerting.settings import WatchSettings
    from alerting.storage_upkeep import Upkeep
    from ingest.settings import Connections, PipelineSettings, StorageSettings

    logs.configure()
    stop = stop_on_signals()
    database_url = addresses()[0]
    upkeep = threading.Thread(
        target=Upkeep(database_url, StorageSettings()).run, args=(stop,), name="storage", daemon=True
    )
    upkeep.start()
    try:
        data_dir = Connections().data_dir
        spool_dir = PipelineSettings().spool_folder(data_dir)
        Watch(database_url, data_dir, WatchSettings(), time.time, [spool_dir]).run(stop)
    finally:
        stop.set()
        upkeep.join(timeout=5)


def drills() -> None:
    """Drills, tests of the chain and duty checks, until SIGTERM."""
    from alerting.drill_publisher import MqttPublisher
    from alerting.drill_runner import Runner
    from alerting.settings import DrillSettings

    logs.configure()
    stop = stop_on_signals()
    database_url, mqtt_url = addresses()
    publisher = MqttPublisher(mqtt_url)
    try:
        Runner(database_url, publisher, DrillSettings()).run(stop)
    finally:
        publisher.close()


def hazards() -> None:
    """Alerts → hazards, reminders and escalations, and beside them the rating by night, until SIGTERM."""
    from inspection.rating_run import Nightly
    from inspection.worker import Worker

    logs.configure()
    stop = stop_on_signals()
    database_url = addresses()[0]
    nightly = threading.Thread(target=Nightly(database_url).run, args=(stop,), name="ratings", daemon=True)
    nightly.start()
    try:
        Worker(database_url).run(stop)
    finally:
        stop.set()
        nightly.join(timeout=5)


def notifier() -> None:
    """Event log → who is told → outbox → chat bots, e-mail, webhooks and text messages, until SIGTERM."""
    from alerting.notify import Notifier
    from alerting.settings import NotifySettings
    from ingest.settings import Connections, PipelineSettings

    logs.configure()
    stop = stop_on_signals()
    settings, data_dir = NotifySettings(), Connections().data_dir
    notifier = Notifier(
        addresses()[0],
        settings,
        journal=settings.journal_file(data_dir),
        spool=PipelineSettings().followed_spool(data_dir),
    )
    _calm_garbage_collector()
    notifier.run(stop)


def dashboard() -> None:
    """The web page, its API and the live feed, until SIGTERM."""
    from anhu.gateway_accounts import GatewayAccounts
    from dashboard.serve import run
    from dashboard.settings import DashboardSettings
    from ingest.settings import Connections, PipelineSettings

    logs.configure()
    spool = PipelineSettings().followed_spool(Connections().data_dir)
    run(addresses()[0], DashboardSettings(), spool, GatewayAccounts(os.environ))


def simulator() -> None:
    """The demo's institutions. Raises SimulatorError."""
    from simulators import commands

    logs.configure()
    stop = stop_on_signals()
    url = os.environ.get("ANHU_DEVICE_MQTT_URL") or addresses()[1]
    commands.demo(
        url,
        institutions=int(os.environ.get("ANHU_DEMO_INSTITUTIONS", "20")),
        devices_per=int(os.environ.get("ANHU_DEMO_DEVICES_PER", "100")),
        seed=int(os.environ.get("ANHU_DEMO_SEED", "7")),
        fire_after_s=float(os.environ.get("ANHU_DEMO_FIRE_AFTER_S", "60")),
        stop=stop,
    )


ROLES: Final[dict[str, Callable[[], None]]] = {
    "pipeline": pipeline,
    "notifier": notifier,
    "dashboard": dashboard,
    "watch": watch,
    "drills": drills,
    "hazards": hazards,
    "simulator": simulator,
}


def check_settings() -> None:
    """Whether every role could read its settings: better told at the start than by roles that die again and again.

    Raises pydantic.ValidationError, tomllib.TOMLDecodeError, RoutesInvalid, UnfitForShards.
    """
    from alerting.settings import AlertingSettings, DrillSettings, NotifySettings, WatchSettings
    from dashboard.settings import DashboardSettings
    from ingest import route_file
    from ingest.settings import BrokerSettings, PanelSettings, PipelineSettings, StorageSettings

    for group in (
        PipelineSettings, BrokerSettings, StorageSettings, PanelSettings, AlertingSettings, NotifySettings,
        WatchSettings, DrillSettings, DashboardSettings,
    ):  # fmt: skip
        group()
    route_file.load(PipelineSettings().routes)
    check_sharding()


def check_sharding() -> None:
    """Whether what is set goes with the number of shards. Raises UnfitForShards."""
    from ingest.settings import PanelSettings, PipelineSettings

    settings = PipelineSettings()
    if settings.shards > 1 and PanelSettings().port is not None:
        raise UnfitForShards(
            text(
                "消防主机（ANHU_PANEL_PORT）只能接入不分片的服务：分片数（ANHU_PIPELINE_SHARDS）大于 1 时，"
                "没有哪个进程负责全部主机。请为带消防主机的机构单独部署一套不分片的服务，或取消分片。",
                "Fire panels (ANHU_PANEL_PORT) connect to a service of one shard: with ANHU_PIPELINE_SHARDS above 1 no"
                " worker is the one for all panels. Run a service of one shard for the institutions with panels, or do"
                " without shards.",
            )
        )
    if settings.workers > settings.shards:
        raise UnfitForShards(
            text(
                f"ANHU_PIPELINE_WORKERS（{settings.workers}）多于分片数 ANHU_PIPELINE_SHARDS（{settings.shards}）："
                "多出的进程无事可做。",
                f"ANHU_PIPELINE_WORKERS ({settings.workers}) is more than ANHU_PIPELINE_SHARDS ({settings.shards}):"
                " there would be nothing for some of them to do.",
            )
        )


def now_us() -> int:
    """µs since 1970, UTC."""
    return time.time_ns() // 1000


def addresses() -> tuple[str, str]:
    """The database's and the broker's address. Raises AddressMissing."""
    from ingest.settings import Connections

    found = Connections()
    if found.database_url is None or found.mqtt_url is None:
        raise AddressMissing(
            text(
                "缺少 ANHU_DATABASE_URL 或 ANHU_MQTT_URL；由 anhu serve 启动角色时会自动给出。",
                "ANHU_DATABASE_URL or ANHU_MQTT_URL is missing; `anhu serve` gives both to the roles it starts.",
            )
        )
    return found.database_url.get_secret_value(), found.mqtt_url.get_secret_value()


def _calm_garbage_collector() -> None:
    """Look for cycles less often, and never among what stays: a message leaves none behind, and looking took a tenth of
    the intake's time (docs/benchmarks.md)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
