"""`anhu storage …`: what the stored readings weigh, and their packing and clearing at once instead of by night."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from anhu.commands.ground import DataDir, database, progress
from anhu.errors import AnhuError
from anhu.language import text
from anhu.plain_errors import plain_errors
from anhu.storage_words import boundaries, sentence, size, weight_line
from ingest import packing_store, rollup_store, storage
from ingest.database import Connection, connect
from ingest.settings import StorageSettings

TURN_S_MAX: Final = 60.0
TABLES_SHOWN: Final = 20
_LOOK_S: Final = 0.2

app = typer.Typer(
    no_args_is_help=True,
    help="数据存储：占用、压缩、保留期限。 What is stored: its weight, its packing, how long it is kept.",
)


class StorageBusy(AnhuError):
    """The service is packing just now; try again later."""


@app.command(
    help="各表占用的磁盘、每条读数的字节数、汇总和压缩到何时。 "
    "Disk by table, bytes a reading, how far rollups and packing are.",
    epilog="例 / for example: anhu storage status",
)
def status(data_dir: DataDir = None) -> None:
    """Print a line a table, and where everything stands."""
    with plain_errors(), _connected(data_dir) as connection:
        weights = packing_store.weights(connection)
        standing, late = rollup_store.progress(connection), rollup_store.late_hours(connection)
    for each in weights[:TABLES_SHOWN]:
        typer.echo(weight_line(each))
    rest = weights[TABLES_SHOWN:]
    if rest:
        together = size(sum(each.bytes for each in rest))
        progress(text(f"其余 {len(rest)} 个表共 {together}", f"{len(rest)} more tables, {together} together"))
    progress(sentence(weights))
    for line in boundaries(standing, late, StorageSettings()):
        progress(line)


@app.command(
    help="立即压缩已结束的日期并合并迟到读数（平时每晚自动进行）。 "
    "Pack closed days and merge what came late, now; the service does so every night.",
    epilog="例 / for example: anhu storage pack --after-days 2",
)
def pack(
    after_days: Annotated[
        float | None,
        typer.Option(
            min=2, help="结束多少天后压缩，默认按设置 / days after its end; by the settings.", show_default=False
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Roll up first, as nothing is packed that is not rolled up."""
    days = after_days if after_days is not None else StorageSettings().pack_after_days
    with plain_errors(), _connected(data_dir) as connection, _turn(connection):
        now = datetime.now(UTC)
        storage.roll_up(connection, now)
        packed = storage.pack(connection, now, days)
    progress(
        text(
            f"压缩 {packed.chunks} 天 {packed.readings} 条读数，合并迟到读数 {packed.merged} 处，"
            f"正在被读取而推迟 {len(packed.postponed)} 天",
            f"{packed.chunks} days with {packed.readings} readings packed, late ones merged in {packed.merged} places,"
            f" {len(packed.postponed)} days postponed because they are being read",
        )
    )


@app.command(
    help="立即删除超过保留期限的数据（平时每晚自动进行）。 "
    "Drop what is past its time, now; the service does so every night.",
    epilog="例 / for example: ANHU_STORAGE_RAW_DAYS=500 anhu storage retain",
)
def retain(data_dir: DataDir = None) -> None:
    """By the settings; what is not rolled up is never dropped."""
    with plain_errors(), _connected(data_dir) as connection, _turn(connection):
        now = datetime.now(UTC)
        storage.roll_up(connection, now)
        count = storage.clear(connection, now, StorageSettings())
    progress(text(f"删除 {count} 个数据块", f"{count} chunks dropped"))


@contextmanager
def _connected(data_dir: DataDir) -> Iterator[Connection]:
    with database(data_dir) as url, connect(url, autocommit=True, application="anhu storage") as connection:
        connection.execute("SET statement_timeout = 0")
        yield connection


@contextmanager
def _turn(connection: Connection) -> Iterator[None]:
    """Wait for our turn. Raises StorageBusy."""
    deadline_s = time.monotonic() + TURN_S_MAX
    while True:
        with packing_store.turn(connection) as mine:
            if mine:
                yield
                return
        if time.monotonic() > deadline_s:
            raise StorageBusy(
                text("服务正在压缩数据，请稍后再试。", "The service is packing just now; try again later.")
            )
        time.sleep(_LOOK_S)
