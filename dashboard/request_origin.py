"""Where a request comes from: one that changes something, or opens a websocket, only from the dashboard's own page."""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard import problems
from dashboard.errors import OriginRefused

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


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
