"""`anhu draw …`: recompute a random draw."""

from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import typer

from anhu.commands.ground import DataDir, database, progress
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import connect
from inspection import draw, draw_operate, draw_store
from inspection.errors import DrawFalse

app = typer.Typer(no_args_is_help=True, help="双随机抽查：复算抽取结果。 Random draws: recompute one.")


@app.callback()
def draws() -> None:
    """Random draws."""


@app.command(
    help="由公布的记录复算抽取结果：文件，或本机服务中的编号；不符时退出码为 1。 "
    "Recompute a draw from its published record: a file, or the id of one in this service; exit code 1 if it is false.",
    epilog="例 / for example: anhu draw verify draw-3.json",
)
def verify(record: str, data_dir: DataDir = None) -> None:
    """Say what was drawn, or what does not follow."""
    with plain_errors():
        found = _read(record, data_dir)
        drawn = draw.verify(found)
        for number, each in enumerate(drawn, start=1):
            typer.echo(f"{number:3}  {each.institution}  {', '.join(f'{key} {duty}' for key, duty in each.team)}")
        progress(
            text(
                "结果与种子、登记表、见证词相符。请与公告核对：",
                "The result follows from seed, register and word. Hold these against the announcement:",
            )
        )
        progress(f"  seed_sha256      {found['seed_sha256']}\n  register_sha256  {found['register_sha256']}")


def _read(record: str, data_dir: Path | None) -> dict[str, Any]:
    path = Path(record)
    if not path.exists():
        try:
            number = UUID(record)
        except ValueError as error:
            raise DrawFalse(text(f"没有文件 {record}", f"there is no file {record}")) from error
        with database(data_dir) as url, connect(url) as connection:
            return draw_operate.export(draw_store.load(connection, number))
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise DrawFalse(f"{path}: {error}") from error
    if not isinstance(found, dict):
        raise DrawFalse(text(f"{path} 不是抽取记录", f"{path} is no record of a draw"))
    return found
