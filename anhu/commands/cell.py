"""`anhu cell …`: alerts, hazards and ratings of many services flow up to one server (docs/cells.md)."""

from collections.abc import Mapping
from typing import Annotated

import psycopg
import typer

from anhu.commands.ground import DataDir, database, progress
from anhu.commands.migrate import PACKAGES
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import connect, migrate, of_server
from inspection import cell_store, cells
from inspection.errors import CellRefused

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "分区：各地各自运行，报警、隐患、评价汇集到上级的一台数据库。 "
        "Cells: services of their own whose alerts, hazards and ratings flow up to one server."
    ),
)
Name = Annotated[str, typer.Argument(help="分区名，如 2203 / the cell's name, such as 2203.")]
Above = Annotated[
    str,
    typer.Option(
        "--above",
        envvar="ANHU_CELLS_URL",
        show_envvar=True,
        help="上级数据库服务器，需建库和订阅的权限 / the server above; the user makes databases and subscriptions.",
    ),
]


@app.command(
    help="在分区执行：发布记录，并列出谁在接收。 In the cell: offer its records, and say who takes them.",
    epilog="例 / for example: anhu cell publish",
)
def publish(data_dir: DataDir = None) -> None:
    """Make the publication, and print the slots."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        try:
            cell_store.publish(connection)
        except psycopg.Error as error:
            raise CellRefused(str(error)) from error
        for above in cell_store.servers_above(connection):
            state = "lost" if above.lost else f"{above.kept_bytes / 2**20:.0f} MiB"
            typer.echo(f"{above.name}\t{'✓' if above.connected else '✗'}\t{state}")
    progress(text("已发布。上级执行 anhu cell join。", "Published. Above: anhu cell join."))


@app.command(
    name="forget-above",
    help="在分区执行：上级不再回来，删除为它保留的位置。 In the cell: drop the slot of a server above that is gone.",
    epilog="例 / for example: anhu cell forget-above 2203",
)
def forget_above(name: Name, data_dir: DataDir = None) -> None:
    """Drop the slot."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        try:
            cell_store.drop_slot(connection, cells.database_name(name))
        except psycopg.Error as error:  # there is none, or it is in use
            raise CellRefused(str(error)) from error


@app.command(
    help="在上级执行：为分区建库、更新结构、开始接收。 Above: make the cell's database and take its records.",
    epilog=(
        "例 / for example: anhu cell join 2203 --from postgresql://upward:…@cell-2203/anhu"
        " --above postgresql://postgres:…@above/postgres"
    ),
)
def join(
    name: Name,
    cell_url: Annotated[
        str, typer.Option("--from", help="分区的数据库，需复制权限 / the cell's database, by a user who may replicate.")
    ],
    above: Above,
) -> None:
    """Make the database, the schema, the guard against changes, the subscription."""
    with plain_errors():
        own = cells.database_name(name)
        url = of_server(above, own)
        with connect(cell_url) as cell:
            below = cell_store.levels(cell)
        with connect(above, autocommit=True) as server:
            cell_store.make_database(server, own)
        try:
            migrate(url, PACKAGES)
            with connect(url, autocommit=True) as connection:
                cells.check_levels(below, cell_store.levels(connection))
                cell_store.subscribe(connection, own, cell_url)
        except (CellRefused, psycopg.Error) as error:
            with connect(above, autocommit=True) as server:
                cell_store.drop_database(server, own)
            raise CellRefused(str(error)) from error
    progress(text(f"{name} 已加入，正在复制已有记录。", f"{name} has joined; what it has is being copied."))


@app.command(
    help="在上级执行：各分区的未结报警、隐患、等级，是否连着。 Above: open alerts, hazards and grades of each cell.",
    epilog="例 / for example: anhu cell status --above postgresql://postgres:…@above/postgres",
)
def status(above: Above) -> None:
    """Print a line a cell; exit code 1 where one is not connected."""
    away = False
    with plain_errors():
        with connect(above) as server:
            names = cell_store.databases(server)
        for name in names:
            with connect(of_server(above, name)) as connection:
                found = cell_store.summary(connection, name.removeprefix(cells.PREFIX))
            away = away or not found.connected
            typer.echo(line_of(found))
    if away:
        raise typer.Exit(1)


@app.command(
    help="在上级执行：不再接收某分区；其库保留，--forget 连库删除。 Above: take no more of a cell.",
    epilog="例 / for example: anhu cell leave 2203 --above postgresql://postgres:…@above/postgres",
)
def leave(
    name: Name,
    above: Above,
    gone: Annotated[
        bool, typer.Option("--cell-is-gone", help="分区已连不上 / the cell cannot be reached any more.")
    ] = False,
    forget: Annotated[bool, typer.Option("--forget", help="删除已收到的记录 / delete what was taken.")] = False,
) -> None:
    """Drop the subscription and its slot, and with `forget` the database."""
    with plain_errors():
        own = cells.database_name(name)
        with connect(of_server(above, own), autocommit=True) as connection:
            try:
                cell_store.unsubscribe(connection, own, cell_is_gone=gone)
            except psycopg.Error as error:  # most often: the cell cannot be reached
                raise CellRefused(str(error)) from error
        if forget:
            with connect(above, autocommit=True) as server:
                cell_store.drop_database(server, own)
    if gone:
        progress(
            text(
                f"分区若还在，请在那里执行 anhu cell forget-above {name}，否则日志会占满它的磁盘。",
                f"If the cell still lives, run anhu cell forget-above {name} there, or its log grows to its bound.",
            )
        )


def line_of(found: cells.CellSummary) -> str:
    """One cell in a line.

    >>> line_of(cells.CellSummary("2203", 2, {"critical": 1}, {}, {"A": 2}, True, 0.4, 0))
    '2203\\t✓ 0 s\\tinstitutions=2\\talerts: critical=1\\thazards: -\\tgrades: A=2'
    """
    state = "✗" if not found.connected else f"✓ {found.behind_s or 0:.0f} s"
    copying = f"\tcopying {found.copying}" if found.copying else ""

    def told(counts: Mapping[str, int]) -> str:
        return " ".join(f"{name}={count}" for name, count in counts.items()) or "-"

    return (
        f"{found.name}\t{state}\tinstitutions={found.institutions}\talerts: {told(found.open_alerts)}"
        f"\thazards: {told(found.hazards)}\tgrades: {told(found.grades)}{copying}"
    )
