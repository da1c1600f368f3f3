"""What every request passes before it is served: where it comes from, how large it is, whether it can be kept; and the
headers of every answer."""

import http
import re
import time
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import problems
from dashboard.errors import BadRequest, BodyTooLarge, BodyTooSlow, OriginRefused

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PICTURE: Final = re.compile(r"/api/institutions/[0-9]+/floor-plans/-?[0-9]+/picture")
_JSON: Final = re.compile(r"\s*application/(?:[^;\s]*\+)?json\b", re.IGNORECASE)  # what FastAPI reads as such
_NUL: Final = "the character NUL cannot be kept"
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self';"
    " worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none';"
    " form-action 'self'"
)
_DAY_S: Final = 86_400
_BYTES_PER_S_MIN: Final = 4096  # of a body: a photo over a telephone that hardly has a signal is faster
_PRIVATE: Final = ("/api", "/a/")  # the address of an acknowledge link is its key
_PUBLIC: Final = ("/public/", "/api/public/")
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(self), microphone=()",
}


def origin_permitted(headers: Headers, allowed_origins: Collection[str]) -> bool:
    """Whether a request that changes something, or opens a websocket, comes from the dashboard's own page.

    A browser names the page's origin in such a request, and a page cannot forge it. What names none is no browser and
    has nobody's cookies to misuse.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    if origin in allowed_origins:
        return True
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    except ValueError:  # half of an IPv6 address
        return False


class OriginGuard:
    """Refuses requests of other sites' pages: with SameSite cookies the second lock against forged requests."""

    def __init__(self, app: ASGIApp, allowed_origins: Collection[str]) -> None:
        self._app = app
        self._allowed_origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        checked = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in _SAFE_METHODS)
        if not checked or origin_permitted(Headers(scope=scope), self._allowed_origins):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: an HTTP 403
        else:
            await problems.of(OriginRefused())(scope, receive, send)


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


class SecurityHeaders:
    """Puts the headers on every answer that keep a browser from lending the page to somebody else, and search engines
    away from what the public reads unless it is `indexed`. What came by https tells browsers to do so for
    `https_only_days`; 0: it does not."""

    def __init__(self, app: ASGIApp, *, indexed: bool = False, https_only_days: int = 0) -> None:
        self._app = app
        self._indexed = indexed
        # Without subdomains, which may be somebody else's.
        self._https_only = f"max-age={https_only_days * _DAY_S}" if https_only_days else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        private, public = path.startswith(_PRIVATE), path.startswith(_PUBLIC)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", _POLICY)  # a picture of somebody's has a stricter one
                for name, value in _HEADERS.items():
                    headers[name] = value
                if self._https_only and scope.get("scheme") == "https":  # ours, or a trusted proxy's word
                    headers["strict-transport-security"] = self._https_only
                if private and public:
                    headers.setdefault("cache-control", "no-store")
                elif private:
                    headers["cache-control"] = "no-store"
                if public and not self._indexed:
                    headers["x-robots-tag"] = "noindex"
            await send(message)

        await self._app(scope, receive, with_headers)
