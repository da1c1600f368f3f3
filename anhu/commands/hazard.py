"""`anhu hazard …`: how hazards are worked off, and which alerts open one."""

from pathlib import Path
from typing import Annotated

import typer

from anhu.commands.ground import DataDir, database, progress
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import connect
from inspection import hazard_store, policy
from inspection.errors import HazardPolicyInvalid

app = typer.Typer(no_args_is_help=True, help="隐患整改策略。 The hazard policy.")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HazardPolicyInvalid([f"{path}: {error}"]) from error


@app.command(
    help="检查策略文件。 Check a policy file.",
    epilog="例 / for example: anhu hazard check my-policy.toml",
)
def check(file: Path) -> None:
    """Say every error in `file`."""
    with plain_errors():
        made = policy.parse(_read(file))
        terms, rules = len(made.terms), len(made.sensors)
        progress(
            text(f"没有错误：{terms} 个期限，{rules} 条监测规则", f"no errors: {terms} terms, {rules} sensor rules")
        )


@app.command(
    help="启用策略文件，记录由谁启用；运行中的服务随即改用。 "
    "Put a policy in force, noting who did; a running service takes it up at once.",
    epilog='例 / for example: anhu hazard load my-policy.toml --by "王工"',
)
def load(
    file: Path,
    by: Annotated[str, typer.Option(help="启用人姓名 / the name of the person who decides this.")],
    data_dir: DataDir = None,
) -> None:
    """Check `file` and put it in force."""
    with plain_errors():
        body = _read(file)
        made = policy.parse(body)
        with database(data_dir) as url, connect(url) as connection:
            new = hazard_store.save_policy(
                connection, version=made.version, sha256=made.sha256, body=body, loaded_by=f"cli:{by[:200]}"
            )
        if new:
            progress(text(f"策略 {made.version} 已启用", f"policy {made.version} is in force"))
        else:
            progress(text("这份策略已在使用", "this policy is in force already"))
