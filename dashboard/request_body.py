"""What a body must be before any route sees it: not too large, not too slow, and something that can be kept."""

import http
import re
import time
from collections.abc import Mapping
from typing import Any, Final

import anyio
import orjson
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import problems
from dashboard.errors import BadRequest, BodyTooLarge, BodyTooSlow

_PICTURE: Final = re.compile(r"/api/institutions/[0-9]+/floor-plans/-?[0-9]+/picture")
_JSON: Final = re.compile(r"\s*application/(?:[^;\s]*\+)?json\b", re.IGNORECASE)  # what FastAPI reads as such
_NUL: Final = "the character NUL cannot be kept"
_BYTES_PER_S_MIN: Final = 4096  # of a body: a photo over a telephone that hardly has a signal is faster


class BodyLimit:
    """Refuses bodies over `bytes_max`, for the one route that takes pictures over `picture_bytes_max`, for the paths in
    `larger` over what they say, told beforehand or found while reading; and those that come more slowly than the worst
    telephone line, after `patience_s`: each would hold a connection for as long as somebody likes."""

    def __init__(
        self,
        app: ASGIApp,
        bytes_max: int,
        picture_bytes_max: int,
        larger: Mapping[str, int] | None = None,
        patience_s: float = 30.0,
    ) -> None:
        self._app = app
        self._patience_s = patience_s
        self._bytes_max = bytes_max
        self._picture_bytes_max = picture_bytes_max
        self._larger = dict(larger or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        picture = scope["method"] == "PUT" and _PICTURE.fullmatch(scope["path"])
        bytes_max = self._picture_bytes_max if picture else self._larger.get(scope["path"], self._bytes_max)
        told = Headers(scope=scope).get("content-length", "")
        if told.isdecimal() and int(told) > bytes_max:
            await problems.of(BodyTooLarge())(scope, receive, send)
            return
        read_bytes, more, began_s = 0, True, time.monotonic()

        async def counted() -> Message:  # raises HTTPException, the one kind FastAPI lets through from here
            nonlocal read_bytes, more
            if not more:
                return await receive()  # that the client goes, whenever it does
            left_s = began_s + self._patience_s + read_bytes / _BYTES_PER_S_MIN - time.monotonic()
            try:
                with anyio.fail_after(max(left_s, 0)):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, BodyTooSlow.__doc__) from error
            read_bytes += len(message.get("body", b""))
            if read_bytes > bytes_max:
                raise HTTPException(413, BodyTooLarge.__doc__)
            more = message["type"] == "http.request" and message.get("more_body", False)
            return message

        await self._app(scope, counted, send)


class Keepable:
    """Refuses what no route could keep or look up, before any of them sees it: the character NUL, which the database
    takes nowhere; JSON that is none by RFC 8259 though Python's reader takes it (NaN, half signs, other encodings,
    nesting without end). A route, and one that is still to be written, need not think of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            await problems.of(BadRequest(_NUL))(scope, receive, send)
            return
        if not _JSON.match(Headers(scope=scope).get("content-type", "")):
            await self._app(scope, receive, send)
            return
        try:
            body = await _whole(receive)
        except HTTPException as error:  # BodyLimit's, which nobody outside of the routes turns into an answer
            refused = BodyTooSlow() if error.status_code == http.HTTPStatus.REQUEST_TIMEOUT else BodyTooLarge()
            await problems.of(refused)(scope, receive, send)
            return
        if body is None:
            return  # the client went before it had said all
        if (why := _unfit(body)) is not None:
            await problems.of(BadRequest(why))(scope, receive, send)
            return
        given = False

        async def once_more() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, once_more, send)


async def _whole(receive: Receive) -> bytes | None:
    """The body, of bounded size (BodyLimit); None where the client goes."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _unfit(body: bytes) -> str | None:
    """What is wrong with a JSON body, without repeating any of it; None: nothing."""
    if not body:
        return None  # whether there must be one, the route knows
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return f"the body is no JSON: {error}"
    return _NUL if b"\\u0000" in body and _holds_nul(document) else None


def _holds_nul(value: Any) -> bool:
    """Whether a text in what JSON held has the character NUL; orjson has bounded how deep it goes."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(each) for key, each in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))
