"""`anhu plans …`: emergency plans, the action cards that open with an alert."""

from pathlib import Path

import typer

from alerting import plan_card
from alerting.errors import PlanInvalid
from anhu.commands.ground import progress
from anhu.language import text
from anhu.plain_errors import plain_errors

app = typer.Typer(no_args_is_help=True, help="应急预案。 The emergency plans.")


@app.callback()
def plans() -> None:
    """The emergency plans."""


@app.command(
    help="检查应急预案文件。 Check a file of emergency plans.",
    epilog="例 / for example: anhu plans check my-plans.toml",
)
def check(file: Path) -> None:
    """Say every error in `file`."""
    with plain_errors():
        try:
            body = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PlanInvalid([f"{file}: {error}"]) from error
        cards = plan_card.parse(body)
        progress(text(f"没有错误：{len(cards)} 张卡片", f"no errors: {len(cards)} cards"))
