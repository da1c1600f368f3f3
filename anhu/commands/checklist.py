"""`anhu checklist …`: what is looked at on a visit or in a self-check."""

from pathlib import Path

import typer

from anhu.commands.ground import progress
from anhu.language import text
from anhu.plain_errors import plain_errors
from inspection import checklist
from inspection.checklist import Wording
from inspection.errors import ChecklistInvalid

app = typer.Typer(no_args_is_help=True, help="检查清单。 Checklists.")


@app.callback()
def checklists() -> None:
    """Checklists."""


@app.command(
    help="检查清单文件，逐行逐条指出错误。 Check a checklist file; errors are told by line and entry.",
    epilog="例 / for example: anhu checklist check my-list.toml",
)
def check(file: Path) -> None:
    """Say every error in `file`."""
    with plain_errors():
        try:
            body = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ChecklistInvalid([f"{file}: {error}"]) from error
        made = checklist.parse(body, checklist.shipped())
        progress(text(f"没有错误：{len(made.items)} 条", f"no errors: {len(made.items)} items"))
        for wording, zh, en in (
            (Wording.REPORTED, "条文字尚未与原文核对", "items not checked against their source"),
            (Wording.MISSING, "条文字缺失", "items without a text"),
        ):
            if count := made.count(wording):
                progress(text(f"{count} {zh}", f"{count} {en}"))


@app.command(
    "list",
    help="列出自带的清单：版本、条数、缺文字的条数。 The checklists that ship: version, items, texts that are missing.",
    epilog="例 / for example: anhu checklist list",
)
def show_all() -> None:
    """One line a list."""
    for each in checklist.shipped().values():
        unchecked, missing = each.count(Wording.REPORTED), each.count(Wording.MISSING)
        counts = text(
            f"{len(each.items):3} 条，未核对 {unchecked:2}，缺文字 {missing:2}",
            f"{len(each.items):3} items, {unchecked:2} unchecked, {missing:2} missing",
        )
        typer.echo(f"{each.id:26} {each.version:7} {counts}  {text(each.title_zh, each.title_en)}")
