"""`anhu simulate` and `anhu replay`: institutions without hardware."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from anhu.commands.ground import DataDir, progress, services
from anhu.commands.migrate import bring_up_to_date
from anhu.language import text
from anhu.plain_errors import plain_errors
from anhu.stop_signals import stop_on_signals
from ingest import store
from ingest.database import connect
from ingest.registry_file import parse
from simulators import commands
from simulators import fleet as fleets
from simulators.schedule import Progress
from simulators.worn import Activity

replay = typer.Typer(no_args_is_help=True, help="重放真实记录。 Play real recordings.")

Speed = Annotated[float, typer.Option(min=0.1, max=1000, help="倍速 / times real speed.")]
Seed = Annotated[int, typer.Option(min=0, help="随机种子，同一种子同一过程 / the same seed plays the same.")]
TruthFile = Annotated[
    Path | None,
    typer.Option(help="把真实发生的事件写成 JSON 行 / write what really happened as JSON lines.", show_default=False),
]
REPORT_EVERY_S = 10.0


def import_text(database_url: str, registry_toml: str) -> None:
    """Import a registry that one of the simulators made."""
    with connect(database_url) as connection:
        store.import_registry(connection, parse(registry_toml, suffix=".toml"))


@replay.callback()
def recordings() -> None:
    """The kinds of recordings."""


def command(
    institutions: Annotated[int, typer.Option(min=1, max=2000, help="机构数 / how many institutions.")] = 20,
    devices_per: Annotated[int, typer.Option(min=1, max=500, help="每个机构的设备数 / devices in each.")] = 100,
    seed: Seed = 7,
    speed: Speed = 1.0,
    duration_s: Annotated[
        float | None,
        typer.Option(
            min=1, help="运行秒数，不给则一直运行 / seconds to run; for ever unless given.", show_default=False
        ),
    ] = None,
    incidents_per_hour: Annotated[float, typer.Option(min=0, help="每小时事件数 / incidents an hour.")] = 15.0,
    truth_file: TruthFile = None,
    data_dir: DataDir = None,
) -> None:
    """Register the fleet, then play it."""
    with plain_errors(), services(data_dir) as around:
        _register(around.env["ANHU_DATABASE_URL"], fleets.build(institutions, devices_per, seed).registry_toml())
        outcome = commands.simulate(
            around.env.get("ANHU_DEVICE_MQTT_URL") or around.env["ANHU_MQTT_URL"],
            institutions=institutions, devices_per=devices_per, seed=seed, speed=speed, duration_s=duration_s,
            incidents_per_hour=incidents_per_hour, truth_file=truth_file, stop=stop_on_signals(),
            on_progress=_reporter(),
        )  # fmt: skip
        _conclude(outcome)


@replay.command(
    help="把一次真实的住宅火灾（NIST 记录：光学密度、温度、一氧化碳）经 MQTT 重放；不给文件则用自带记录。 "
    "Play a recorded home fire (NIST: optical density, temperature, CO) over MQTT; the bundled one by default.",
    epilog="例 / for example: anhu replay smoke NIST_Smoke_Alarms_SDC02.csv --speed 1",
)
def smoke(
    path: Annotated[Path | None, typer.Argument(help="NIST CSV 文件 / a NIST CSV file.", show_default=False)] = None,
    institution: Annotated[str, typer.Option(help="机构代码 / code of the institution.")] = "replay-home",
    speed: Speed = 1.0,
    baseline_s: Annotated[
        float, typer.Option(min=0, max=7200, help="点火前的安静秒数 / quiet seconds before ignition.")
    ] = 60.0,
    seed: Seed = 7,
    truth_file: TruthFile = None,
    data_dir: DataDir = None,
) -> None:
    """Register the home, then play the fire in it."""
    with plain_errors(), services(data_dir) as around:
        recording = commands.replay_recording(path)
        for note in recording.notes:
            progress(f"{note.column}: {note.reason}")
        _register(around.env["ANHU_DATABASE_URL"], commands.replay_registry_toml(recording, institution))
        outcome = commands.replay_smoke(
            around.env.get("ANHU_DEVICE_MQTT_URL") or around.env["ANHU_MQTT_URL"],
            path, institution=institution, speed=speed, baseline_s=baseline_s, seed=seed, truth_file=truth_file,
            stop=stop_on_signals(), on_progress=_reporter(),
        )  # fmt: skip
        _conclude(outcome)


@replay.command(
    help="把真人佩戴记录（.npz，每人一个文件）作为加速度窗口经 MQTT 实时重放：有人跌倒，服务应报警。 "
    "Play recorded trials of a person (.npz, one file a person) over MQTT as windows of acceleration, in real time.",
    epilog="例 / for example: anhu replay fall data/falls_sisfall --wear waist --person SA01 --activity F01",
)
def fall(
    path: Annotated[Path, typer.Argument(metavar="DIR", help="记录所在目录 / the folder with the recordings.")],
    wear: Annotated[Literal["waist", "wrist", "pocket"], typer.Option(help="佩戴位置 / where it was worn.")],
    person: Annotated[str, typer.Option(help="谁，不给则第一位 / whose; the first person's unless given.")] = "",
    activity: Annotated[str, typer.Option(help="动作代码，不给则全部 / code of what was done; all unless given.")] = "",
    count: Annotated[int, typer.Option(min=1, help="最多几段 / how many trials at most.")] = 10,
    institution: Annotated[str, typer.Option(help="机构代码 / code of the institution.")] = "replay-worn",
    truth_file: TruthFile = None,
    data_dir: DataDir = None,
) -> None:
    """Register the wearer, then play the trials."""
    from anhu.errors import RecordingUnreadable
    from anhu.evaluate.fall_recording import trials

    with plain_errors():
        recorded = trials(path)
        whose = person or recorded[0].person
        chosen = [each for each in recorded if each.person == whose and activity in {"", each.code}][:count]
        if not chosen:
            raise RecordingUnreadable(f"{path}: {whose} {activity}".rstrip() + ": no such trial")
        with services(data_dir) as around:
            _register(around.env["ANHU_DATABASE_URL"], commands.worn_registry_toml(wear, institution))
            outcome = commands.replay_worn(
                around.env.get("ANHU_DEVICE_MQTT_URL") or around.env["ANHU_MQTT_URL"],
                [Activity(each.code, each.rate_hz, each.range_g, each.acceleration, each.impact_s) for each in chosen],
                institution=institution, truth_file=truth_file, stop=stop_on_signals(), on_progress=_reporter(),
            )  # fmt: skip
            _conclude(outcome)


def _register(database_url: str, registry_toml: str) -> None:
    bring_up_to_date(database_url)
    import_text(database_url, registry_toml)
    progress(text("设备已登记，开始上报；Ctrl-C 结束", "devices registered, reporting begins; Ctrl-C ends it"))


def _reporter() -> Callable[[Progress], None]:
    said_s = time.monotonic()

    def report(now: Progress) -> None:
        nonlocal said_s
        if time.monotonic() - said_s >= REPORT_EVERY_S:
            said_s = time.monotonic()
            progress(text(f"已发送 {now.sent} 条消息", f"{now.sent} messages sent"))

    return report


def _conclude(outcome: commands.Outcome) -> None:
    counts = outcome.counts
    progress(text(f"已发送 {counts.published} 条，服务器已确认 {counts.acknowledged} 条",
                  f"{counts.published} messages sent, {counts.acknowledged} acknowledged by the broker"))  # fmt: skip
