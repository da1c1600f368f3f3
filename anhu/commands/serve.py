"""`anhu serve`: the service, each role a process of its own."""

import os
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from anhu import serve as service
from anhu.commands.ground import DataDir, progress, services
from anhu.commands.migrate import bring_up_to_date
from anhu.data_folder import default_data_dir
from anhu.language import text
from anhu.late_database import LateDatabase
from anhu.plain_errors import console, plain_errors
from anhu.roles import LOCAL, ROLES, check_settings
from dashboard import auth
from ingest.database import connect
from ingest.settings import PipelineSettings
from ingest.spool_reader import JUDGE, REGISTRY, SpoolReader


def command(
    roles: Annotated[
        str, typer.Option(help=f"要运行的角色，逗号分隔：{LOCAL} / the roles to run, comma-separated.")
    ] = LOCAL,
    data_dir: DataDir = None,
) -> None:
    """Run the roles until SIGINT or SIGTERM."""
    names = [name.strip() for name in roles.split(",") if name.strip()]
    unknown, known = ", ".join(sorted(set(names) - set(ROLES))), ", ".join(sorted(ROLES))
    if unknown or not names:
        raise typer.BadParameter(
            text(f"没有角色 {unknown}；有：{known}", f"no role {unknown}; there are: {known}"), param_hint="--roles"
        )
    with plain_errors():
        check_settings()
        may_be_late = "pipeline" in names and _has_judged_here(data_dir)
        with services(data_dir, reuse=False, database_may_be_late=may_be_late) as around:

            def prepare() -> None:
                around.finish_database()
                bring_up_to_date(around.env["ANHU_DATABASE_URL"])
                _first_administrator(around.env["ANHU_DATABASE_URL"])

            database = LateDatabase(prepare, progress)
            database.begin(may_be_late=may_be_late)
            commands = service.role_commands(names, PipelineSettings().workers)
            service.supervise(commands, around.env, say=progress, trouble=lambda: around.trouble() or database.look())


def _has_judged_here(data_dir: Path | None) -> bool:
    """Whether a pipeline could start by what it remembers, if the database did not answer. A shard among others cannot:
    the database's locks say whose it is."""
    settings = PipelineSettings()
    with closing(SpoolReader(settings.spool_file(data_dir or default_data_dir(os.environ)))) as spool:
        return settings.shards == 1 and spool.remembers(REGISTRY, JUDGE)


def _first_administrator(database_url: str) -> None:
    """At the very first start: an administrator, whose password is shown this once and stored only as a hash."""
    with connect(database_url) as connection:
        password = auth.seed_administrator(connection)
    if password is not None:
        console.print(
            text(
                f"首次启动：已建立管理员 admin，密码 {password}（只显示这一次，请记下）",
                f"first start: the administrator admin was made, password {password} (shown only this once: note it)",
            ),
            style="bold",
            markup=False,
        )
