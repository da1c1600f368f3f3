"""The demo's phones: a webhook receiver inside the demo's process that shows every push as a phone would.

It listens on the loopback address only. What comes must be signed with the secret of this start, and a message that is
sent once more (same Idempotency-Key) is shown once.
"""

import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from alerting.channels.webhook import signature
from alerting.escalation import CHINA
from anhu.language import text

HOST: Final = "127.0.0.1"  # the one address the demo's contacts are at
NETWORK: Final = f"{HOST}/32"
BODY_BYTES_MAX: Final = 64 * 1024
READ_S_MAX: Final = 5.0
LINES_MAX: Final = 12
_PATH: Final = "/phone/"


class Phones:
    """Everybody's phone; a context manager. `owners` says whose a number is, `show` gets the lines of each message."""

    def __init__(self, show: Callable[[str], None], clock: Callable[[], datetime]) -> None:
        self.owners: Mapping[int, str] = {}
        self._show = show
        self._clock = clock
        self._secret = secrets.token_urlsafe(24)
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="phones", daemon=True)

    def address(self, person_id: int) -> str:
        """The webhook address of a person's phone."""
        return f"http://{HOST}:{self._server.server_port}{_PATH}{person_id}#{self._secret}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(READ_S_MAX)

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """Show a message; the HTTP status to answer with."""
        timestamp = headers.get("X-Anhu-Timestamp") or ""
        signed = headers.get("X-Anhu-Signature") or ""
        if not hmac.compare_digest(signature(self._secret, timestamp, body).encode(), signed.encode()):
            return 401
        number = path.removeprefix(_PATH)
        if not path.startswith(_PATH) or not number.isdecimal():
            return 404
        try:
            document = json.loads(body)
            lines = "\n".join(self._lines(self.owners.get(int(number), number), document))
        except (ValueError, KeyError, TypeError):
            return 400
        with self._lock:  # two messages never run into each other
            key = headers.get("Idempotency-Key") or body.decode()
            if key not in self._seen:
                self._seen.add(key)
                self._show(lines)
        return 200

    def _lines(self, owner: str, document: Mapping[str, Any]) -> list[str]:
        clock = self._clock().astimezone(CHINA).strftime("%H:%M:%S")
        body = [line for line in str(document["text"]).splitlines() if line.strip()]
        if len(body) > LINES_MAX:
            body = [*body[:LINES_MAX], "…"]
        link = [text(f"确认链接 {document['link']}", f"to acknowledge: {document['link']}")] if document["link"] else []
        return [
            text(f"{clock} 手机上会看到 → {owner}", f"{clock} on the phone of {owner}"),
            *(f"    │ {line}" for line in [str(document["title"]), *body, *link]),
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        phones = self

        class Handler(BaseHTTPRequestHandler):
            timeout = READ_S_MAX

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                known = length.isdecimal() and int(length) <= BODY_BYTES_MAX
                status = phones.take(self.path, dict(self.headers), self.rfile.read(int(length))) if known else 413
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                """Say nothing: the messages themselves are shown."""

        return Handler
