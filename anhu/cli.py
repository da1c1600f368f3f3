"""The `anhu` command: one straight list of what it can do. Each command lives in the module that does its work, and is
imported when it is asked for: all of them together take a second of a processor.
"""

import importlib
import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from typer.core import TyperGroup

from anhu import __version__
from anhu.language import Language, text
from anhu.plain_errors import plain_errors
from anhu.roles import ROLES

# Commands that are a function `command` of their module, and how each is told.
ALONE: Final = {
    "demo": (
        (
            "用 20 个模拟机构运行整套服务，一分钟后重演一场真实火灾。 "
            "Run the whole service with 20 simulated institutions; a recorded fire breaks out after a minute."
        ),
        "anhu demo --institutions 5",
    ),
    "serve": (
        (
            "运行服务；未设置 ANHU_DATABASE_URL、ANHU_MQTT_URL 时自带数据库和 MQTT。 "
            "Run the service, with a database and an MQTT broker of its own unless their URLs are set."
        ),
        "anhu serve --roles pipeline,dashboard",
    ),
    "migrate": (
        "更新数据库结构，可重复执行。 Bring the database's schema up to date; safe to repeat.",
        "ANHU_DATABASE_URL=postgresql://anhu@db/anhu anhu migrate",
    ),
    "backup": (
        (
            "不停机备份整套服务（数据库、密钥、账号）到一个目录。 "
            "Back up the whole running service, database, keys and accounts, into a folder."
        ),
        "anhu backup /mnt/backup --keep 14",
    ),
    "restore": (
        "从备份恢复到空的数据目录，并核对。 Bring a backup back into an empty data folder, and compare.",
        "anhu restore /mnt/backup/anhu-20261128T030000Z --data-dir /var/lib/anhu",
    ),
    "simulate": (
        "模拟一批养老院和救助站上报数据。 Play a fleet of nursing homes and rescue stations.",
        "anhu simulate --institutions 20 --devices-per 100 --seed 7",
    ),
    "report": (
        (
            "生成报表：ledger 月调度表、notice 整改通知书、bulletin 通报、campaign 专项行动小结、year 年度数据。 "
            "Make a report: the ledger of a month, a notice of rectification, the bulletin, a campaign or a year."
        ),
        "anhu report ledger --from 2026-11-01 --to 2026-11-30 --out 11月.xlsx",
    ),
    "sizing": (
        (
            "估算一批机构需要多大的机器；不需要数据库。 "
            "Estimate the machine that a number of institutions needs; needs no database."
        ),
        "anhu sizing --institutions 50 --devices 60 --interval-s 60",
    ),
    "openapi": (
        (
            "输出 HTTP API 的 OpenAPI 描述；不需要数据库。 "
            "Print the OpenAPI document of the HTTP API; needs no database."
        ),
        "anhu openapi --out openapi.json",
    ),
}
# Commands with commands of their own: each an `app` of its module, except where another name is given.
GROUPS: Final = {
    "replay": "simulate:replay", "registry": "registry", "rules": "rules", "evaluate": "evaluate", "learn": "learn",
    "drill": "drill", "plans": "plans", "checklist": "checklist", "hazard": "hazard", "rating": "rating",
    "draw": "draw", "protection": "protection", "account": "account", "institution-file": "institution_file",
    "commitment": "commitment", "ledger": "ledger", "policy": "policy", "person": "person", "rotation": "rotation",
    "notify": "notify", "broker": "broker", "panel": "panel", "user": "user", "routes": "routes",
    "storage": "storage", "tls": "tls", "first-steps": "first_steps", "shards": "shards", "cell": "cell",
}  # fmt: skip


class Commands(TyperGroup):
    """The commands by name, imported when asked for. (Whose Context and Command these are differs between versions of
    typer: some have a click of their own.)"""

    def list_commands(self, ctx: Any) -> list[str]:
        """All of them, in the order of the list."""
        here = super().list_commands(ctx)
        return [*here, *ALONE, *GROUPS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, None where there is no such."""
        if cmd_name in ALONE:
            told, example = ALONE[cmd_name]
            alone = typer.Typer(add_completion=False)
            run = importlib.import_module(f"anhu.commands.{cmd_name}").command
            alone.command(cmd_name, help=told, epilog=f"例 / for example: {example}")(run)
            return typer.main.get_command(alone)
        if cmd_name in GROUPS:
            module, _, name = GROUPS[cmd_name].partition(":")
            group = typer.main.get_group(getattr(importlib.import_module(f"anhu.commands.{module}"), name or "app"))
            group.name = cmd_name
            return group
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    name="anhu",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="安护：养老等照护机构的安全监测服务。 Anhu: safety monitoring for care institutions.\n\n"
    "例 / for example: [bold]anhu demo[/bold]",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"anhu {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="版本 / print the version.")
    ] = False,
) -> None:
    """The options of every command."""


@app.command(
    help="检查这台机器能否运行安护，缺什么、怎样补。 "
    "See whether this machine can run Anhu, and how to get what is missing.",
    epilog="例 / for example: anhu doctor --lang en",
)
def doctor(
    lang: Annotated[Language | None, typer.Option(help="语言 / language.", show_default=False)] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(envvar="ANHU_DATA_DIR", show_envvar=True, help="数据目录 / the data folder.", show_default=False),
    ] = None,
    security: Annotated[bool, typer.Option("--security", help="检查运行是否安全 / see how safely it is run.")] = False,
) -> None:
    """Print the findings; exit code 1 when the service cannot run, or with --security when something is ✗."""
    from anhu import doctor as medicine
    from anhu.data_folder import default_data_dir

    if security:
        with plain_errors():
            safe = medicine.show_security(os.environ, data_dir or default_data_dir(os.environ), lang)
        raise typer.Exit(0 if safe else 1)
    findings = medicine.examine(os.environ, data_dir or default_data_dir(os.environ), lang)
    medicine.show(findings, Console(highlight=False, soft_wrap=True), lang)
    raise typer.Exit(0 if medicine.is_fit(findings) else 1)


@app.command(
    hidden=True,
    help="运行一个角色（由 serve 启动）。 Run one role in this process; `serve` starts these.",
    epilog="例 / for example: anhu role pipeline",
)
def role(name: str) -> None:
    """Run the role here."""
    run = ROLES.get(name)
    if run is None:
        raise typer.BadParameter(text(f"没有角色 {name}", f"no role {name}"), param_hint="NAME")
    with plain_errors():
        run()


def main() -> None:
    """The entry point of the `anhu` script."""
    app()


if __name__ == "__main__":
    main()
