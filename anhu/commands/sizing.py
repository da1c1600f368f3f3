"""`anhu sizing`: how large a machine a fleet needs, before there is one."""

from typing import Annotated, Final

import typer

from anhu.language import text
from anhu.plain_errors import plain_errors
from anhu.sizing import Fleet, Need, need
from ingest.settings import StorageSettings

_STEPS: Final = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))


def command(
    institutions: Annotated[int, typer.Option(min=1, max=1_000_000, help="机构数 / how many institutions.")] = 1,
    devices: Annotated[int, typer.Option(min=1, max=100_000, help="每个机构的设备数 / devices of each.")] = 60,
    interval_s: Annotated[
        float, typer.Option(min=0.1, max=86_400, help="每台设备几秒报一次 / seconds between a device's messages.")
    ] = 60.0,
    readings: Annotated[int, typer.Option(min=1, max=100, help="每条消息的读数个数 / readings in a message.")] = 3,
) -> None:
    """Print rates, processors, memory, disk and network."""
    with plain_errors():
        storage = StorageSettings()
    fleet = Fleet(institutions, devices, interval_s, readings)
    for name, value in lines(fleet, need(fleet, storage), storage):
        typer.echo(f"{name}  {value}")


def lines(fleet: Fleet, found: Need, storage: StorageSettings) -> list[tuple[str, str]]:
    """What is told, a name and a value each."""
    days = f"{storage.raw_days:g}"
    return [
        (text("设备", "devices"), f"{fleet.devices:,}"),
        (text("消息/秒", "messages/s"), f"{found.messages_per_s:,.1f}"),
        (text("读数/秒", "readings/s"), f"{found.readings_per_s:,.1f}"),
        (text("处理器核数", "cores"), str(found.cores)),
        (text("内存（另加数据库缓存）", "memory, beside the database's cache"), told_size(found.memory_bytes)),
        (text("网络", "network"), f"{found.wire_bytes_per_s * 8 / 1e6:,.2f} Mbit/s"),
        (text("磁盘：未压缩的日期", "disk: open days"), told_size(found.open_bytes)),
        (text("磁盘：分钟汇总", "disk: minutes"), told_size(found.minutes_bytes)),
        (text(f"磁盘：压缩的读数（{days} 天）", f"disk: packed readings ({days} days)"), told_size(found.packed_bytes)),
        (text("磁盘：小时汇总，每年", "disk: hours, a year of them"), told_size(found.hours_bytes_per_year)),
        (text("磁盘合计（一年后）", "disk, all of it after a year"), told_size(found.disk_bytes)),
    ]


def told_size(count: float) -> str:
    """Bytes in powers of ten, as disks are sold.

    >>> told_size(25_400_000), told_size(3.81e12)
    ('25.4 MB', '3.8 TB')
    """
    step, unit = next((each for each in _STEPS if count >= each[0]), _STEPS[-1])
    return f"{count / step:.1f} {unit}"
