"""`anhu demo`: the whole service with simulated institutions, and a recorded fire after a minute."""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from anhu import demo_house, demo_people
from anhu import serve as service
from anhu.commands.ground import DataDir, progress, services
from anhu.commands.migrate import bring_up_to_date
from anhu.commands.simulate import import_text
from anhu.data_folder import default_data_dir
from anhu.demo_phones import NETWORK, Phones
from anhu.errors import AnhuError
from anhu.language import text
from anhu.plain_errors import console, plain_errors
from anhu.roles import check_settings
from dashboard import auth
from dashboard.settings import DashboardSettings
from ingest import directory
from ingest.database import connect
from simulators import commands as simulators

ROLES = ("pipeline", "notifier", "dashboard", "watch", "drills", "hazards", "simulator")


class DatabaseNotOurs(AnhuError):
    """The configured database holds institutions that are not the demo's; it is left alone."""


def command(
    institutions: Annotated[int, typer.Option(min=1, max=500, help="机构数 / how many institutions.")] = 20,
    devices_per: Annotated[int, typer.Option(min=10, max=500, help="每个机构的设备数 / devices in each.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="随机种子 / the random seed.")] = 7,
    fire_after_s: Annotated[float, typer.Option(min=0, help="多少秒后起火 / seconds until the fire.")] = 60.0,
    keep: Annotated[bool, typer.Option("--keep", help="保留上次演示的数据 / keep the data of the last demo.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring everything up, print the address and the sign-in, and serve until Ctrl-C."""
    base = data_dir or default_data_dir(os.environ)
    folder = base / "demo"
    with plain_errors():
        check_settings()
        if not keep:
            _empty(folder)
        with services(folder, reuse=False, packages_dir=base / "runtime") as around, Phones(_show, _now) as phones:
            url = around.env["ANHU_DATABASE_URL"]
            bring_up_to_date(url)
            _refuse_foreign(url)
            progress(text("正在登记模拟机构和演示人员……", "registering the simulated institutions and their people …"))
            import_text(url, simulators.demo_fleet(institutions, devices_per, seed).registry_toml())
            password = _sign_in(url)
            told = _people(url, phones)
            env = {
                **_phone_settings(around.env),
                "ANHU_DEMO_INSTITUTIONS": str(institutions),
                "ANHU_DEMO_DEVICES_PER": str(devices_per),
                "ANHU_DEMO_SEED": str(seed),
                "ANHU_DEMO_FIRE_AFTER_S": str(fire_after_s),
            }
            service.supervise(
                service.role_commands(ROLES), env, say=progress, trouble=around.trouble,
                ready=lambda: _welcome(password, told.sign_ins, fire_after_s),
            )  # fmt: skip


def _empty(folder: Path) -> None:
    """Begin anew: nothing in the demo's own folder is worth keeping, unless a demo is running in it."""
    from anhu.data_folder import DataFolder

    if folder.exists():
        lock = DataFolder(folder).lock()  # raises DataFolderInUse
        os.close(lock)
        shutil.rmtree(folder)


def _refuse_foreign(database_url: str) -> None:
    with closing(connect(database_url)) as connection:
        row = connection.execute("SELECT code FROM institutions WHERE code NOT LIKE 'sim-%' LIMIT 1").fetchone()
    if row is not None:
        raise DatabaseNotOurs(
            text(
                f"数据库里有非演示机构（{row[0]}），演示不会动它；请为演示另设数据库。",
                f"the database holds an institution that is not the demo's ({row[0]}); give the demo one of its own.",
            )
        )


def _sign_in(database_url: str) -> str:
    """A password for the administrator: drawn anew for every demo, and printed nowhere but on this terminal."""
    with connect(database_url) as connection:
        return auth.seed_administrator(connection) or auth.reset_password(connection, "admin", "anhu")


def _people(database_url: str, phones: Phones) -> demo_people.Told:
    """People who are told, with a phone each; floor plans where the fire burns."""
    with connect(database_url) as connection:
        told = demo_people.seed(connection, phones.address, _now())
        first = min(each.id for each in directory.institutions(connection))
        demo_house.draw_plans(connection, first)
    phones.owners = told.owners
    return told


def _phone_settings(env: Mapping[str, str]) -> dict[str, str]:
    """The environment with what lets the notifier reach the demo's phones, and their links reach the page."""
    return {
        "ANHU_NOTIFY_PUBLIC_URL": _page_url(),
        **env,
        "ANHU_NOTIFY_WEBHOOK_PLAIN_HTTP": "true",
        "ANHU_NOTIFY_WEBHOOK_NETWORKS_ALLOWED": NETWORK,
    }


def _page_url() -> str:
    settings = DashboardSettings()
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    return f"http://{host}:{settings.port}"


def _now() -> datetime:
    return datetime.now(UTC)


def _show(lines: str) -> None:
    console.print(lines, style="cyan", markup=False)


def _welcome(password: str, sign_ins: Sequence[demo_people.SignIn], fire_after_s: float) -> None:
    console.print()
    console.print(text("安护演示已启动", "The Anhu demo is up"), style="bold green", markup=False)
    console.print(f"  {_page_url()}/", style="bold", markup=False)
    console.print(text(f"  用户名 admin   密码 {password}", f"  user admin   password {password}"), markup=False)
    for each in sign_ins:
        console.print(
            text(
                f"  用户名 {each.username}   密码 {each.password}   {each.who}",
                f"  user {each.username}   password {each.password}   {each.who}",
            ),
            markup=False,
        )
    console.print(
        text(
            f"  约 {fire_after_s:.0f} 秒后，“安和养老院”的厨房会重演一场真实记录的火灾。不确认报警，就能看到它在这里"
            "逐级推送到各人的手机。按 Ctrl-C 结束。",
            f"  In about {fire_after_s:.0f} s a recorded fire breaks out in a kitchen of 安和养老院. Leave the alert"
            " unacknowledged, and see it go from phone to phone here. Ctrl-C ends all.",
        ),
        markup=False,
    )
    console.print()
