"""A versioned TOML file that people write: checked as a whole, put in force by a named person, printed.

The alarm rules and the escalation policy are two of them, and each has its commands from here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import typer

from alerting.errors import RulesInvalid
from anhu.commands.ground import DataDir, database, progress
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import Connection, connect
from inspection.errors import FileInvalid

Content = TypeVar("Content")


def _no_remarks(_: object) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class VersionedFile(Generic[Content]):
    """One kind of file. `noun` is what it holds, in both languages; `parse` raises `invalid`.
    `without_clause` names what nobody has read in its source; `remarks` are further lines of `check`, already in words.

    `in_force` answers with the text, None before the first was loaded; `put_in_force` gets the content, the text
    and who loads it, and answers whether it is new.
    """

    command: str
    noun: tuple[str, str]
    invalid: type[RulesInvalid] | type[FileInvalid]
    default: Callable[[], str]
    parse: Callable[[str], Content]
    version: Callable[[Content], str]
    count: Callable[[Content], tuple[str, str]]
    without_clause: Callable[[Content], Sequence[str]]
    in_force: Callable[[Connection], str | None]
    put_in_force: Callable[[Connection, Content, str, str], bool]
    remarks: Callable[[Content], Sequence[str]] = _no_remarks


def read(path: Path, invalid: type[RulesInvalid] | type[FileInvalid]) -> str:
    """The text of a file. Raises `invalid` where it cannot be read."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise invalid([f"{path}: {error}"]) from error


def add_commands(app: typer.Typer, kind: VersionedFile[Content]) -> None:
    """`check`, `load` and `show` of one kind of file."""
    zh, en = kind.noun
    name = kind.command.split()[-1]

    @app.command(
        help=f"检查{zh}文件。 Check a file of the {en}.",
        epilog=f"例 / for example: anhu {kind.command} check my-{name}.toml",
    )
    def check(file: Path) -> None:
        """Say every error in `file`."""
        with plain_errors():
            content = kind.parse(read(file, kind.invalid))
            counted_zh, counted_en = kind.count(content)
            progress(text(f"没有错误：{counted_zh}", f"no errors: {counted_en}"))
            if unread := ", ".join(kind.without_clause(content)):
                progress(text(f"依据尚未核对原文：{unread}", f"clauses not yet read in their source: {unread}"))
            for line in kind.remarks(content):
                progress(line)

    @app.command(
        help=f"启用{zh}文件，记录由谁启用；运行中的服务在几秒内改用。 "
        f"Put a file of the {en} in force, noting who did; a running service takes it up within seconds.",
        epilog=f'例 / for example: anhu {kind.command} load my-{name}.toml --by "王工"',
    )
    def load(
        file: Path,
        by: Annotated[str, typer.Option(help="启用人姓名 / the name of the person who decides this.")],
        data_dir: DataDir = None,
    ) -> None:
        """Check `file` and put it in force."""
        with plain_errors():
            body = read(file, kind.invalid)
            content = kind.parse(body)
            with database(data_dir) as url, connect(url) as connection:
                new = kind.put_in_force(connection, content, body, by[:200])
            version = kind.version(content)
            if new:
                progress(text(f"{zh} {version} 已启用", f"the {en}, version {version}, are in force"))
            else:
                progress(text(f"这份{zh}已在使用", f"these {en} are in force already"))

    @app.command(
        help=f"打印正在使用的{zh}；--default 打印自带的。 "
        f"Print the {en} in force, or with --default those that ship with Anhu.",
        epilog=f"例 / for example: anhu {kind.command} show --default > my-{name}.toml",
    )
    def show(
        default: Annotated[bool, typer.Option("--default", help="自带的 / what ships with Anhu.")] = False,
        data_dir: DataDir = None,
    ) -> None:
        """Print the TOML text."""
        if default:
            typer.echo(kind.default(), nl=False)
            return
        with plain_errors(), database(data_dir) as url, connect(url) as connection:
            found = kind.in_force(connection)
            typer.echo(found or kind.default(), nl=False)
