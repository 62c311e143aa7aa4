"""What the server counts about itself, for Prometheus. In: requests, batches, faces. Out: the text of /metrics.

Every server has a registry of its own; no address, name or content of a picture is in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
FACES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@final
class Meters:
    """The counters of one server; `count_pending` tells how many requests are in it."""

    def __init__(self, count_pending: Callable[[], float]) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter("mien_requests", "Requests answered.", ["path", "status"], registry=registry)
        self._seconds = Histogram("mien_request_seconds", "Of a request.", ["path"], buckets=SECONDS, registry=registry)
        self._stages = Histogram(
            "mien_stage_seconds", "Of one picture in a stage.", ["stage"], buckets=SECONDS, registry=registry
        )
        self._pictures = Counter("mien_pictures", "Pictures recognised.", registry=registry)
        self._faces = Counter("mien_faces", "Faces recognised.", ["expression"], registry=registry)
        self._batches = Histogram("mien_batch_faces", "Faces in a batch.", buckets=FACES, registry=registry)
        pending = Gauge("mien_requests_pending", "Requests being read or recognised.", registry=registry)
        pending.set_function(count_pending)
        ProcessCollector(registry=registry)

    def note_request(self, path: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def note_batch(self, faces: int) -> None:
        """Count one batch."""
        self._batches.observe(faces)

    def note_picture(self, expressions: Sequence[str], seconds: Mapping[str, float]) -> None:
        """Count one picture: what its faces showed, and the seconds of its stages by name."""
        self._pictures.inc()
        for expression in expressions:
            self._faces.labels(expression).inc()
        for stage, value in seconds.items():
            self._stages.labels(stage).observe(value)

    def render(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self._registry)


@final
class RequestMeter:
    """Middleware: counts requests and their seconds under the path of their route, so that no client invents labels."""

    def __init__(self, app: ASGIApp, *, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            self._meters.note_request(path, status, time.perf_counter() - start)
