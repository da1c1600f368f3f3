"""Serving the dashboard: uvicorn with uvloop, and a websocket protocol that parts with a client that does not read."""

from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from dashboard.app import create_app
from dashboard.settings import DashboardSettings

PARTING_S_MAX = 5.0  # for the closing handshake; then the connection is cut
_CLIENT_MESSAGE_BYTES_MAX = 4096


class PartingProtocol(WebSocketsSansIOProtocol):
    """A closing frame does not wait behind a full buffer, and after a while the connection is cut.

    As it comes, uvicorn holds the closing frame back until the client has read, which a stuck client never does: the
    connection and its buffer would stay for ever.
    """

    async def send(self, message: Any) -> None:
        """Send one ASGI message."""
        closing = message["type"] == "websocket.close"
        if closing:
            self.writable.set()
        await super().send(message)
        if closing:
            self.loop.call_later(PARTING_S_MAX, self.transport.abort)


def configure(database_url: str, settings: DashboardSettings) -> uvicorn.Config:
    """The server's configuration. Logging is the caller's: the one who starts the process has set it up."""
    return uvicorn.Config(
        create_app(database_url, settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        ws=PartingProtocol,
        ws_max_size=_CLIENT_MESSAGE_BYTES_MAX,
        ws_ping_interval=settings.ping_interval_s,
        ws_ping_timeout=settings.ping_timeout_s,
        ws_per_message_deflate=False,  # frames are serialised once for all; compressing them for each costs that again
        lifespan="on",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        server_header=False,
        access_log=False,  # paths and addresses of people; the metrics count requests
        log_config=None,
        timeout_graceful_shutdown=settings.stop_s_max,
        backlog=2048,
    )


def run(database_url: str, settings: DashboardSettings) -> None:
    """Serve until SIGINT or SIGTERM, then stop within some seconds. Raises SystemExit when the start fails."""
    server = uvicorn.Server(configure(database_url, settings))
    server.run()
    if not server.started:
        raise SystemExit(3)
