"""`anhu rating lists …`: the criteria of the red, watch and black list."""

from pathlib import Path
from typing import Annotated

import typer

from anhu.commands.ground import DataDir, database, progress
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import connect
from inspection import credit_criteria, credit_list_store, rating_policy
from inspection.errors import CreditCriteriaInvalid

app = typer.Typer(no_args_is_help=True, help="红名单、重点关注名单、黑名单的列入条件。 Criteria of the credit lists.")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CreditCriteriaInvalid([f"{path}: {error}"]) from error


@app.command(
    help="检查条件文件：错误、没有来源的数值、自带评价策略下永远不会满足的条件。 "
    "Check a file: its errors, figures without a source, criteria that no rating by a shipped policy can meet.",
    epilog="例 / for example: anhu rating lists check my-lists.toml",
)
def check(file: Path) -> None:
    """Say every error in `file`."""
    with plain_errors():
        made = credit_criteria.parse(_read(file))
        counts = len(made.lists), len(made.criteria)
        progress(text("没有错误：{} 个名单，{} 条条件", "no errors: {} lists, {} criteria").format(*counts))
        if own := ", ".join(credit_criteria.defaults(made)):
            progress(text(f"没有注明来源：{own}", f"without a source: {own}"))
        for name in rating_policy.shipped():
            policy = rating_policy.parse(rating_policy.shipped_text(name))
            if unmet := ", ".join(credit_criteria.never_met(made, policy)):
                progress(text(f"策略 {name} 下不会满足：{unmet}", f"never met under policy {name}: {unmet}"))


@app.command(
    help="启用条件文件，记录由谁启用；已告知的不受影响。 "
    "Put a file in force, noting who did; notices already issued stay as they are.",
    epilog='例 / for example: anhu rating lists load my-lists.toml --by "王工"',
)
def load(
    file: Path,
    by: Annotated[str, typer.Option(help="启用人姓名 / the name of the person who decides this.")],
    data_dir: DataDir = None,
) -> None:
    """Check `file` and put it in force."""
    with plain_errors():
        body = _read(file)
        made = credit_criteria.parse(body)
        with database(data_dir) as url, connect(url) as connection:
            new = credit_list_store.save_criteria(connection, made, body, f"cli:{by[:200]}")
        if new:
            progress(text(f"条件 {made.version} 已启用", f"criteria {made.version} are in force"))
        else:
            progress(text("这份条件已在使用", "these criteria are in force already"))


@app.command(
    help="打印正在使用的条件；--default 打印自带的。 Print the criteria in force, or with --default those that ship.",
    epilog="例 / for example: anhu rating lists show --default > my-lists.toml",
)
def show(
    default: Annotated[bool, typer.Option("--default", help="自带的 / what ships with Anhu.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Print the TOML text."""
    if default:
        typer.echo(credit_criteria.default_text(), nl=False)
        return
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        found = credit_list_store.load_criteria(connection)
        typer.echo(found[1] if found else credit_criteria.default_text(), nl=False)
