"""`anhu report`: one of the reports as an Excel file, or as JSON."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import orjson
import typer

from anhu.commands.ground import DataDir, database, progress
from anhu.commands.place import Institution, Region, scope_of
from anhu.errors import AnhuError
from anhu.language import Language, text
from anhu.plain_errors import plain_errors
from ingest.database import Connection, connect
from inspection import report_operate, report_store, report_workbook
from inspection.report import Document, Period, ReportKind
from inspection.report_operate import Asked

_FORMATS: Final = (".xlsx", ".json")


class ReportIncomplete(AnhuError):
    """Something has to be said for this report."""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What a report is about, by the numbers people know."""

    hazard: int | None
    inspection: int | None
    campaign: int | None


def command(
    kind: ReportKind,
    out: Annotated[Path, typer.Option(help="写到哪个文件，.xlsx 或 .json / the file, .xlsx or .json.")],
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="第一天 / the first day.", show_default=False),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="最后一天（含） / the last day, included.", show_default=False),
    ] = None,
    hazard: Annotated[
        int | None, typer.Option(min=1, help="通知书：隐患编号 / notice: the hazard's number.", show_default=False)
    ] = None,
    inspection: Annotated[
        int | None, typer.Option(min=1, help="通知书：检查编号 / notice: the inspection's number.", show_default=False)
    ] = None,
    campaign: Annotated[
        int | None, typer.Option(min=1, help="专项行动编号 / campaign: its number.", show_default=False)
    ] = None,
    institution: Institution = None,
    region: Region = "",
    lang: Annotated[Language, typer.Option(help="语言 / language.")] = Language.ZH,
    data_dir: DataDir = None,
) -> None:
    """Gather, lay out and write the report."""
    with plain_errors():
        if out.suffix not in _FORMATS:
            raise ReportIncomplete(
                text("文件名须以 .xlsx 或 .json 结尾", "the file's name has to end in .xlsx or .json")
            )
        with database(data_dir) as url, connect(url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            asked = Asked(scope_of(connection, institution, region), lang.value, datetime.now(UTC))
            if kind in (ReportKind.NOTICE, ReportKind.CAMPAIGN):
                made = _of_one(connection, kind, asked, _Numbers(hazard, inspection, campaign))
            else:
                made = _of_time(connection, kind, asked, first, last)
        try:
            out.write_bytes(report_workbook.workbook(made) if out.suffix == ".xlsx" else _json(made))
        except OSError as error:
            raise ReportIncomplete(str(error)) from error
        progress(text(f"已写入 {out}", f"written to {out}"))


def _of_time(
    connection: Connection, kind: ReportKind, asked: Asked, first: datetime | None, last: datetime | None
) -> Document:
    if first is None or last is None:
        raise ReportIncomplete(text("请用 --from 和 --to 给出日期", "say the days with --from and --to"))
    period = Period(first.date(), last.date())
    match kind:
        case ReportKind.LEDGER:
            return report_operate.ledger(connection, period, asked).document
        case ReportKind.BULLETIN:
            return report_operate.bulletin(connection, period, asked)
        case _:
            return report_operate.year(connection, period, asked)


def _of_one(connection: Connection, kind: ReportKind, asked: Asked, numbers: _Numbers) -> Document:
    if kind is ReportKind.CAMPAIGN and numbers.campaign is not None:
        found = report_store.campaign_of_number(connection, numbers.campaign)
        return report_operate.campaign(connection, _known(found, "campaign", numbers.campaign), asked)
    if kind is ReportKind.NOTICE and numbers.hazard is not None:
        found = report_store.hazard_of_number(connection, numbers.hazard)
        return report_operate.notice_of_hazard(connection, _known(found, "hazard", numbers.hazard), asked)
    if kind is ReportKind.NOTICE and numbers.inspection is not None:
        found = report_store.visit_of_number(connection, numbers.inspection)
        return report_operate.notice_of_visit(connection, _known(found, "inspection", numbers.inspection), asked)
    raise ReportIncomplete(
        text(
            "通知书请用 --hazard 或 --inspection，专项行动请用 --campaign 给出编号",
            "give the number: --hazard or --inspection for a notice, --campaign for a campaign",
        )
    )


def _known(found: UUID | None, what: str, number: int) -> UUID:
    if found is None:
        raise ReportIncomplete(text(f"没有编号为 {number} 的记录（{what}）", f"there is no {what} {number}"))
    return found


def _json(made: Document) -> bytes:
    return orjson.dumps(asdict(made), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
