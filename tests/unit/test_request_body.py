"""A body that never comes to an end, by any way, is given up with a problem; one that comes is passed on as it is."""

import json
from collections.abc import Iterable

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from dashboard.request_body import BodyLimit, Keepable


async def routes(scope: Scope, receive: Receive, send: Send) -> None:
    """What stands behind: it says back what it was sent."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def asked(
    messages: Iterable[Message], kind: bytes = b"application/json", patience_s: float = 60.0
) -> tuple[int, bytes]:
    """Status and body of the answer to a body that comes in these parts and then stops coming."""
    waiting, said = list(messages), list[Message]()

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        said.append(message)

    app = BodyLimit(Keepable(routes), bytes_max=100, picture_bytes_max=100, patience_s=patience_s)
    scope = {"type": "http", "method": "POST", "path": "/x", "query_string": b"", "headers": [(b"content-type", kind)]}
    anyio.run(app, scope, receive, send)
    return said[0]["status"], b"".join(each.get("body", b"") for each in said)


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_what_comes_is_passed_on() -> None:
    assert asked([part(b'{"a":', more=True), part(b"1}", more=False)]) == (200, b'{"a":1}')
    assert asked([part(b"\0\xff", more=False)], b"image/jpeg") == (200, b"\0\xff")


@pytest.mark.parametrize("messages", [[], [part(b"{", more=True)], [part(b"", more=True)]])
def test_what_stops_coming_is_given_up(messages: list[Message]) -> None:
    status, body = asked(messages, patience_s=0.01)
    assert (status, json.loads(body)["type"]) == (408, "urn:anhu:problem:too-slow")


def test_what_never_ends_is_too_large() -> None:
    status, body = asked([part(b" " * 60, more=True)] * 2)
    assert (status, json.loads(body)["type"]) == (413, "urn:anhu:problem:too-large")
