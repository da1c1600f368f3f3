"""Serving the dashboard: uvicorn with uvloop, and a websocket protocol that parts with a client that does not read."""

import resource
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from dashboard.app import create_app
from dashboard.certificate import Certificate
from dashboard.gateways import Gateways
from dashboard.routers.live import WIRE
from dashboard.settings import DashboardSettings

PARTING_S_MAX = 5.0  # for the closing handshake; then the connection is cut
_CLIENT_MESSAGE_BYTES_MAX = 4096
_FILES_BESIDE = 256  # open files that are no page: the database's, requests, the log


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

    def keepalive_timeout(self) -> None:
        """A client that did not answer a ping is cut off, whatever is still to be written."""
        super().keepalive_timeout()
        self.loop.call_later(PARTING_S_MAX, self.transport.abort)

    def handle_connect(self, event: Request) -> None:
        """Hand the connection itself to the application, beside ASGI's calls."""
        super().handle_connect(event)
        if event is getattr(self, "request", None) and self.handshake_initiated and not self.close_sent:
            self.scope["extensions"][WIRE] = self  # type: ignore[assignment]  # uvicorn: for ASGI's own

    @property
    def waiting_bytes(self) -> int:
        """What was posted and has not left yet."""
        return self.transport.get_write_buffer_size()

    def post(self, data: bytes) -> None:
        """Write a whole frame as it is. Going through ASGI wakes a task and serialises anew for every client, which
        for a thousand of them is most of the work."""
        if self.handshake_complete and not self.close_sent and not self.disconnected:
            self.transport.write(data)


class ServerConfig(uvicorn.Config):
    """uvicorn's, with a certificate that may be renewed while it serves."""

    def load(self) -> None:
        """Read the certificate; with an unusable one the start fails in words."""
        if self.ssl_certfile is not None and self.ssl_keyfile is not None:
            self._certificate = Certificate(Path(self.ssl_certfile), Path(self.ssl_keyfile))
            self.callback_notify = self._renew
        super().load()
        if self.ssl is not None:
            self.ssl.minimum_version = ssl.TLSVersion.TLSv1_2

    async def _renew(self) -> None:
        if self.ssl is not None:
            self._certificate.take_up(self.ssl)


def configure(
    database_url: str, settings: DashboardSettings, spool: Path | None = None, gateways: Gateways | None = None
) -> "ServerConfig":
    """The server's configuration. `spool` is the file of a pipeline on this machine, `gateways` the broker's accounts.
    Logging is the caller's: the one who starts the process has set it up. Raises CertificateUnusable."""
    return ServerConfig(
        create_app(database_url, settings, spool=spool, gateways=gateways),
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
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_notify=settings.tls_check_s,
    )


def allow_clients(count_max: int) -> None:
    """Raise this process's limit of open files so far that as many pages can be connected, if the system lets it."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count_max + _FILES_BESIDE
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most)
        )


def run(
    database_url: str, settings: DashboardSettings, spool: Path | None = None, gateways: Gateways | None = None
) -> None:
    """Serve until SIGINT or SIGTERM, then stop within some seconds. Raises SystemExit when the start fails."""
    allow_clients(settings.clients_max)
    server = uvicorn.Server(configure(database_url, settings, spool, gateways))
    server.run()
    if not server.started:
        raise SystemExit(3)
