"""`anhu evaluate KIND DIR`: recordings through the engine, and how well it did."""

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer
from rich.console import Console
from rich.table import Table

from alerting.errors import RulesInvalid
from alerting.rules import parse
from anhu.commands.ground import progress
from anhu.commands.versioned_file import read
from anhu.errors import EvaluationFailed
from anhu.language import text
from anhu.plain_errors import plain_errors

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
        conclude(module.evaluate(folder, **options).as_json(), json_file)


def conclude(figures: dict[str, Any], json_file: Path | None) -> None:
    """Show the figures, and write them where asked. Raises EvaluationFailed."""
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


@app.command(
    help="模拟机构连续运行多日（火、阴燃、燃气、一氧化碳、跌倒、干扰、丢包，均有真值）：报出率、延迟、每设备年误报。 "
    "Days of simulated institutions (fires, smouldering, gas, CO, falls, nuisance, radio loss, all with ground truth): "
    "recall, delay, false alarms per device-year.",
    epilog="例 / for example: anhu evaluate sim --days 30 --institutions 50 --json sim.json",
)
def sim(
    days: Annotated[int, typer.Option(min=1, max=366, help="天数 / how many days.")] = 3,
    institutions: Annotated[int, typer.Option(min=1, max=2000, help="机构数 / how many institutions.")] = 10,
    devices_per: Annotated[int, typer.Option(min=1, max=500, help="每个机构的设备数 / devices in each.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="随机种子，同一种子同一结果 / the same seed, the same figures.")] = 7,
    interval_s: Annotated[
        int, typer.Option(min=10, max=3600, help="设备心跳间隔秒数 / seconds between a device's heartbeats.")
    ] = 60,
    burst_s: Annotated[
        float, typer.Option(min=1, max=3600, help="无线中断的平均秒数 / mean length of a radio's bad times, s.")
    ] = 30.0,
    bad_percent: Annotated[
        float, typer.Option(min=0, max=50, help="无线处于中断的时间百分比 / per cent of the time it is bad.")
    ] = 1.0,
    rules_file: Annotated[
        Path | None,
        typer.Option("--rules", help="规则文件，不给则用自带规则 / a rules file; those that ship.", show_default=False),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Simulated days."""
    with plain_errors():
        from anhu.evaluate.sim import evaluate
        from simulators.physics.radio import Channel

        chosen = None if rules_file is None else parse(read(rules_file, RulesInvalid))
        channel = Channel(bad_share=bad_percent / 100, burst_s=burst_s)
        progress(text("正在模拟……", "simulating…"))
        figures = evaluate(
            days=days, institutions=institutions, devices_per=devices_per, seed=seed, interval_s=interval_s,
            channel=channel, rules=chosen,
        ).as_json()  # fmt: skip
        conclude(figures, json_file)
        show_false_alarms(figures)


def show_false_alarms(figures: dict[str, Any]) -> None:
    """The false alarms of simulated days, by the kind of alert, and what they came from."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    shown = Table(text("误报", "false alarms"), title=text("每设备年", "per device-year"))
    for zh, en in (("次数", "count"), ("每设备年", "per device-year"), ("立即呼叫人", "calling at once")):
        shown.add_column(text(zh, en), justify="right")
    for kind, row in figures["false_alarms_by_kind"].items():
        shown.add_row(kind, *(_cell(row[key]) for key in ("count", "per_device_year", "calling_at_once")))
    total = figures["false_alarms"], figures["false_alarms_per_device_year"]
    shown.add_row(text("合计", "all"), *map(_cell, total), _cell(sum(
        row["calling_at_once"] for row in figures["false_alarms_by_kind"].values()
    )))  # fmt: skip
    console.print(shown)
    for cause, count in figures["false_alarms_by_cause"].items():
        progress(f"{count:>6}  {cause}")


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
