"""`anhu notify …`: trying out how people are reached."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from alerting import outbox_store, trial_message
from anhu.commands.ground import DataDir, database, progress
from anhu.commands.person import PersonRefused
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import connect

app = typer.Typer(no_args_is_help=True, help="通知。 Notifications.")


@app.callback()
def notifications() -> None:
    """Notifications."""


@app.command(
    "test",
    help="向一个人的每个联系方式各发一条测试消息；需要服务正在运行。 "
    "Send a person a marked test message by every contact; the service must be running.",
    epilog="例 / for example: anhu notify test --person 3",
)
def send_test(
    person: Annotated[int, typer.Option(help="人员编号 / the person's number.")],
    wait_s: Annotated[float, typer.Option(help="最多等待的秒数 / seconds to wait for the answers.", min=0)] = 20.0,
    data_dir: DataDir = None,
) -> None:
    """Print what became of each; exit code 1 where one did not arrive."""
    with plain_errors(), database(data_dir) as url, connect(url, autocommit=True) as connection:
        with connection.transaction():
            push = trial_message.queue(connection, person, datetime.now(UTC))
        if push is None:
            raise PersonRefused(text(f"人员 {person} 不存在或没有联系方式", f"no person {person}, or no contact"))
        deadline_s = time.monotonic() + wait_s
        while (states := outbox_store.states(connection, push.id)) and time.monotonic() < deadline_s:
            if all(each.over for each in states):
                break
            time.sleep(0.2)
        for each in states:
            progress(f"{each.channel}: {each.state} {each.detail}")
        raise typer.Exit(0 if all(each.state == "sent" for each in states) else 1)
