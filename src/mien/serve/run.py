"""A running server. In: an application and an address. Out: requests answered until SIGTERM or Ctrl-C."""

from __future__ import annotations

import errno
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from mien.errors import ConfigError

BACKLOG = 512
DRAIN_SECONDS = 30
KEEP_ALIVE_SECONDS = 5
HEAD_SECONDS = 10.0
"""A connection may stay so long without a whole request head; trickling one byte at a time gains nobody more."""


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is any free one.

    Raises:
        ConfigError: the port is in use or may not be used, or the host is none of this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except socket.gaierror as error:
        raise ConfigError(f"--host {host}: expected an address of this machine ({error.strerror})") from error
    except OSError as error:
        raise ConfigError(_explain(host, port, error)) from error


def _explain(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"--port {port}: another program listens there; choose another port, or 0 for any free one"
    if error.errno == errno.EACCES:
        return f"--port {port}: this user may not listen there; choose a port from 1024 on"
    return f"--host {host} --port {port}: cannot listen there ({error.strerror or error})"


def run_server(app: ASGIApp, listening: socket.socket, *, on_start: Callable[[], None]) -> None:
    """Serve `app` until SIGTERM (the process ends with status 0) or Ctrl-C; what was accepted is finished first."""
    signal.signal(signal.SIGTERM, _end)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,  # no addresses, no paths: nothing is stored
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_notify=1,
    )
    server = uvicorn.Server(config)
    config.callback_notify = watch_heads(server)
    on_start()
    server.run(sockets=[listening])


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def watch_heads(server: uvicorn.Server) -> Callable[[], Awaitable[None]]:
    """Return what closes, called about once a second, the connections whose next request does not arrive."""
    since: dict[tuple[object, object], float] = {}

    async def close_slow() -> None:
        nonlocal since
        now = time.monotonic()
        idle = [
            connection
            for connection in server.server_state.connections
            if connection.cycle is None or connection.cycle.response_complete
        ]
        since = {(connection, connection.cycle): since.get((connection, connection.cycle), now) for connection in idle}
        for connection in idle:
            if now - since[connection, connection.cycle] > HEAD_SECONDS:
                connection.transport.abort()

    return close_slow
