"""Pictures, forms, and `mien serve` as a process of its own, spoken to over a socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image


def encode(picture: np.ndarray[Any, Any], kind: str = "PNG") -> bytes:
    """Return the bytes of a picture file."""
    file = BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()


def draw_noise(seed: int = 0, side: int = 40) -> np.ndarray[Any, Any]:
    """Return a grey picture of noise."""
    return np.random.default_rng(seed).integers(0, 256, (side, side)).astype(np.uint8)


def make_form(*files: tuple[str, bytes]) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers of a form with these files."""
    parts = b"".join(
        b"--edge\r\n"
        + f'Content-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, data in files
    )
    return parts + b"--edge--\r\n", {"Content-Type": "multipart/form-data; boundary=edge"}


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as values."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """A running `mien serve`."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, path: str, body: Any = None, *, method: str | None = None, **headers: str) -> Reply:
        """Send one request on a connection of its own; underscores in names of headers become dashes."""
        connection = HTTPConnection("127.0.0.1", self.port)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method or ("GET" if body is None else "POST"), path, body=body, headers=named)
        response = connection.getresponse()
        reply = Reply(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return reply

    @contextmanager
    def begin(self, body: bytes, *, sent: int, authorization: str = "") -> Iterator[socket.socket]:
        """Yield a connection on which a request is under way: `sent` bytes of its body have gone out."""
        head = f"POST /v1/recognise?detect=false HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(f"{head}Authorization: {authorization}\r\n\r\n".encode() + body[:sent])
            yield connection


@contextmanager
def run_serve(*options: object, **variables: str) -> Iterator[Server]:
    """Yield a server on a free port."""
    command = [sys.executable, "-m", "mien", "serve", "--port", "0", *map(str, options)]
    environment = {**os.environ, **variables}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield Server(process, int(line.split()[0].rpartition(":")[2]))
        finally:
            process.kill()
