"""`anhu user …`: accounts, from the machine itself."""

import typer

from anhu.commands.ground import DataDir, database
from anhu.language import text
from anhu.plain_errors import console, plain_errors
from dashboard import auth
from ingest.database import connect

app = typer.Typer(no_args_is_help=True, help="账户。 Accounts.")


@app.callback()
def accounts() -> None:
    """Accounts."""


@app.command(
    "reset-password",
    help="为账户换一个随机密码并注销其所有会话。 Give an account a new random password and sign it out everywhere.",
    epilog="例 / for example: anhu user reset-password admin",
)
def reset_password(username: str, data_dir: DataDir = None) -> None:
    """Print the new password once."""
    with plain_errors(), database(data_dir) as url:
        with connect(url) as connection:
            password = auth.reset_password(connection, username)
        console.print(text(f"{username} 的新密码：{password}", f"new password of {username}: {password}"), markup=False)
