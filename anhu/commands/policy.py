"""`anhu policy …`: who is told of an alarm, and after how long."""

from pathlib import Path
from typing import Annotated

import typer

from alerting.errors import PolicyInvalid
from alerting.escalation import default_policy, parse
from alerting.oncall_store import load_policy, save_policy
from anhu.commands.ground import DataDir, database, plain_errors, progress
from anhu.language import text
from ingest.database import connect

app = typer.Typer(no_args_is_help=True, help="升级通知策略。 Escalation policies.")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyInvalid([f"{path}: {error}"]) from error


@app.command(
    help="检查策略文件。 Check a policy file.",
    epilog="例 / for example: anhu policy check my-policy.toml",
)
def check(file: Path) -> None:
    """Say every error in `file`."""
    with plain_errors():
        policy = parse(_read(file))
        progress(text(f"没有错误：{len(policy.routes)} 条路由", f"no errors: {len(policy.routes)} routes"))
        unread = [route.id for route in policy.routes if not route.clause_verified]
        if unread:
            names = ", ".join(unread)
            progress(text(f"时限依据尚未核对原文：{names}", f"times without a clause read in its source: {names}"))


@app.command(
    help="启用策略文件，记录由谁启用；运行中的服务在几秒内改用。 "
    "Put a policy in force, noting who did; a running service takes it up within seconds.",
    epilog='例 / for example: anhu policy load my-policy.toml --by "王工"',
)
def load(
    file: Path,
    by: Annotated[str, typer.Option(help="启用人姓名 / the name of the person who decides this.")],
    data_dir: DataDir = None,
) -> None:
    """Check `file` and put it in force."""
    with plain_errors():
        body = _read(file)
        policy = parse(body)
        with database(data_dir) as url, connect(url) as connection:
            new = save_policy(connection, policy, body, loaded_by=f"cli:{by[:200]}")
        if new:
            progress(text(f"策略 {policy.version} 已启用", f"policy {policy.version} is in force"))
        else:
            progress(text("这份策略已在使用", "this policy is in force already"))


@app.command(
    help="打印正在使用的策略；--default 打印自带策略。 "
    "Print the policy in force, or with --default the one that ships with Anhu.",
    epilog="例 / for example: anhu policy show --default > my-policy.toml",
)
def show(
    default: Annotated[bool, typer.Option("--default", help="自带策略 / the one that ships with Anhu.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Print the TOML text."""
    if default:
        typer.echo(default_policy(), nl=False)
        return
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        found = load_policy(connection)
        typer.echo(found[0] if found else default_policy(), nl=False)
