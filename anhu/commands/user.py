"""`anhu user …`: accounts, from the machine itself."""

import getpass

import typer

from alerting import people_store
from anhu.commands.ground import DataDir, database, progress
from anhu.commands.place import name_of
from anhu.language import text
from anhu.plain_errors import console, plain_errors
from dashboard import auth, identity_store, second_factor, store
from dashboard.errors import ProviderMissing
from dashboard.oidc_settings import OidcSettings
from ingest.database import connect

app = typer.Typer(no_args_is_help=True, help="账户。 Accounts.")


def _actor() -> str:
    """How the ledger names whoever sits at this machine."""
    return f"cli:{getpass.getuser()}"


@app.callback()
def accounts() -> None:
    """Accounts."""


@app.command(
    "list",
    help="列出账户：角色、范围、两步验证。 List the accounts: role, scope, two-step sign-in.",
    epilog="例 / for example: anhu user list",
)
def show(data_dir: DataDir = None) -> None:
    """One line for each user."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        for who in people_store.persons(connection):
            if (user := store.user_of(connection, who.id)) is None:
                continue
            factor = "2fa" if second_factor.load(connection, user) else "-"
            standing, place = "active" if who.active else "inactive", name_of(connection, who.scope)
            typer.echo(f"{user.username}\t{who.name}\t{who.role}\t{place}\t{standing}\t{factor}")


@app.command(
    "reset-password",
    help="为账户换一个随机密码，注销其所有会话和访问令牌。 "
    "Give an account a new random password, sign it out everywhere and revoke its access tokens.",
    epilog="例 / for example: anhu user reset-password admin",
)
def reset_password(username: str, data_dir: DataDir = None) -> None:
    """Print the new password once."""
    with plain_errors(), database(data_dir) as url:
        with connect(url) as connection:
            password = auth.reset_password(connection, username, _actor())
        console.print(text(f"{username} 的新密码：{password}", f"new password of {username}: {password}"), markup=False)


@app.command(
    "totp-reset",
    help="取消账户的两步验证（手机和恢复码都丢失时），注销其所有会话。 "
    "Remove an account's two-step sign-in, for who has lost phone and recovery codes, and sign it out everywhere.",
    epilog="例 / for example: anhu user totp-reset admin",
)
def totp_reset(username: str, data_dir: DataDir = None) -> None:
    """The password alone lets them in afterwards."""
    with plain_errors():
        with database(data_dir) as url, connect(url) as connection, connection.transaction():
            user = auth.named(connection, username)
            second_factor.remove(connection, user, _actor(), "reset_second_factor")
            store.delete_sessions_of(connection, user.id)
        progress(text(f"{username} 的两步验证已取消", f"two-step sign-in of {username} is removed"))


@app.command(
    "sign-out",
    help="注销账户的所有会话和访问令牌，立即生效。 "
    "Sign an account out everywhere and revoke its access tokens, at once.",
    epilog="例 / for example: anhu user sign-out li.wei",
)
def sign_out(username: str, data_dir: DataDir = None) -> None:
    """They may sign in again."""
    with plain_errors():
        with database(data_dir) as url, connect(url) as connection, connection.transaction():
            user = auth.named(connection, username)
            ended = len(auth.end_everything(connection, user, _actor(), "end_sessions"))
        progress(text(f"{username}：已注销 {ended} 个", f"{username}: {ended} ended"))


@app.command(
    help="把账户与统一登录平台（OIDC）的用户标识关联。 Link an account to its subject at the OpenID Connect provider.",
    epilog="例 / for example: anhu user link li.wei 3fd1a2c4-77aa-4b0e-9c1d-5e2f",
)
def link(username: str, subject: str, data_dir: DataDir = None) -> None:
    """At the provider of the settings (ANHU_OIDC_ISSUER)."""
    with plain_errors():
        issuer = _issuer()
        with database(data_dir) as url, connect(url) as connection, connection.transaction():
            identity_store.link(connection, auth.named(connection, username), issuer, subject, _actor())
        progress(text(f"{username} 已与 {subject} 关联", f"{username} is linked to {subject}"))


@app.command(
    help="取消账户与统一登录平台的关联，注销其所有会话。 "
    "End an account's link to the OpenID Connect provider, and sign it out everywhere.",
    epilog="例 / for example: anhu user unlink li.wei",
)
def unlink(username: str, data_dir: DataDir = None) -> None:
    """At the provider of the settings."""
    with plain_errors():
        issuer = _issuer()
        with database(data_dir) as url, connect(url) as connection, connection.transaction():
            identity_store.unlink(connection, auth.named(connection, username), issuer, _actor())
        progress(text(f"{username} 的关联已取消", f"{username} is not linked any more"))


def _issuer() -> str:
    """Raises ProviderMissing."""
    issuer = OidcSettings().issuer
    if not issuer:
        raise ProviderMissing
    return issuer
