"""`anhu account …`: service accounts, the machines that take the export."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from anhu.commands.ground import DataDir, database, progress
from anhu.commands.place import Institution, Region, name_of, scope_of
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import connect
from inspection import service_account, service_account_store
from inspection.errors import AccountRefused
from inspection.service_account import Collection

_NAME_LENGTH_MAX: Final = 100

app = typer.Typer(
    no_args_is_help=True, help="数据导出用的服务账号（上级平台）。 Service accounts, for machines that take the export."
)

By = Annotated[str, typer.Option(help="决定人姓名 / the name of the person who decides this.")]


@app.command(
    help="新建服务账号并显示令牌（只显示这一次，数据库里只存散列）。 "
    "Create an account and show its token: once, for only its hash is kept.",
    epilog="例 / for example: anhu account create 省平台 --region 22 --may alerts --may hazards --by 王工",
)
def create(
    name: str,
    by: By,
    may: Annotated[list[Collection], typer.Option(help="可读取什么，可重复 / what it may read; repeat it.")],
    institution: Institution = None,
    region: Region = "",
    days: Annotated[
        int, typer.Option(min=1, max=service_account.DAYS_MAX, help="有效天数 / how many days it works.")
    ] = 365,
    data_dir: DataDir = None,
) -> None:
    """Put it on record and print the token."""
    with plain_errors():
        if not 1 <= len(name) <= _NAME_LENGTH_MAX:
            raise AccountRefused(text("名称须为 1–100 字", "a name of 1 to 100 letters"))
        token = service_account.new_token()
        expires_at = datetime.now(UTC) + timedelta(days=days)
        with database(data_dir) as url, connect(url) as connection:
            scope = scope_of(connection, institution, region)
            service_account_store.create(connection, name, scope, set(may), token, expires_at, f"cli:{by[:200]}")
        progress(
            text(
                f"账号 {name} 已建立，有效至 {expires_at:%Y-%m-%d}。令牌只显示这一次：",
                f"account {name} works until {expires_at:%Y-%m-%d}. Its token is shown only now:",
            )
        )
        typer.echo(token)


@app.command(
    "list",
    help="列出服务账号。 List the accounts.",
    epilog="例 / for example: anhu account list",
)
def show(data_dir: DataDir = None) -> None:
    """One line for each account, the newest first."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        now = datetime.now(UTC)
        for each in service_account_store.accounts(connection):
            used = f"{each.last_used_at:%Y-%m-%d %H:%MZ}" if each.last_used_at else "-"
            collections = ",".join(sorted(each.collections))
            place = name_of(connection, each.scope)
            typer.echo(f"{each.name}\t{each.standing(now)}\t{place}\t{collections}\t{each.expires_at:%Y-%m-%d}\t{used}")


@app.command(
    help="吊销服务账号，立即生效。 Revoke an account; its token opens nothing from now on.",
    epilog="例 / for example: anhu account revoke 省平台 --by 王工",
)
def revoke(name: str, by: By, data_dir: DataDir = None) -> None:
    """Let it in no more."""
    with plain_errors():
        with database(data_dir) as url, connect(url) as connection:
            service_account_store.revoke(connection, name, f"cli:{by[:200]}", datetime.now(UTC))
        progress(text(f"账号 {name} 已吊销", f"account {name} is revoked"))
