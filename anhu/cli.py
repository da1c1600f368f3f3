"""The `anhu` command: one straight list of what it can do."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from anhu import __version__
from anhu.errors import AnhuError
from anhu.language import Language, text

app = typer.Typer(
    name="anhu",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="安护：养老等照护机构的安全监测服务。 Anhu: safety monitoring for care institutions.\n\n"
    "例 / for example: [bold]anhu doctor[/bold]",
)
console = Console(stderr=True, highlight=False, soft_wrap=True)

DEFAULT_ROLES = "pipeline,dashboard"
# What a role runs until it is told to stop; filled by the packages that have one.
ROLES: dict[str, Callable[[], None]] = {}

DataDir = Annotated[
    Path | None,
    typer.Option(envvar="ANHU_DATA_DIR", show_envvar=True, help="数据目录 / the data folder.", show_default=False),
]


def progress(line: str) -> None:
    """Tell the operator what is going on."""
    console.print(line, markup=False)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What is known to go wrong is told in words and ends the command with code 1; anything else is a bug and shows."""
    try:
        yield
    except AnhuError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error


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
    data_dir: DataDir = None,
) -> None:
    """Print the findings; exit code 1 when the service cannot run."""
    from anhu import doctor as medicine
    from anhu.data_folder import default_data_dir

    findings = medicine.examine(os.environ, data_dir or default_data_dir(os.environ), lang)
    medicine.show(findings, Console(highlight=False, soft_wrap=True), lang)
    raise typer.Exit(0 if medicine.is_fit(findings) else 1)


@app.command(
    help="运行服务；未设置 ANHU_DATABASE_URL、ANHU_MQTT_URL 时自带数据库和 MQTT。 "
    "Run the service, with a database and an MQTT broker of its own unless their URLs are set.",
    epilog="例 / for example: anhu serve --roles pipeline,dashboard",
)
def serve(
    roles: Annotated[
        str, typer.Option(help="要运行的角色，逗号分隔 / the roles to run, comma-separated.")
    ] = DEFAULT_ROLES,
    data_dir: DataDir = None,
) -> None:
    """Run the roles until SIGINT or SIGTERM."""
    from anhu import serve as service
    from anhu.data_folder import default_data_dir
    from anhu.embedded import surroundings

    names = [name.strip() for name in roles.split(",") if name.strip()]
    if unknown := sorted(set(names) - set(ROLES)):
        known = ", ".join(sorted(ROLES)) or "-"
        raise typer.BadParameter(
            text(f"没有角色 {', '.join(unknown)}；有：{known}", f"no role {', '.join(unknown)}; there are: {known}"),
            param_hint="--roles",
        )
    with plain_errors(), surroundings(os.environ, data_dir or default_data_dir(os.environ), progress) as around:
        service.supervise(service.role_commands(names), around.env, say=progress, trouble=around.trouble)


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


# Further commands (migrate, registry import, simulate, replay, demo) are registered here, each by one line:
# the function lives in the module that does the work, and this list stays the table of contents.


def main() -> None:
    """The entry point of the `anhu` script."""
    app()


if __name__ == "__main__":
    main()
