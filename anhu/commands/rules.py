"""`anhu rules …`: what counts as an alarm."""

from pathlib import Path
from typing import Annotated

import typer

from alerting import store
from alerting.errors import RulesInvalid
from alerting.rules import default_rules, parse
from anhu.commands.ground import DataDir, database, plain_errors, progress
from anhu.language import text
from ingest.database import connect

app = typer.Typer(no_args_is_help=True, help="报警规则。 The alarm rules.")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesInvalid([f"{path}: {error}"]) from error


@app.command(
    help="检查规则文件。 Check a rule file.",
    epilog="例 / for example: anhu rules check my-rules.toml",
)
def check(file: Path) -> None:
    """Say every error in `file`."""
    with plain_errors():
        rules = parse(_read(file))
        unread = [rule.id for rule in rules.rules if not rule.clause_verified]
        progress(text(f"没有错误：{len(rules.rules)} 条规则", f"no errors: {len(rules.rules)} rules"))
        if unread:
            names = ", ".join(unread)
            progress(text(f"依据尚未核对原文：{names}", f"clauses not yet read in their source: {names}"))


@app.command(
    help="启用规则文件，记录由谁启用；运行中的服务在几秒内改用新规则。 "
    "Put a rule file in force, noting who did; a running service takes it up within seconds.",
    epilog='例 / for example: anhu rules load my-rules.toml --by "王工"',
)
def load(
    file: Path,
    by: Annotated[str, typer.Option(help="启用人姓名 / the name of the person who decides this.")],
    data_dir: DataDir = None,
) -> None:
    """Check `file` and put it in force."""
    with plain_errors():
        body = _read(file)
        rules = parse(body)
        with database(data_dir) as url, connect(url) as connection:
            new = store.save_rules(
                connection, version=rules.version, sha256=rules.sha256, body=body, loaded_by=by[:200]
            )
        if new:
            progress(text(f"规则 {rules.version} 已启用", f"rules {rules.version} are in force"))
        else:
            progress(text("这份规则已在使用", "these rules are in force already"))


@app.command(
    help="打印正在使用的规则；--default 打印自带规则。 "
    "Print the rules in force, or with --default those that ship with Anhu.",
    epilog="例 / for example: anhu rules show --default > my-rules.toml",
)
def show(
    default: Annotated[bool, typer.Option("--default", help="自带规则 / those that ship with Anhu.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Print the TOML text."""
    if default:
        typer.echo(default_rules(), nl=False)
        return
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        found = store.load_rules(connection)
        typer.echo(found[0] if found else default_rules(), nl=False)
