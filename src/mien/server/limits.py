"""How much the server takes on: requests, bytes, pixels, seconds. In: a request. Out: its body, or a refusal.

`Limits` are the numbers, `Waiting` counts requests, `Backlog` tells how long a picture would wait, `stream_body` stops
in time, `LingeringRefusal` is heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEBIBYTE = 1 << 20
RETRY_SECONDS = 1
"""What a refused client is told to wait: a full queue is worked off in about this time."""

LINGER_SECONDS = 2.0
"""A client that is still sending cannot hear; for so long the rest of its body is read and thrown away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server accepts.

    Bodies take at most `(max_pending + 4) * max_bytes`, pictures that are decoded 23 bytes a pixel of `max_pixels` in
    each thread (measured, see docs/serve.md).
    """

    max_pending: int = 64
    max_bytes: int = 20 * MEBIBYTE
    max_pixels: int = 1 << 25
    max_files: int = 32
    client_seconds: float = 15.0
    wait_seconds: float = 5.0


@final
class Waiting:
    """Counts the requests that are being read or recognised, and refuses those above a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0

    def is_full(self) -> bool:
        """Return whether the next request would be refused."""
        return self.count >= self.limit

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Count one request while it lasts.

        Raises:
            HTTPException: 503 with Retry-After, if `limit` requests are waiting.
        """
        if self.is_full():
            detail = f"{self.limit} requests are waiting already: try again"
            raise HTTPException(503, detail, headers={"Retry-After": str(RETRY_SECONDS)})
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


@final
class Backlog:
    """Pictures that wait for a thread or are in one; from how long they take follows how long the next would wait.

    Args:
        threads: that work on pictures.
        limit_seconds: a picture that would wait longer is refused.
    """

    def __init__(self, threads: int, limit_seconds: float) -> None:
        self.threads, self._limit = threads, limit_seconds
        self._count, self._seconds = 0, 0.0

    def tell_wait(self) -> float:
        """Return the seconds until a thread would take the next picture; 0 where one is free."""
        return self._seconds * max(0, self._count - self.threads + 1) / self.threads

    def is_full(self) -> bool:
        """Return whether the next picture would be refused."""
        return self.tell_wait() > self._limit

    def check(self) -> None:
        """Refuse what would wait too long.

        Raises:
            HTTPException: 503, with Retry-After as long as the wait.
        """
        if self.is_full():
            seconds = math.ceil(self.tell_wait())
            detail = f"a picture would wait {seconds} seconds now, at most {self._limit:g} are accepted: try again"
            raise HTTPException(503, detail, headers={"Retry-After": str(seconds)})

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Count one picture while it waits and is worked on."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    def note(self, seconds: float) -> None:
        """Take account of how long one picture kept its thread: a moving average over about ten."""
        self._seconds += (seconds - self._seconds) / (10 if self._seconds else 1)


async def stream_body(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the body of a request, chunk by chunk.

    Raises:
        HTTPException: 413 as soon as it is known to be too large.
    """
    announced, received = request.headers.get("content-length", ""), 0
    if announced.isdecimal() and int(announced) > max_bytes:
        raise _refuse_bytes(max_bytes)
    async for chunk in request.stream():
        received += len(chunk)
        if received > max_bytes:
            raise _refuse_bytes(max_bytes)
        yield chunk


def _refuse_bytes(max_bytes: int) -> HTTPException:
    return HTTPException(413, f"expected a body of at most {max_bytes:,} bytes, found a larger one")


@final
class LingeringRefusal:
    """Middleware: before a refusal, reads on for a moment, so that the client is there to hear it.

    A connection that is closed with unread bytes is reset, and the client sees a broken connection instead of the 413.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        unread = scope["type"] == "http" and not any(name == b"expect" for name, _ in scope["headers"])

        async def receive_noting_the_end() -> Message:
            nonlocal unread
            message = await receive()
            unread = unread and message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def send_when_heard(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400 and message["status"] != 408:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(discard(), LINGER_SECONDS)
            await send(message)

        async def discard() -> None:
            while unread:
                await receive_noting_the_end()

        await self._app(scope, receive_noting_the_end, send_when_heard)
