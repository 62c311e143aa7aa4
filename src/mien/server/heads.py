"""A client has some seconds for the head of a request, however it trickles in. In: connections. Out: slow ones cut off.

A connection without a whole head costs a client nothing and the server a place. `Heads` stands between the socket and
the web server's own protocol, and knows from the application which connections are being answered: nothing of the web
server's insides is touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias, cast, final

from starlette.types import ASGIApp, Receive, Scope, Send

Address: TypeAlias = tuple[str, int]


@final
class Heads:
    """The connections of one server, each with `seconds` for a head."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.connections: dict[Address, WatchedConnection] = {}

    def watch(self, make_protocol: Callable[..., asyncio.Protocol]) -> Callable[..., asyncio.Protocol]:
        """Return what makes the same protocols, watched."""
        return lambda **arguments: WatchedConnection(make_protocol(**arguments), self)

    def track(self, app: ASGIApp) -> ASGIApp:
        """Return `app`, which tells when a head is whole and when its request is answered."""

        async def tracked(scope: Scope, receive: Receive, send: Send) -> None:
            client = scope.get("client")
            connection = self.connections.get(tuple(client)) if client else None
            if connection is None:
                await app(scope, receive, send)
                return
            connection.begin_request()
            try:
                await app(scope, receive, send)
            finally:
                connection.end_request()

        return tracked


@final
class WatchedConnection(asyncio.Protocol):
    """One connection: passes everything on to `inner`, and ends if no head becomes whole in time.

    Between two requests the web server has a limit of its own, until the first byte of the next one.
    """

    def __init__(self, inner: asyncio.Protocol, heads: Heads) -> None:
        self._inner = inner
        self._heads = heads
        self._requests = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none, but do the same
        self._address: Address = tuple(transport.get_extra_info("peername", ("", 0))[:2])
        self._heads.connections[self._address] = self
        self._wait()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on; outside of a request they are the beginning of the next head."""
        if not self._requests and self._timer is None:
            self._wait()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on that the client has sent everything."""
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        if self._heads.connections.get(self._address) is self:
            del self._heads.connections[self._address]
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the client reads slowly."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the client reads again."""
        self._inner.resume_writing()

    def begin_request(self) -> None:
        """Note that a head is whole: from now on the application has limits of its own."""
        self._requests += 1
        self._stop_waiting()

    def end_request(self) -> None:
        """Note that a request is answered."""
        self._requests -= 1

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._heads.seconds, self._transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
