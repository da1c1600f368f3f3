"""A notifier for an outage that kills itself (SIGKILL) at a named step: for a Forker."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alerting.channels.webhook import Webhook
from alerting.journal import Journal
from alerting.journal_outbox import JournalOutbox
from alerting.notify import Notifier
from alerting.settings import NotifySettings
from anhu.stop_signals import stop_on_signals
from tests.integration.notify_world import LOCAL

STEPS = ("before_write", "after_write", "after_claim", "after_send", "after_settle", "before_clear", "never")


def settings() -> NotifySettings:
    return NotifySettings(**LOCAL, send_s_max=1.0, lease_s=3.0, refresh_s=0.5, database_answer_s_max=1.0)


def main(database_url: str, folder: str, spool: str, step: str) -> None:
    """Run until killed or told to stop."""

    def reached(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(holder: Any, name: str, before: str | None, after: str | None) -> None:
        real: Callable[..., Any] = getattr(holder, name)

        def wrapped(*arguments: Any, **more: Any) -> Any:
            if before:
                reached(before)
            answer = real(*arguments, **more)
            if after:
                reached(after)
            return answer

        setattr(holder, name, wrapped)

    around(JournalOutbox, "write", "before_write", "after_write")
    around(JournalOutbox, "settle", None, "after_settle")
    around(Webhook, "send", "after_claim", "after_send")
    around(Journal, "clear", "before_clear", None)
    stop = stop_on_signals()
    journal = Path(folder) / "journal.sqlite"
    Notifier(database_url, settings(), journal=journal, spool=Path(spool)).run(stop)
