"""What every request passes before it is served: where it comes from, how large it is; and every answer's headers."""

import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import problems
from dashboard.errors import BodyTooLarge, OriginRefused

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PICTURE: Final = re.compile(r"/api/institutions/[0-9]+/floor-plans/-?[0-9]+/picture")
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self';"
    " worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none';"
    " form-action 'self'"
)
_HTTPS_FROM_NOW_ON: Final = "max-age=31536000"
_PUBLIC: Final = ("/public/", "/api/public/")
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
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
    return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""


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
    `larger` over what they say, told beforehand or found while reading."""

    def __init__(
        self, app: ASGIApp, bytes_max: int, picture_bytes_max: int, larger: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
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
        read_bytes = 0

        async def counted() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > bytes_max:
                raise HTTPException(413, BodyTooLarge.__doc__)  # the one kind FastAPI lets through from here
            return message

        await self._app(scope, counted, send)


class SecurityHeaders:
    """Puts the headers on every answer that keep a browser from lending the page to somebody else, and search engines
    away from what the public reads unless it is `indexed`."""

    def __init__(self, app: ASGIApp, *, indexed: bool = False) -> None:
        self._app = app
        self._indexed = indexed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        private, public = path.startswith("/api"), path.startswith(_PUBLIC)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", _POLICY)  # a picture of somebody's has a stricter one
                for name, value in _HEADERS.items():
                    headers[name] = value
                if private and public:
                    headers.setdefault("cache-control", "no-store")
                elif private:
                    headers["cache-control"] = "no-store"
                if scope.get("scheme") == "https":  # ours, or a trusted proxy's word
                    headers["strict-transport-security"] = _HTTPS_FROM_NOW_ON
                if public and not self._indexed:
                    headers["x-robots-tag"] = "noindex"
            await send(message)

        await self._app(scope, receive, with_headers)
