"""`anhu broker …`: how a device reaches the broker."""

import os
from typing import Annotated

import typer

from anhu import runtime
from anhu.commands.ground import DataDir
from anhu.data_folder import DataFolder, default_data_dir
from anhu.errors import AnhuError
from anhu.language import text
from anhu.plain_errors import plain_errors

app = typer.Typer(no_args_is_help=True, help="MQTT 服务。 The MQTT broker.")


class BrokerNotRunning(AnhuError):
    """No embedded broker is running there."""


@app.callback()
def broker() -> None:
    """The MQTT broker."""


@app.command(
    help="打印设备用的 MQTT 地址（含密码）：运行中的自带服务，或 ANHU_DEVICE_MQTT_URL。 "
    "Print the address, password included, with which devices reach the running broker, or ANHU_DEVICE_MQTT_URL.",
    epilog="例 / for example: anhu broker url --demo",
)
def url(
    demo: Annotated[bool, typer.Option("--demo", help="演示的服务 / the demo's broker.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Print one line."""
    with plain_errors():
        if configured := os.environ.get("ANHU_DEVICE_MQTT_URL"):
            typer.echo(configured)
            return
        folder = data_dir or default_data_dir(os.environ)
        folder = folder / "demo" if demo else folder
        services = runtime.attach(DataFolder(folder)) if folder.exists() else None
        if services is None:
            raise BrokerNotRunning(
                text(
                    f"{folder} 中没有正在运行的服务；请先运行 anhu serve（演示用 anhu demo 和 --demo）。",
                    f"no service is running on {folder}; start one with anhu serve (or anhu demo, and name --demo).",
                )
            )
        typer.echo(services.device_mqtt_url)
