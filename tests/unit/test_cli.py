"""The `anhu` command itself."""

import os

import pytest
import typer
from typer.testing import CliRunner

from anhu import __version__, cli
from anhu.errors import DownloadFailed


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(arguments), terminal_width=200)
    return result.exit_code, result.output


def test_the_version() -> None:
    assert run("--version") == (0, f"anhu {__version__}\n")


def _commands() -> list[list[str]]:
    root = typer.main.get_command(cli.app)
    found: list[list[str]] = []
    waiting: list[tuple[list[str], object]] = [([], root)]
    while waiting:
        path, command = waiting.pop()
        if children := getattr(command, "commands", None):
            waiting += [([*path, name], child) for name, child in children.items()]
        else:
            found.append(path)
    return found


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
