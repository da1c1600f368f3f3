"""`anhu broker …`: how a device reaches the broker, and who may publish what there."""

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from anhu import broker_access, runtime
from anhu.broker_access import ADMIN_USER, DEVICE_USER, SALT_BYTES, SERVICE_USER, WITH_PASSWORD, Changes, Login
from anhu.commands.ground import DataDir, progress, services
from anhu.data_folder import PASSWORD_BYTES, DataFolder, default_data_dir
from anhu.errors import AnhuError, BrokerControlFailed
from anhu.language import text
from anhu.plain_errors import plain_errors

app = typer.Typer(no_args_is_help=True, help="MQTT 服务。 The MQTT broker.")


Passwords = Annotated[
    Path | None,
    typer.Option(
        help="把新口令写入新文件（仅本人可读）而不显示 / write new passwords to a new file, for you alone to read, and "
        "print none.",
        show_default=False,
    ),
]


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


@app.command(
    help="使 MQTT 账户与登记一致：每个机构一个网关账户，只能发布本机构的主题。新口令只显示一次。 "
    "Make the broker's accounts those of the registry: one for each institution's gateway, which may publish its own "
    "institution's topics only. New passwords are shown once.",
    epilog="例 / for example: anhu broker sync --passwords gateways.txt --close-shared",
)
def sync(
    passwords: Passwords = None,
    renew: Annotated[
        list[str] | None,
        typer.Option(help="给该机构换新口令，可重复 / a new password for this institution; repeat it."),
    ] = None,
    shared: Annotated[
        bool | None,
        typer.Option(
            "--open-shared/--close-shared",
            help="开放或停用所有设备共用的账户 / open or close the account that all devices may share.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只显示 / show only.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Print what was changed, and each new password once."""
    from anhu.broker_control import Control
    from anhu.gateway_topics import gateway_topics
    from ingest import directory, route_file
    from ingest.database import connect
    from ingest.settings import PipelineSettings

    with plain_errors(), services(data_dir) as around:
        with connect(around.env["ANHU_DATABASE_URL"]) as connection:
            institutions = {each.code: each.name for each in directory.institutions(connection)}
        if not institutions:
            raise BrokerControlFailed(
                text("登记中没有机构，未作任何更改。", "the registry holds no institution; nothing is changed.")
            )
        if unknown := sorted(set(renew or ()) - institutions.keys()):
            raise BrokerControlFailed(text(f"没有机构 {'、'.join(unknown)}", f"no institution {', '.join(unknown)}"))
        topics = gateway_topics(route_file.load(PipelineSettings().routes).rules, institutions)
        with Control(_admin_url(around.env, data_dir)) as control:
            clients, roles = control.listed("clients"), control.listed("roles")
            wanted = broker_access.changes(institutions, clients, roles, topics.of)
            commands = [*wanted.commands, *broker_access.renewals(renew or (), clients)]
            device = next((each for each in clients if each["username"] == DEVICE_USER), None)
            is_open = device is not None and not device.get("disabled", False)
            if device is not None and shared is not None and shared != is_open:
                commands.append({"command": "enableClient" if shared else "disableClient", "username": DEVICE_USER})
                is_open = shared
            if not dry_run and commands:
                drawing = any(each["command"] in WITH_PASSWORD for each in commands)
                with _hand_out(passwords if drawing else None) as hand_out:
                    control.carry_out(commands, lambda: secrets.token_urlsafe(PASSWORD_BYTES), hand_out)
        for each in topics.withheld:
            progress(text(f"这条路由不授予发布权限：{each}", f"no right is given for the route {each}"))
        _tell(wanted, sorted(set(renew or ()) - set(wanted.made)), is_open=is_open, dry_run=dry_run)


@app.command(
    help="为自己的 MQTT 服务建立账户文件：服务、共用设备、管理三个账户，口令只显示一次。 "
    "Make the file of accounts for a broker of your own: the service's, the devices' shared one and the one that may "
    "change accounts. Their passwords are shown once.",
    epilog="例 / for example: anhu broker init mosquitto-data/dynamic-security.json",
)
def init(file: Path, passwords: Passwords = None) -> None:
    """Write the file, never over another one; the shared account begins closed."""
    with plain_errors():
        drawn = {user: secrets.token_urlsafe(PASSWORD_BYTES) for user in (SERVICE_USER, DEVICE_USER, ADMIN_USER)}
        logins = [
            Login(user, password, secrets.token_bytes(SALT_BYTES), disabled=user == DEVICE_USER)
            for user, password in drawn.items()
        ]
        with _hand_out(passwords) as hand_out:
            content = json.dumps(broker_access.document({}, logins), indent=2)
            _write_new(file, content)
            for user, password in drawn.items():
                hand_out(user, password)


def _admin_url(env: Mapping[str, str], data_dir: Path | None) -> str:
    from ingest.settings import Connections

    configured = Connections()
    if configured.admin_mqtt_url is not None:
        return configured.admin_mqtt_url.get_secret_value()
    embedded = configured.mqtt_url is None
    running = runtime.attach(DataFolder(data_dir or default_data_dir(env))) if embedded else None
    if running is None or not running.admin_mqtt_url:
        raise BrokerControlFailed(
            text(
                "请设置 ANHU_ADMIN_MQTT_URL：可修改账户的 MQTT 地址。自带的 MQTT 服务若由旧版本启动，请先重启。",
                "Set ANHU_ADMIN_MQTT_URL, the address of an account that may change accounts. An embedded broker that "
                "an earlier version started must be restarted first.",
            )
        )
    return running.admin_mqtt_url


@contextmanager
def _hand_out(file: Path | None) -> Iterator[Callable[[str, str], None]]:
    """Who is given accounts and passwords: standard output, or a new file, made before anything is changed."""
    if file is None:
        yield lambda user, password: typer.echo(f"{user}\t{password}")
        return
    _write_new(file, "")
    with file.open("a", encoding="utf-8") as opened:

        def write(user: str, password: str) -> None:
            opened.write(f"{user}\t{password}\n")
            opened.flush()

        yield write


def _write_new(file: Path, content: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BrokerControlFailed(f"{file}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(content)


def _tell(wanted: Changes, renewed: Sequence[str], *, is_open: bool, dry_run: bool) -> None:
    for zh, en, codes in (
        ("新建", "made", wanted.made),
        ("更改", "changed", wanted.changed),
        ("删除", "removed", wanted.removed),
        ("换新口令", "given a new password", renewed),
    ):
        if codes:
            progress(text(f"{zh}：{'、'.join(codes)}", f"{en}: {', '.join(codes)}"))
    if not (wanted.made or wanted.changed or wanted.removed or renewed):
        progress(text("各机构的账户已与登记一致。", "The institutions' accounts are those of the registry."))
    if dry_run:
        progress(text("只显示，未更改。", "Shown only; nothing is changed."))
    if is_open:
        progress(
            text(
                f"注意：共用账户 {DEVICE_USER} 仍可发布任何机构的主题；设备改用机构账户后，请加 --close-shared 停用。",
                f"Note: the shared account {DEVICE_USER} may still publish for every institution. Once all devices use "
                "their institution's account, close it with --close-shared.",
            )
        )
