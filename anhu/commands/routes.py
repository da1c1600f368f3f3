"""`anhu routes …`: which topics are read, and what becomes of a message."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from anhu.commands.ground import progress
from anhu.errors import AnhuError
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest import route_file, trial
from ingest.message import Limits, Message
from ingest.reading import from_us
from ingest.route_file import FILE_BYTES_MAX
from ingest.routes import Routes
from ingest.settings import PipelineSettings

app = typer.Typer(
    no_args_is_help=True,
    help="主题路由：网关的消息是什么格式、属于哪个机构和设备。 "
    "Topic routes: which format a gateway's messages are in, and of which institution and device.",
)

_EXAMPLES: Final = (
    "例 / for example:\n\n"
    'anhu routes try anhu/v1/home-1/smoke-1/readings \'{"values": {"smoke_alarm": 1}}\'\n\n'
    "anhu routes try 'zigbee2mqtt/厨房 烟感' '{\"smoke\": true}' --routes routes.toml\n\n"
    "anhu routes try spBv1.0/home-1/NDATA/gateway-1 @message.bin --routes routes.toml\n\n"
    "anhu routes try anhu/v1/home-1/senml --hex 5b7b226e223a…"
)


class PayloadUnreadable(AnhuError):
    """The payload cannot be read."""


@app.command(
    "try",
    help="试一条消息：走哪条路由、读出什么、什么被拒绝、为什么。什么都没读出时退出码为 1。 "
    "Try a message: its route, what is read from it, what is refused and why. Exit code 1 where nothing is read.",
    epilog=_EXAMPLES,
)
def try_message(
    topic: Annotated[str, typer.Argument(help="主题 / the topic.")],
    payload: Annotated[str, typer.Argument(help="内容；@文件 表示取自文件 / the payload, or @FILE to read it from.")],
    routes: Annotated[
        Path | None,
        typer.Option(help="路由文件，默认服务所用的 / the routes file, by default the service's.", show_default=False),
    ] = None,
    as_hex: Annotated[bool, typer.Option("--hex", help="内容是十六进制 / the payload is hexadecimal.")] = False,
    retained: Annotated[
        bool, typer.Option("--retained", help="作为保留消息 / as a message that the broker has kept.")
    ] = False,
) -> None:
    """Say what the pipeline would make of the message, had it come now."""
    with plain_errors():
        settings = PipelineSettings()
        known = route_file.load(routes or settings.routes)
        message = Message(topic, _bytes(payload, as_hex), time.time_ns() // 1000, retained=retained)
        future_us, age_us = int(settings.future_s_max * 1e6), int(settings.age_days_max * 86_400e6)
        found = trial.attempt(message, known, Limits(settings.payload_bytes_max, future_us, age_us))
    _show(found, known)
    raise typer.Exit(0 if found.readings or found.samples else 1)


@app.command(
    help="检查路由文件，列出路由和向 MQTT 订阅的主题。 "
    "Check a routes file; list the routes, and what is subscribed at the broker.",
    epilog="例 / for example: anhu routes check routes.toml",
)
def check(file: Path) -> None:
    """Say every error in `file` with its line, or what it comes to."""
    with plain_errors():
        found = route_file.load(file)
    table = Table(text("主题", "topic"), text("格式", "format"), text("机构", "institution"), text("名称", "names"))
    for rule in found.rules:
        names = ", ".join(f"{name} → {quantity or '–'}" for name, quantity in rule.names.items())
        table.add_row(str(rule.filter), rule.format, rule.institution, names)
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    console.print(text("订阅", "subscribed") + ": " + "  ".join(found.subscriptions), markup=False)
    progress(text("没有错误", "no errors"))


def _bytes(payload: str, as_hex: bool) -> bytes:
    """Raises PayloadUnreadable."""
    try:
        if not payload.startswith("@"):
            return bytes.fromhex(payload) if as_hex else payload.encode()
        path = Path(payload[1:])
        if path.stat().st_size > FILE_BYTES_MAX:
            raise PayloadUnreadable(text(f"{path} 过大", f"{path} is too large"))
        content = path.read_bytes()
        return bytes.fromhex(content.decode("ascii")) if as_hex else content
    except (OSError, ValueError) as error:
        raise PayloadUnreadable(f"{payload[:80]}: {error}") from error


def _show(found: trial.Trial, known: Routes) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if found.route is None:
        told = ", ".join(str(rule.filter) for rule in known.rules)
        console.print(
            text(f"没有适用的路由。现有：{told}", f"No route is for this topic. There are: {told}"), markup=False
        )
    else:
        format_, institution, device = found.route.format, found.route.institution, found.route.device or "–"
        console.print(
            text(
                f"格式 {format_}，机构 {institution or '–'}，设备 {device}",
                f"format {format_}, institution {institution or '–'}, device {device}",
            ),
            markup=False,
        )
    if found.readings:
        table = Table(
            text("设备", "device"), text("量", "quantity"), text("值", "value"), text("测量时间", "measured at"), ""
        )
        for each in found.readings:
            value = f"{each.value:g} {each.unit.removeprefix('1')}".strip()
            doubtful = "" if each.good else text("超出量程，不判断", "beyond what a sensor can say, not judged")
            at = from_us(each.measured_at_us).isoformat(timespec="milliseconds")
            table.add_row(each.device, each.quantity, value, at, doubtful)
        console.print(table)
    if found.samples:
        told = text(f"{found.samples} 个加速度样本", f"{found.samples} samples of acceleration")
        console.print(told, markup=False)
    for letter in found.refused:
        console.print(f"{text('拒绝', 'refused')} {letter.reason}: {letter.detail}", markup=False)
    if not (found.readings or found.samples or found.refused):
        console.print(text("消息里没有读数", "the message holds no reading"), markup=False)
