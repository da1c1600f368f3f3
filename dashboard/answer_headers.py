"""The headers of every answer, which keep a browser from lending the page to somebody else."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self';"
    " worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none';"
    " form-action 'self'"
)
_DAY_S: Final = 86_400
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
