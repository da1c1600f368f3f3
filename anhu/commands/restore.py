"""`anhu restore`: the whole service back from a backup."""

import os
from pathlib import Path
from typing import Annotated

import typer

from anhu import restore as restoring
from anhu.commands.ground import DataDir, progress
from anhu.data_folder import default_data_dir
from anhu.language import text
from anhu.plain_errors import plain_errors


def command(
    backup: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="一份备份的目录 / the folder of one backup.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Bring the backup back into an empty data folder and compare."""
    with plain_errors():
        home = data_dir or default_data_dir(os.environ)
        manifest = restoring.restore(backup, home, None, progress)
        rows = sum(manifest.records.values())
        progress(
            text(
                f"已恢复 {manifest.made_at} 的备份，{rows} 条记录一条不少；用 anhu serve 启动服务，"
                "anhu ledger verify 核对账本。",
                f"the backup of {manifest.made_at} is back, all {rows} records; start with "
                "`anhu serve`, check the ledger with `anhu ledger verify`.",
            )
        )
