"""`anhu panel …`: fire panels that speak GB/T 26875.3: how they are, what is asked of them, and one that is played."""

import csv
import io
import time
from datetime import UTC, datetime
from enum import StrEnum
from getpass import getuser
from typing import Annotated, Final

import typer

from alerting import store as alerting_store
from alerting.hours import CHINA
from alerting.rules import parse
from anhu.commands.ground import DataDir, database, progress
from anhu.errors import AnhuError
from anhu.language import text
from anhu.plain_errors import plain_errors
from anhu.stop_signals import stop_on_signals
from ingest import panel_store, store
from ingest.database import connect
from ingest.formats.gb26875 import DUTY_CHECK, SET_CLOCK, Said, decode_unit, duty_unit, read_unit
from ingest.formats.gb26875_frame import clock_us
from ingest.formats.gb26875_names import ANALOGS, STATES, component_name, system_name
from ingest.panel_report import ALARM_QUANTITIES, UTC_OFFSET_S
from ingest.panel_store import Outcome
from ingest.reading import from_us
from ingest.registry import PANEL_PREFIX
from ingest.registry_file import CSV_COLUMNS

app = typer.Typer(
    no_args_is_help=True,
    help="火灾报警主机（GB/T 26875.3 用户信息传输装置）。 Fire panels: transmission devices of GB/T 26875.3.",
)

LOOK_S: Final = 0.3
ANSWER_S_MAX: Final = 50.0  # ten seconds four times, and some to be taken up
DUTY_LOOK_S: Final = 1.0

Address = Annotated[str, typer.Argument(help="地址，12 位十六进制 / the device's address, 12 hex digits.")]


class What(StrEnum):
    """What can be read (the standard's types 61 to 68 and 81 to 88)."""

    SYSTEM_STATE = "system-state"
    COMPONENT_STATE = "component-state"
    ANALOG = "analog"
    OPERATIONS = "operations"
    VERSION = "version"
    CONFIGURATION = "configuration"
    COMPONENT_CONFIGURATION = "component-configuration"
    SYSTEM_TIME = "system-time"
    DEVICE_STATE = "device-state"
    DEVICE_OPERATIONS = "device-operations"
    DEVICE_VERSION = "device-version"
    DEVICE_CONFIGURATION = "device-configuration"
    DEVICE_TIME = "device-time"


_KINDS: Final = {"smoke_alarm": "smoke", "heat_alarm": "heat", "gas_alarm": "gas"}
_TYPES: Final = dict(zip(What, (61, 62, 63, 64, 65, 66, 67, 68, 81, 84, 85, 86, 88), strict=True))


class PanelRefuses(AnhuError):
    """The fire panel was not asked, or has not done what it was asked."""


@app.command(
    "list",
    help="列出已登记的用户信息传输装置：最近心跳、时钟差、最近被否认的帧。 "
    "List registered transmission devices: when last heard, how wrong their clocks are, what was denied.",
    epilog="例 / for example: anhu panel list",
)
def show(data_dir: DataDir = None) -> None:
    """One line for each."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        for panel in panel_store.panel_states(connection):
            heard = text("从未连接", "never heard") if panel.heard_at is None else _ago(panel.heard_at)
            ahead = "-" if panel.clock_ahead_s is None else f"{panel.clock_ahead_s:+.0f} s"
            denied = "" if panel.denied_at is None else f"\t{panel.denied_for} ({_ago(panel.denied_at)})"
            typer.echo(f"{panel.address}\t{panel.institution}/{panel.device}\t{panel.name}\t{heard}\t{ahead}{denied}")
        loaded = alerting_store.load_rules(connection)
        if loaded is not None and not any(rule.quantity == "fire_alarm" for rule in parse(loaded[0]).rules):
            progress(text("现行规则没有 fire_alarm 一条：未登记部件的火警不会报警。请装入新规则（anhu rules load）。",
                          "no rule in force is for fire_alarm: a fire of what is not registered raises nothing. "
                          "Load newer rules (anhu rules load)."))  # fmt: skip


@app.command(
    help="列出一台装置最近说过的话。 What a transmission device said of late.",
    epilog="例 / for example: anhu panel log 790300000000 --count 50",
)
def log(
    address: Address,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="条数 / how many.")] = 20,
    data_dir: DataDir = None,
) -> None:
    """One line for each object, the newest first."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        for received_at, said in panel_store.panel_log(connection, _bare(address), count):
            typer.echo(f"{received_at.astimezone(CHINA).isoformat(timespec='seconds')}\t{_line(said)}")


@app.command(
    help="把主机报过而未登记的部件写成登记表（CSV），补上房间后即可导入。 "
    "Write what the panel has named and nobody has registered as a registry file (CSV): put in the rooms, import it.",
    epilog="例 / for example: anhu panel draft 790300000000 > new.csv",
)
def draft(address: Address, data_dir: DataDir = None) -> None:
    """A line for each component, in the panel's own room."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        registry = store.load_registry(connection)
        panel = registry.on_panel(_bare(address))
        if panel is None:
            raise PanelRefuses(_unregistered(address))
        institution, zone = registry.institutions[panel.institution_id], registry.zones[panel.zone_id]
        written = io.StringIO()
        rows = csv.DictWriter(written, CSV_COLUMNS, lineterminator="\n")
        rows.writeheader()
        for said in panel_store.unregistered_components(connection, _bare(address)):
            quantities = ALARM_QUANTITIES.get(said.component_type or 0, ("fire_alarm",))[:1]
            loop, number = said.place.split(".")[2:]
            rows.writerow({
                "institution": institution.code, "institution_name": institution.name,
                "institution_name_en": institution.name_en, "institution_kind": institution.kind,
                "region": institution.region, "zone": zone.code, "zone_name": zone.name,
                "zone_name_en": zone.name_en, "zone_kind": zone.kind, "floor": zone.floor,
                "device": f"{panel.code}-{loop}-{number}"[-64:],
                "device_name": said.description or component_name(said.component_type or 0).zh,
                "device_kind": _KINDS.get(quantities[0], "multi"), "report_interval_s": 86_400,
                "quantities": ";".join((*quantities, "fault")), "address": f"{panel.address}/{said.place}",
            })  # fmt: skip
    typer.echo(written.getvalue(), nl=False)


@app.command(
    help="读取主机或部件的状态、模拟量、版本等。 Read states, values and versions of a panel and what is behind it.",
    epilog="例 / for example: anhu panel read 790300000000 component-state 1.1.2.10",
)
def read(
    address: Address,
    what: What,
    place: Annotated[
        str,
        typer.Argument(
            help="系统 1.1，或部件 1.1.2.10 / a system as 1.1, a component as 1.1.2.10.", show_default=False
        ),
    ] = "",
    count: Annotated[int, typer.Option(min=1, max=102, help="操作记录条数 / how many operations.")] = 10,
    since: Annotated[
        datetime | None, typer.Option(help="操作记录起始时间（北京时间） / operations since, China time.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Ask, wait for the answer, print it."""
    with plain_errors():
        since = since or datetime(2000, 1, 1)  # noqa: DTZ001 - by the panel's clock, which knows no zone
        begin = bytes((since.second, since.minute, since.hour, since.day, since.month, since.year % 100))
        try:
            unit = read_unit(_TYPES[what], place, count=count, since=begin)
        except ValueError as error:
            raise PanelRefuses(text(f"位置不对：{error}", f"that is no place to read this from: {error}")) from error
        with database(data_dir) as url:
            outcome = _ask(url, address, _TYPES[what], unit)
        decoded = decode_unit(outcome.answer)
        for said in decoded.objects:
            typer.echo(_line(said))
        if decoded.problem:
            raise PanelRefuses(f"{outcome.answer.hex()}: {decoded.problem}")


@app.command(
    help="校时：把用户信息传输装置的时钟设为现在。 Set a transmission device's clock to now.",
    epilog="例 / for example: anhu panel clock 790300000000",
)
def clock(address: Address, data_dir: DataDir = None) -> None:
    """Set the clock and say so."""
    with plain_errors(), database(data_dir) as url:
        _ask(url, address, SET_CLOCK, b"")
        progress(text("已校时", "the clock is set"))


@app.command(
    help="查岗：值班人员须在限定时间内应答。 A duty check: whoever is on duty at the panel must answer in time.",
    epilog="例 / for example: anhu panel duty 790300000000 --minutes 10",
)
def duty(
    address: Address,
    minutes: Annotated[int, typer.Option(min=1, max=255, help="限定分钟 / minutes to answer in.")] = 10,
    data_dir: DataDir = None,
) -> None:
    """Call, then wait for the person; exit code 1 when nobody answers."""
    with plain_errors(), database(data_dir) as url:
        since = _ask(url, address, DUTY_CHECK, duty_unit(minutes)).asked_at or datetime.now(UTC)
        progress(text(f"查岗已下达，等待应答（{minutes} 分钟）", f"called; waiting {minutes} min for the answer"))
        until_s = time.monotonic() + minutes * 60
        while time.monotonic() < until_s:
            with connect(url) as connection:
                answered = panel_store.duty_answered(connection, _bare(address), since)
            if answered is not None:
                took_s = (answered - since).total_seconds()
                typer.echo(text(f"已应答，用时 {took_s:.0f} 秒", f"answered after {took_s:.0f} s"))
                return
            time.sleep(DUTY_LOOK_S)
        raise PanelRefuses(text("无人应答", "nobody has answered"))


@app.command(
    help="模拟一台火灾报警主机（用户信息传输装置）：心跳，一段时间后烟感报警。 "
    "Play a fire panel: heartbeats, and after a while the alarm of a smoke detector.",
    epilog="例 / for example: anhu panel simulate 790300000000 --port 5200 --alarm-after-s 30",
)
def simulate(
    address: Address,
    port: Annotated[int, typer.Option(min=1, max=65535, help="服务的端口（ANHU_PANEL_PORT） / the service's port.")],
    host: Annotated[str, typer.Option(help="服务的地址 / where the service is.")] = "127.0.0.1",
    alarm_after_s: Annotated[
        float | None,
        typer.Option(min=0, help="多少秒后报警，不给则只有心跳 / seconds to the alarm; none unless given."),
    ] = None,
    loop: Annotated[int, typer.Option(min=0, max=65535, help="回路 / the detector's loop.")] = 2,
    number: Annotated[int, typer.Option(min=0, max=65535, help="编号 / the detector's number.")] = 10,
    description: Annotated[str, typer.Option(help="部件说明 / what the panel calls it.")] = "三层东侧走廊",
    ahead_s: Annotated[float, typer.Option(help="时钟快多少秒 / how far its clock is ahead, in seconds.")] = 0.0,
) -> None:
    """Connect and report until SIGINT."""
    from simulators import panel as panels

    with plain_errors():
        address = _bare(address)
        if not _is_address(address):
            raise PanelRefuses(text(f"地址应为 12 位十六进制：{address}", f"an address has 12 hex digits: {address}"))
        stop = stop_on_signals()
        try:
            panels.run(
                panels.Panel(host, port, address, ahead_s=ahead_s), stop,
                alarm_after_s=alarm_after_s, loop=loop, number=number, description=description,
            )  # fmt: skip
        except OSError as error:
            raise PanelRefuses(f"{host}:{port}: {error}") from error


def _bare(address: str) -> str:
    """The address as the wire has it, however it was written."""
    return address.strip().lower().removeprefix(PANEL_PREFIX)


def _is_address(address: str) -> bool:
    try:
        return len(bytes.fromhex(address)) == 6 and len(address) == 12
    except ValueError:
        return False


def _ask(url: str, address: str, type_flag: int, unit: bytes) -> Outcome:
    """Have it asked, and wait. Raises PanelRefuses unless the panel does as it is told."""
    address = _bare(address)
    with connect(url) as connection:
        known = {panel.address for panel in panel_store.panel_states(connection)}
        if address not in known:
            raise PanelRefuses(_unregistered(address))
        number = panel_store.ask_panel(connection, address, type_flag, unit, f"cli:{getuser()}")
    if number is None:
        raise PanelRefuses(text("待发命令过多：服务是否设置了 ANHU_PANEL_PORT 并在运行？",
                                "too many commands wait: does the service run, and with ANHU_PANEL_PORT?"))  # fmt: skip
    until_s = time.monotonic() + ANSWER_S_MAX
    while time.monotonic() < until_s:
        with connect(url) as connection:
            outcome = panel_store.command_outcome(connection, number)
        if outcome.outcome in {"confirmed", "answered"}:
            return outcome
        if outcome.outcome:
            raise PanelRefuses(_refusal(outcome.outcome))
        time.sleep(LOOK_S)
    raise PanelRefuses(text("命令没有被取走：服务是否设置了 ANHU_PANEL_PORT 并在运行？",
                            "nobody has sent it: does the service run, and with ANHU_PANEL_PORT?"))  # fmt: skip


def _unregistered(address: str) -> str:
    return text(f"没有登记地址为 {address} 的装置", f"no device is registered with {address}")


def _refusal(outcome: str) -> str:
    return {
        "denied": text("装置否认了该命令", "the device has denied it"),
        "unanswered": text("装置没有应答（已重发三次）", "the device does not answer (sent four times)"),
        "away": text("装置未连接", "the device is not connected"),
    }[outcome]


def _ago(moment: datetime) -> str:
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for size, zh, en in ((86_400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= size:
            return text(f"{seconds // size} {zh}前", f"{seconds // size} {en} ago")
    return text(f"{seconds} 秒前", f"{seconds} s ago")


def _line(said: Said) -> str:
    """One object of an answer, in words."""
    parts = [said.place] if said.place else []
    if said.component_type is not None:
        parts.append(text(*component_name(said.component_type)))
    elif said.place:
        parts.append(text(*system_name(int(said.place.split(".")[0]))))
    if said.analog is not None and said.value is not None:
        kind = ANALOGS.get(said.analog)
        parts.append(f"{text(*kind.name)} {said.value:g} {kind.unit}" if kind else f"{said.analog}: {said.value:g}")
    parts += [text(*STATES[state]) for state in said.states]
    if said.description:
        parts.append(said.description)
    if said.time and (at_us := clock_us(said.time, UTC_OFFSET_S)) is not None:
        parts.append(from_us(at_us).astimezone(CHINA).isoformat())
    return "\t".join(parts)
