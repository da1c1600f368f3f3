"""The `anhu` command itself."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from anhu import __version__, cli, commands
from anhu.errors import DownloadFailed


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(arguments), terminal_width=200)
    return result.exit_code, result.output


def test_the_version() -> None:
    assert run("--version") == (0, f"anhu {__version__}\n")


def _commands() -> list[list[str]]:
    found: list[list[str]] = []
    waiting: list[tuple[list[str], Any]] = [([], typer.main.get_command(cli.app))]
    while waiting:
        path, command = waiting.pop()
        if hasattr(command, "list_commands"):
            context = typer.Context(command)
            names = command.list_commands(context)
            waiting += [([*path, name], command.get_command(context, name)) for name in names]
        else:
            found.append(path)
    return found


def test_every_module_of_commands_is_listed() -> None:
    modules = {each.stem for each in Path(commands.__file__).parent.glob("*.py")}
    listed = {name.partition(":")[0] for name in cli.GROUPS.values()} | set(cli.ALONE)
    unlisted = {name for name in modules - listed if hasattr(import_module(f"anhu.commands.{name}"), "app")}
    assert unlisted == {"credit_list"}, "which hangs below rating"
    assert listed <= modules


@pytest.mark.parametrize("path", _commands(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(path: list[str]) -> None:
    code, output = run(*path, "--help")
    assert code == 0
    assert f"anhu {' '.join(path)}" in output.split("for example", 1)[1]


def test_an_unknown_role_is_refused() -> None:
    code, output = run("serve", "--roles", "cook")
    assert code == 2
    assert "cook" in output
    assert run("role", "cook")[0] == 2


def test_a_role_runs_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    monkeypatch.setitem(cli.ROLES, "cook", lambda: ran.append(os.getpid()))
    assert run("role", "cook")[0] == 0
    assert ran == [os.getpid()]


def test_a_known_trouble_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DownloadFailed("no network")

    monkeypatch.setitem(cli.ROLES, "cook", fail)
    code, output = run("role", "cook")
    assert code == 1
    assert "no network" in output
    assert "ANHU_DATABASE_URL" in output
    assert "Traceback" not in output
