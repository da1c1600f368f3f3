"""`anhu evaluate KIND DIR`: recordings through the engine, and how well it did."""

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer
from rich.console import Console
from rich.table import Table

from anhu.commands.ground import plain_errors, progress
from anhu.errors import EvaluationFailed
from anhu.language import text

app = typer.Typer(
    no_args_is_help=True,
    help="用真实记录检验报警引擎：不偷看后面的数据，参数不变。 "
    "Measure the engine on recordings: no look-ahead, parameters frozen.",
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="记录所在目录 / the folder with the recordings.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="把结果写入 JSON 文件 / write the figures as JSON.", show_default=False)
]

Sensitivity = Annotated[
    bool, typer.Option("--sensitivity", help="各参数 ±30% 的结果写入 JSON / also with each parameter 30 % off (JSON).")
]


def run(kind: str, folder: Path, json_file: Path | None, **options: Any) -> None:
    """Evaluate `folder` with anhu.evaluate.`kind`, show the figures, and write them where asked."""
    with plain_errors():
        module = importlib.import_module(f"anhu.evaluate.{kind}")
        figures = module.evaluate(folder, **options).as_json()
        show(figures)
        if json_file is not None:
            try:
                json_file.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
            except OSError as error:
                raise EvaluationFailed(f"{json_file}: {error.strerror or error}") from error


@app.command(
    help="住宅火灾烟雾记录：比真实光电、离子烟感早多少。 Fires with smoke, beside real alarms.",
    epilog="例 / for example: anhu evaluate smoke data/smoke_nist_home --json smoke.json",
)
def smoke(
    folder: Folder,
    json_file: JsonFile = None,
    sensitivity: Sensitivity = False,
) -> None:
    """Smoke."""
    run("smoke", folder, json_file, sensitivity=sensitivity)


@app.command(
    help="房屋火灾温度记录：点火后多久报警。 House fires by temperature: how long after ignition.",
    epilog="例 / for example: anhu evaluate heat data/heat_fsri_house",
)
def heat(folder: Folder, json_file: JsonFile = None, sensitivity: Sensitivity = False) -> None:
    """Heat."""
    run("heat", folder, json_file, sensitivity=sensitivity)


@app.command(
    help="可燃气体：标准试验和干扰记录。 Combustible gas: the standard's tests, and nuisance recordings.",
    epilog="例 / for example: anhu evaluate gas data/gas_mq_array",
)
def gas(folder: Folder, json_file: JsonFile = None) -> None:
    """Gas."""
    run("gas", folder, json_file)


@app.command(
    help="一氧化碳：标准的浓度—时间表和长期室外记录。 Carbon monoxide: the standards' tables, outdoor records.",
    epilog="例 / for example: anhu evaluate co data/co_airquality_uci",
)
def co(folder: Folder, json_file: JsonFile = None) -> None:
    """Carbon monoxide."""
    run("co", folder, json_file)


@app.command(
    help="跌倒（加速度计）：跌倒与日常活动的记录。 Falls by accelerometer: people who fell, and people who did not.",
    epilog="例 / for example: anhu evaluate fall data/falls_sisfall --wear waist --json fall.json",
)
def fall(
    folder: Folder,
    wear: Annotated[Literal["waist", "wrist", "pocket"], typer.Option(help="佩戴位置 / where it is worn.")] = "waist",
    json_file: JsonFile = None,
) -> None:
    """Falls."""
    run("fall", folder, json_file, wear=wear)


@app.command(
    help="任意数据的异常评分（NAB 基准）。 The anomaly score of any readings, by the Numenta Anomaly Benchmark.",
    epilog="例 / for example: anhu evaluate anomaly data/nab --scores scores.csv",
)
def anomaly(
    folder: Folder,
    scores: Annotated[
        Path | None,
        typer.Option(help="每条读数的评分写入 CSV / write one score a reading as CSV.", show_default=False),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Anomalies."""
    run("anomaly", folder, json_file, scores=scores)


_SHOWN = (
    ("events", "事件", "events"),
    ("detected", "报出", "detected"),
    ("missed", "漏报", "missed"),
    ("recall_ci95", "报出率 95% 区间", "recall, 95 % interval"),
    ("median_lead_vs_photoelectric_s", "比光电早 s", "before photoel. s"),
    ("median_lag_vs_ionisation_s", "比离子晚 s", "after ion. s"),
    ("median_delay_s", "延迟 s", "delay s"),
    ("false_alarms", "误报", "false alarms"),
    ("hours", "安静 h", "quiet h"),
)


def show(figures: dict[str, Any]) -> None:
    """The figures as a table, group by group and in all, and the notes under it."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    chosen = [each for each in _SHOWN if figures[each[0]] is not None]
    shown = Table(figures["kind"], title=text("时间为中位数", "times are medians"))
    for _, zh, en in chosen:
        shown.add_column(text(zh, en), justify="right")
    rows = {**(figures["by_group"] if len(figures["by_group"]) > 1 else {}), text("合计", "all"): figures}
    for name, row in rows.items():
        shown.add_row(name, *(_cell(row[key]) for key, _, _ in chosen))
    console.print(shown)
    for note in figures["notes"]:
        progress(note)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "–".join(f"{each:.3g}" for each in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
