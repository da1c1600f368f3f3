"""`anhu drill …`: a simulated alarm through the whole chain, its figures and its report."""

import getpass
import sys
import time
from typing import Annotated
from uuid import UUID

import orjson
import typer

from alerting import drill_store
from alerting.alert import Kind
from alerting.drill import Measured, Stage, State, measured
from alerting.drill_runner import wanted
from alerting.drill_store import Record
from alerting.errors import DrillRefused
from alerting.settings import DrillSettings
from anhu.commands.ground import DataDir, database, progress
from anhu.language import text
from anhu.plain_errors import console, plain_errors
from ingest.database import Connection, connect

LOOK_S = 0.2
NO_RUNNER_S = 15.0

app = typer.Typer(no_args_is_help=True, help="演练：模拟报警走完整条链路。 Drills: a simulated alarm, all the way.")

Institution = Annotated[str, typer.Option(help="机构编码 / the institution's code.")]


@app.command(
    help="开始一次演练，显示到达各环节的秒数，最后打印报告（JSON）；不合格时退出码为 1。 "
    "Start a drill, tell the seconds to every stage and print the report (JSON); exit code 1 if it failed.",
    epilog="例 / for example: anhu drill start --institution home-1 --kind fire",
)
def start(
    institution: Institution,
    device: Annotated[str | None, typer.Option(help="设备编码 / the device's code.", show_default=False)] = None,
    kind: Annotated[Kind, typer.Option(help="报警类型 / the kind of alarm.")] = Kind.FIRE,
    note: Annotated[str, typer.Option(help="备注 / a note for the report.")] = "",
    by: Annotated[
        str | None, typer.Option(help="姓名 / the name of the person who starts it.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Start it and wait for its end."""
    with plain_errors(), database(data_dir) as url, connect(url, autocommit=True) as connection:
        with connection.transaction():
            place = _place(connection, institution, device)
            actor = f"operator:{(by or getpass.getuser())[:100]}"
            record = drill_store.start(
                connection, wanted(connection, *place, kind, DrillSettings(), by=actor, note=note[:500])
            )
        progress(text(f"演练已开始：{record.drill.id}", f"the drill has begun: {record.drill.id}"))
        record = _follow(connection, record)
        _print(record)
        if record.state is not State.PASSED:
            raise typer.Exit(1)


@app.command(
    "list",
    help="列出最近的演练。 List the latest drills.",
    epilog="例 / for example: anhu drill list --institution home-1",
)
def list_command(
    institution: Annotated[str | None, typer.Option(help="机构编码 / its code.", show_default=False)] = None,
    data_dir: DataDir = None,
) -> None:
    """One line a drill, the newest first."""
    with plain_errors(), database(data_dir) as url, connect(url, autocommit=True) as connection:
        ids = None if institution is None else [_place(connection, institution, None)[0]]
        found = drill_store.of_institutions(connection, ids)
        for record in found:
            each = record.drill
            figures = ", ".join(_figure(stage) for stage in measured(each, record.seen) if stage.seconds is not None)
            typer.echo(f"{each.started_at:%Y-%m-%d %H:%M:%SZ}  {each.id}  {each.kind}  {record.state}  {figures}")


@app.command(
    help="打印演练报告（JSON）。 Print the report of a drill (JSON).",
    epilog="例 / for example: anhu drill report 6f9d4a1e-0000-4000-8000-000000000000",
)
def report(number: UUID, data_dir: DataDir = None) -> None:
    """Print what was filed."""
    with plain_errors(), database(data_dir) as url, connect(url, autocommit=True) as connection:
        record = drill_store.load(connection, number)
        if record.report is None:
            raise DrillRefused(text("演练还在进行，没有报告", "the drill is under way: there is no report yet"))
        _print(record)


def _place(connection: Connection, institution: str, device: str | None) -> tuple[int, int | None]:
    """The ids behind the codes. Raises DrillRefused."""
    row = connection.execute("SELECT id FROM institutions WHERE code = %s", (institution,)).fetchone()
    if row is None:
        raise DrillRefused(text(f"没有机构 {institution}", f"there is no institution {institution}"))
    if device is None:
        return row[0], None
    found = connection.execute(
        "SELECT id FROM devices WHERE institution_id = %s AND code = %s", (row[0], device)
    ).fetchone()
    if found is None:
        raise DrillRefused(text(f"机构 {institution} 没有设备 {device}", f"{institution} has no device {device}"))
    return row[0], found[0]


def _follow(connection: Connection, record: Record) -> Record:
    """Tell every stage as it is reached, until the end."""
    told: set[Stage] = set()
    begun_s, warned = time.monotonic(), False
    while True:
        record = drill_store.load(connection, record.drill.id)
        for stage in measured(record.drill, record.seen):
            if stage.seconds is not None and stage.stage not in told:
                told.add(stage.stage)
                progress(_figure(stage))
        if record.state is not State.RUNNING:
            progress(text(f"演练结束：{record.state}", f"the drill is over: {record.state}"))
            return record
        if not told and not warned and time.monotonic() - begun_s > NO_RUNNER_S:
            warned = True
            console.print(
                text(
                    "还没有产生报警：服务（pipeline、drills）在运行吗？",
                    "no alarm yet: are the pipeline and drills roles running?",
                ),
                style="yellow",
            )
        time.sleep(LOOK_S)


def _figure(stage: Measured) -> str:
    limit = "" if stage.limit_s is None else f" (≤ {stage.limit_s:g} s)"
    return f"{stage.stage}: {stage.seconds:.2f} s{limit}"


def _print(record: Record) -> None:
    sys.stdout.write(orjson.dumps(record.report, option=orjson.OPT_INDENT_2).decode() + "\n")
