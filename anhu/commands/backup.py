"""`anhu backup`: the whole service, while it runs, into a folder."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from anhu import backup as backups
from anhu import packages, postgres
from anhu.commands.ground import DataDir, progress, services
from anhu.data_folder import DataFolder, default_data_dir
from anhu.errors import BackupFailed
from anhu.language import text
from anhu.plain_errors import plain_errors
from anhu.storage_words import size
from ingest.settings import Connections


def command(
    folder: Annotated[Path, typer.Argument(help="备份放在哪里 / where to put the backup.")],
    keep: Annotated[int, typer.Option(min=1, max=1000, help="保留最近几份 / how many to keep.")] = 7,
    data_dir: DataDir = None,
) -> None:
    """Back up, then remove the oldest backups beyond `keep`."""
    with plain_errors():
        if Connections().database_url is not None:
            raise BackupFailed(
                text(
                    "已配置外部数据库（ANHU_DATABASE_URL）：请用该数据库自己的备份方法，并另存数据目录。",
                    "The database is one of your own (ANHU_DATABASE_URL): back it up by its own means, and keep a copy "
                    "of the data folder.",
                )
            )
        home = data_dir or default_data_dir(os.environ)
        with services(home) as around:
            programs = packages.find(
                home / "runtime", progress=progress, postgres_major=postgres.existing_major(DataFolder(home))
            ).postgres
            made = backups.make(home, folder, around.env["ANHU_DATABASE_URL"], programs, datetime.now(UTC), progress)
        weight = size(sum(path.stat().st_size for path in made.rglob("*") if path.is_file()))
        progress(text(f"已备份到 {made}（{weight}）", f"backed up to {made} ({weight})"))
        for gone in backups.thin_out(folder, keep):
            progress(text(f"已删除旧备份 {gone.name}", f"removed the old backup {gone.name}"))
