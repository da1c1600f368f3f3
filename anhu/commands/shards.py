"""`anhu shards …`: over how many shards institutions are spread, who serves them, and another number of them."""

import time
from typing import Annotated

import paho.mqtt.client as paho
import typer
from paho.mqtt.enums import CallbackAPIVersion

from anhu.commands.ground import DataDir, progress, services
from anhu.commands.migrate import bring_up_to_date
from anhu.errors import AnhuError
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest import broker_tls, route_file, shard_store, store
from ingest.asked import Asked
from ingest.database import connect
from ingest.errors import BrokerUnavailable
from ingest.history import heartbeats
from ingest.mqtt import CONNECT_TIMEOUT_S, Address, Source, session_name
from ingest.settings import PipelineSettings
from ingest.shards import COUNT_MAX, Shard

app = typer.Typer(
    no_args_is_help=True,
    help="分片：机构分给哪些进程判断。 Shards: which process judges which institutions (docs/scale-out.md).",
)
Count = Annotated[int, typer.Argument(min=1, max=COUNT_MAX, help="新的分片数 / the new number of shards.")]


class ShardsServed(AnhuError):
    """Pipelines still run; stop every one of them first."""


class ShardsUnprepared(AnhuError):
    """The sessions of the new shards have not been made."""


@app.command(
    help="分片数，以及每个分片上次心跳、读数、积压。 The number of shards; heartbeat, readings and backlog of each.",
    epilog="例 / for example: anhu shards show",
)
def show(data_dir: DataDir = None) -> None:
    """Print a line a shard."""
    with plain_errors(), services(data_dir) as around:
        bring_up_to_date(around.env["ANHU_DATABASE_URL"])
        with connect(around.env["ANHU_DATABASE_URL"]) as connection:
            count = shard_store.stated_count(connection) or 1
            workers = len(shard_store.view(connection).workers)
            beats = {each.shard: each for each in heartbeats(connection)}
    for shard in range(count):
        beat = beats.get(shard)
        if beat is None:
            typer.echo(f"{shard}\t-")
        else:
            typer.echo(f"{shard}\t{beat.age_s:.0f} s\t{beat.readings}\t{beat.inbox_count}\t{beat.lag_ms} ms")
    progress(text(f"{count} 个分片，{workers} 个工作进程", f"{count} shards, {workers} workers"))


@app.command(
    help=(
        "改分片数的第一步：在运行中为新分片建好 MQTT 会话，服务器从此也为它们排队。 "
        "First step to another number: while the service runs, make the new shards' sessions at the broker, which"
        " queues for them from now on."
    ),
    epilog="例 / for example: anhu shards prepare 64",
)
def prepare(count: Count, data_dir: DataDir = None) -> None:
    """Subscribe every new session, and leave it."""
    with plain_errors(), services(data_dir) as around:
        database_url, mqtt_url = around.env["ANHU_DATABASE_URL"], around.env["ANHU_MQTT_URL"]
        bring_up_to_date(database_url)
        settings = PipelineSettings()
        routes = route_file.load(settings.routes)
        with connect(database_url) as connection:
            if shard_store.stated_count(connection) == count:
                progress(text(f"已经是 {count} 个分片", f"there are {count} shards already"))
                return
        for number in range(count):
            shard = Shard(number, count)
            with connect(database_url) as connection:
                registry = store.load_registry(connection, shard)
            asked = Asked(database_url, routes, shard)
            source = Source(mqtt_url, session_name(mqtt_url, shard), settings, _now_us, asked.begin(registry))
            try:
                source.open()
                asked.begun(source)
            finally:
                source.close()
    progress(
        text(
            f"{count} 个新会话已建好。请等积压处理完，停掉所有 pipeline，再运行 anhu shards set {count}。",
            f"{count} new sessions are made. Let the backlog run out, stop every pipeline, then run"
            f" anhu shards set {count}.",
        )
    )


@app.command(
    name="set",
    help=(
        "改分片数的第二步：所有 pipeline 停下后登记新的数目，删除旧会话。 "
        "Second step: with every pipeline stopped, state the new number and end the former sessions."
    ),
    epilog="例 / for example: anhu shards set 64",
)
def state(count: Count, data_dir: DataDir = None) -> None:
    """State the number; then the former sessions go, with whatever they have queued."""
    with plain_errors(), services(data_dir) as around:
        database_url, mqtt_url = around.env["ANHU_DATABASE_URL"], around.env["ANHU_MQTT_URL"]
        bring_up_to_date(database_url)
        with connect(database_url) as connection:
            former = shard_store.stated_count(connection)
            if former == count:
                progress(text(f"已经是 {count} 个分片", f"there are {count} shards already"))
                return
            if shard_store.writing(connection):
                raise ShardsServed(
                    text("仍有 pipeline 在运行，请先全部停止。", "Pipelines still run; stop them first.")
                )
            if former is not None and not shard_store.prepared(connection, count):
                raise ShardsUnprepared(
                    text(
                        f"请先在服务运行时执行 anhu shards prepare {count}，否则切换期间的消息会丢失。",
                        f"Run anhu shards prepare {count} first, while the service runs: what is sent meanwhile would"
                        " be lost.",
                    )
                )
            shard_store.restate_count(connection, count)
        for number in range(former or 0):
            _forget(mqtt_url, session_name(mqtt_url, Shard(number, former or 1)))
    progress(
        text(
            f"现在是 {count} 个分片。请把每台机器的 ANHU_PIPELINE_SHARDS 设为 {count}，再启动。",
            f"There are {count} shards now. Set ANHU_PIPELINE_SHARDS={count} on every machine, then start them.",
        )
    )


def _forget(mqtt_url: str, client_id: str) -> None:
    """Have the broker forget a session and its queue. Raises BrokerUnavailable."""
    address = Address.parse(mqtt_url)
    five = address.version == 5
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5 if five else paho.MQTTv311,
        clean_session=None if five else True,
    )  # fmt: skip
    client.username_pw_set(address.username, address.password)
    if address.tls:
        client.tls_set_context(broker_tls.client_context())
    try:
        clean_start = True if five else paho.MQTT_CLEAN_START_FIRST_ONLY
        client.connect(address.host, address.port, clean_start=clean_start)
    except OSError as error:
        raise BrokerUnavailable(f"{address.host}:{address.port}: {error}") from error
    client.loop_start()
    try:
        deadline_s = time.monotonic() + CONNECT_TIMEOUT_S
        while not client.is_connected():
            if time.monotonic() > deadline_s:
                raise BrokerUnavailable(f"{address.host}:{address.port}: no answer")
            time.sleep(0.02)
    finally:
        client.disconnect()
        client.loop_stop()


def _now_us() -> int:
    return time.time_ns() // 1000
