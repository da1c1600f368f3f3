"""Local servers that behave like the providers: they note what they were sent, and answer as they are told."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `at_us` since 1970."""

    at_us: int
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON body."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """What a person would read."""
        document = self.document
        if "title" in document:
            return str(document["title"]) + "\n" + str(document["text"])
        return str(document.get("text", document.get("content", {})).get("content") or document["content"]["text"])


@dataclass
class Say:
    """An answer: a JSON body with a status, after `wait_s`; `drop` closes the connection instead; `drip` sends the body
    byte by byte."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    drop: bool = False
    drip_s: float = 0.0


Behaviour = Callable[[Request], Say]


class Provider:
    """A server; `behave` may be changed at any time."""

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self.released = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                provider._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                pass  # a client that went away

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        url = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(time.time_ns() // 1000, url.path, query, headers, body)
        with self._lock:
            self.requests.append(request)
        say = self.behave(request)
        if say.wait_s:
            self.released.wait(say.wait_s)
        if say.drop:
            handler.close_connection = True
            handler.connection.close()
            return
        content = json.dumps(say.body).encode()
        handler.send_response(say.status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **say.headers,
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        for byte in content if say.drip_s else ():
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if self.released.wait(say.drip_s):
                return
        if not say.drip_s:
            handler.wfile.write(content)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def texts(self) -> list[str]:
        """What was read, in order."""
        with self._lock:
            return [request.text for request in self.requests]


def ok(_request: Request) -> Say:
    """A webhook that takes everything."""
    return Say({"ok": True})


def wecom(key: str) -> Behaviour:
    """A WeCom group bot: HTTP 200 whatever happens, and errcode."""

    def behave(request: Request) -> Say:
        if request.path != "/cgi-bin/webhook/send" or request.query.get("key") != key:
            return Say({"errcode": 93000, "errmsg": "invalid webhook url, hint: [1]"})
        content = request.document["text"]["content"]
        if len(content.encode()) > 2048:
            return Say({"errcode": 40058, "errmsg": "text.content exceed max length 2048"})
        return Say({"errcode": 0, "errmsg": "ok"})

    return behave


def dingtalk(token: str, secret: str) -> Behaviour:
    """A DingTalk bot with a signature: it must match, and be less than an hour old."""

    def behave(request: Request) -> Say:
        if request.path != "/robot/send" or request.query.get("access_token") != token:
            return Say({"errcode": 300005, "errmsg": "token is not exist"})
        at_ms = request.query.get("timestamp", "0")
        digest = hmac.new(secret.encode(), f"{at_ms}\n{secret}".encode(), hashlib.sha256).digest()
        if request.query.get("sign") != base64.b64encode(digest).decode():
            return Say({"errcode": 310000, "errmsg": "sign not match"})
        if abs(time.time() * 1000 - int(at_ms)) > 3_600_000:
            return Say({"errcode": 310000, "errmsg": "invalid timestamp"})
        return Say({"errcode": 0, "errmsg": "ok"})

    return behave


def feishu(token: str, secret: str) -> Behaviour:
    """A Feishu bot with a signature in the body."""

    def behave(request: Request) -> Say:
        if request.path != f"/open-apis/bot/v2/hook/{token}":
            return Say({"code": 19001, "msg": "param invalid: incoming webhook access token invalid"})
        at_s = request.document.get("timestamp", "")
        digest = hmac.new(f"{at_s}\n{secret}".encode(), digestmod=hashlib.sha256).digest()
        if request.document.get("sign") != base64.b64encode(digest).decode():
            return Say({"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"})
        return Say({"code": 0, "msg": "success", "data": {}})

    return behave


@contextmanager
def provider(behave: Behaviour = ok) -> Iterator[Provider]:
    """A running server."""
    with Provider(behave) as running:
        yield running
