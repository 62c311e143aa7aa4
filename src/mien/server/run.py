"""A running server. In: an application and an address. Out: requests answered until SIGTERM or Ctrl-C."""

from __future__ import annotations

import errno
import signal
import socket
import sys
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from mien.errors import ConfigError
from mien.server.heads import Heads

BACKLOG = 512
DRAIN_SECONDS = 30
KEEP_ALIVE_SECONDS = 5


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is any free one.

    Raises:
        ConfigError: the port is in use or may not be used, or the host is none of this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except socket.gaierror as error:
        raise ConfigError(f"`host` {host}: expected an address of this machine ({error.strerror})") from error
    except OSError as error:
        raise ConfigError(_explain(host, port, error)) from error


def _explain(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"`port` {port}: another program listens there; choose another port, or 0 for any free one"
    if error.errno == errno.EACCES:
        return f"`port` {port}: this user may not listen there; choose a port from 1024 on"
    return f"`host` {host} `port` {port}: cannot listen there ({error.strerror or error})"


def run_server(app: ASGIApp, listening: socket.socket, *, client_seconds: float) -> None:
    """Serve `app` until SIGTERM (the process ends with status 0) or Ctrl-C; what was accepted is finished first.

    Args:
        app: the application.
        listening: the socket of `open_socket`.
        client_seconds: that a connection may stay without a whole request head, however it trickles in.
    """
    signal.signal(signal.SIGTERM, _end)
    heads = Heads(client_seconds)
    config = uvicorn.Config(
        heads.track(app),
        http=heads.watch(H11Protocol),  # type: ignore[arg-type]  # it is only called
        interface="asgi3",
        proxy_headers=False,  # nobody here asks for a client's address, and connections are known by theirs
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,  # no addresses, no paths: nothing is stored
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
