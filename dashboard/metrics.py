"""What Prometheus may know of the dashboard."""

import re
import time
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REQUEST_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_EVENT_BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """The figures of one app, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Histogram(
            "anhu_dashboard_request_seconds", "Time to answer an HTTP request", ["method", "route", "status"],
            buckets=_REQUEST_BUCKETS_S, registry=self.registry,
        )  # fmt: skip
        self.live_clients = Gauge("anhu_live_clients", "Connected websockets", registry=self.registry)
        self.live_frames = Counter("anhu_live_frames", "Frames of the event log published", registry=self.registry)
        self.live_slow = Counter("anhu_live_slow_clients", "Websockets closed for being slow", registry=self.registry)
        self.live_resyncs = Counter("anhu_live_resyncs", "Begun again from a snapshot", registry=self.registry)
        self.live_delay = Histogram(
            "anhu_live_event_seconds", "From the record of an event to its frame in the clients' queues",
            buckets=_EVENT_BUCKETS_S, registry=self.registry,
        )  # fmt: skip
        self.sign_ins = Counter("anhu_sign_ins", "Attempts to sign in", ["outcome"], registry=self.registry)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)


class RouteNames:
    """Tells the route of a path, for the number of series must be bounded: `page` for what is not of the API."""

    def __init__(self, templates: Iterable[str]) -> None:
        self._patterns = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", template)), template) for template in templates]

    def of(self, path: str) -> str:
        """The template that `path` is made from.

        >>> RouteNames(["/api/alerts", "/api/alerts/{alert_id}"]).of("/api/alerts/7")
        '/api/alerts/{alert_id}'
        """
        for pattern, template in self._patterns:
            if pattern.fullmatch(path):
                return template
        return "other" if path.startswith("/api") else "page"


class MeasureRequests:
    """Times every HTTP request by its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: RouteNames) -> None:
        self._app = app
        self._metrics = metrics
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at_s = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = self._routes.of(scope["path"])
            method = (
                scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} else "other"
            )
            self._metrics.requests.labels(method, route, status).observe(time.perf_counter() - started_at_s)
