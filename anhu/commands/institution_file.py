"""`anhu institution-file`: institution files (一院一档) as an Excel workbook, written and read back."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from anhu.commands.ground import DataDir, database, progress
from anhu.commands.place import Institution, Region, scope_of
from anhu.errors import AnhuError
from anhu.language import Language, text
from anhu.plain_errors import plain_errors
from ingest import directory
from ingest.database import connect
from inspection import institution_file_operate, institution_file_store, institution_file_workbook
from inspection.errors import WorkbookRefused
from inspection.institution_file_store import Writer
from inspection.institution_file_workbook import WORKBOOK_BYTES_MAX, Entry

app = typer.Typer(
    help="一院一档：导出、导入 Excel。 Institution files as an Excel workbook.",
    no_args_is_help=True,
)


class WorkbookUnusable(AnhuError):
    """The workbook cannot be used."""


@app.command(
    "export",
    help="导出为 Excel：每部分一张表，可填写后导入。 Write a workbook, a sheet for each section, to be filled in.",
    epilog="例 / for example: anhu institution-file export --region 220322 --out files.xlsx",
)
def export(
    out: Annotated[Path, typer.Option(help="写到哪个文件（.xlsx） / the file (.xlsx).")],
    institution: Institution = None,
    region: Region = "",
    lang: Annotated[Language, typer.Option(help="语言 / language.")] = Language.ZH,
    data_dir: DataDir = None,
) -> None:
    """Write the files of one institution, of a region, or all."""
    with plain_errors():
        with database(data_dir) as url, connect(url) as connection:
            scope = scope_of(connection, institution, region)
            places = [each for each in directory.institutions(connection) if scope.covers(each.id, each.region)]
            files = institution_file_store.load_many(connection, [each.id for each in places])
        english = lang is Language.EN
        entries = [Entry(each.code, (english and each.name_en) or each.name, files[each.id]) for each in places]
        try:
            out.write_bytes(institution_file_workbook.workbook(entries, lang.value))
        except OSError as error:
            raise WorkbookUnusable(str(error)) from error
        progress(text(f"已写入 {out}：{len(places)} 家机构", f"written to {out}: {len(places)} institutions"))


@app.command(
    "import",
    help="导入填好的 Excel；有一处错误就什么也不写。 Take a filled-in workbook in: all of it, or nothing.",
    epilog="例 / for example: anhu institution-file import files.xlsx",
)
def take_in(
    file: Annotated[Path, typer.Argument(help="填好的文件 / the workbook.", show_default=False)],
    by: Annotated[str | None, typer.Option(help="以谁的名义 / in whose name.", show_default=False)] = None,
    data_dir: DataDir = None,
) -> None:
    """Read, check and write; every error is told by sheet, row and column."""
    with plain_errors():
        try:
            with file.open("rb") as opened:
                data = opened.read(WORKBOOK_BYTES_MAX + 1)
            filled = institution_file_workbook.read(data)
            with database(data_dir) as url, connect(url) as connection:
                known = {each.code: each.id for each in directory.institutions(connection)}
                writer = Writer(f"cli:{(by or getpass.getuser())[:200]}", None, "workbook")
                made = institution_file_operate.take_in(connection, filled, known, writer, datetime.now(UTC))
        except (OSError, WorkbookRefused) as error:
            raise WorkbookUnusable(str(error)) from error
        progress(text(f"已写入 {len(made.changed)} 个部分", f"{len(made.changed)} sections written"))
