"""The `anhu` command: one straight list of what it can do. Each command lives in the module that does its work."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from anhu import __version__
from anhu.commands import (
    account,
    broker,
    checklist,
    commitment,
    demo,
    draw,
    drill,
    evaluate,
    hazard,
    institution_file,
    learn,
    ledger,
    migrate,
    notify,
    person,
    plans,
    policy,
    protection,
    rating,
    registry,
    report,
    rotation,
    rules,
    serve,
    simulate,
    user,
)
from anhu.language import Language, text
from anhu.plain_errors import plain_errors
from anhu.roles import ROLES

app = typer.Typer(
    name="anhu",
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
) -> None:
    """Print the findings; exit code 1 when the service cannot run."""
    from anhu import doctor as medicine
    from anhu.data_folder import default_data_dir

    findings = medicine.examine(os.environ, data_dir or default_data_dir(os.environ), lang)
    medicine.show(findings, Console(highlight=False, soft_wrap=True), lang)
    raise typer.Exit(0 if medicine.is_fit(findings) else 1)


app.command(
    "demo",
    help="用 20 个模拟机构运行整套服务，一分钟后重演一场真实火灾。 "
    "Run the whole service with 20 simulated institutions; a recorded fire breaks out after a minute.",
    epilog="例 / for example: anhu demo --institutions 5",
)(demo.command)
app.command(
    "serve",
    help="运行服务；未设置 ANHU_DATABASE_URL、ANHU_MQTT_URL 时自带数据库和 MQTT。 "
    "Run the service, with a database and an MQTT broker of its own unless their URLs are set.",
    epilog="例 / for example: anhu serve --roles pipeline,dashboard",
)(serve.command)
app.command(
    "migrate",
    help="更新数据库结构，可重复执行。 Bring the database's schema up to date; safe to repeat.",
    epilog="例 / for example: ANHU_DATABASE_URL=postgresql://anhu@db/anhu anhu migrate",
)(migrate.command)
app.command(
    "simulate",
    help="模拟一批养老院和救助站上报数据。 Play a fleet of nursing homes and rescue stations.",
    epilog="例 / for example: anhu simulate --institutions 20 --devices-per 100 --seed 7",
)(simulate.command)
app.command(
    "report",
    help="生成报表：ledger 月调度表、notice 整改通知书、bulletin 通报、campaign 专项行动小结、year 年度数据。 "
    "Make a report: the ledger of a month, a notice of rectification, the bulletin, a campaign or a year.",
    epilog="例 / for example: anhu report ledger --from 2026-11-01 --to 2026-11-30 --out 11月.xlsx",
)(report.command)
app.add_typer(simulate.replay, name="replay")
app.add_typer(registry.app, name="registry")
app.add_typer(rules.app, name="rules")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(learn.app, name="learn")
app.add_typer(drill.app, name="drill")
app.add_typer(plans.app, name="plans")
app.add_typer(checklist.app, name="checklist")
app.add_typer(hazard.app, name="hazard")
app.add_typer(rating.app, name="rating")
app.add_typer(draw.app, name="draw")
app.add_typer(protection.app, name="protection")
app.add_typer(account.app, name="account")
app.add_typer(institution_file.app, name="institution-file")
app.add_typer(commitment.app, name="commitment")
app.add_typer(ledger.app, name="ledger")
app.add_typer(policy.app, name="policy")
app.add_typer(person.app, name="person")
app.add_typer(rotation.app, name="rotation")
app.add_typer(notify.app, name="notify")
app.add_typer(broker.app, name="broker")
app.add_typer(user.app, name="user")


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
