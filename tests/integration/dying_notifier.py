"""A notifier that kills itself (SIGKILL) at a named step, the n-th time it gets there: for a Forker."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from alerting import desk, notify, outbox_store, sender
from alerting.channels.webhook import Webhook
from alerting.settings import NotifySettings

STEPS = (
    "before_write",
    "after_write",
    "before_commit",
    "before_claim",
    "after_claim",
    "after_send",
    "after_settle",
    "never",
)


def main(database_url: str, step: str, times: int) -> None:
    """Run until killed."""
    left = [times]

    def reached(name: str) -> None:
        if name == step:
            left[0] -= 1
            if left[0] <= 0:
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

    around(outbox_store, "write", "before_write", "before_commit")
    around(desk.Desk, "_write", None, "after_write")
    around(outbox_store, "claim", "before_claim", None)
    around(Webhook, "send", "after_claim", "after_send")
    around(sender.Sender, "_note", None, "after_settle")
    settings = NotifySettings(
        webhook_plain_http=True, webhook_networks_allowed=["127.0.0.0/8"], send_s_max=1.0, lease_s=3.0, refresh_s=0.5
    )
    notify.Notifier(database_url, settings).run(threading.Event())
