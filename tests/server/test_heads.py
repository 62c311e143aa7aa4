"""The limit for heads does not depend on whose event loop carries the connections."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
from serving import run_serve

from mien.labels import EXPRESSIONS
from mien.server.heads import Heads
from tiny_network import write_network


def test_a_loop_may_bring_transports_of_its_own() -> None:
    """Uvloop's are no `asyncio.Transport`: a client that sends nothing is cut off all the same."""

    async def connect() -> None:
        cut = asyncio.Event()
        transport = SimpleNamespace(get_extra_info=lambda *_: ("127.0.0.1", 5), abort=cut.set)
        Heads(0.0).watch(asyncio.Protocol)().connection_made(transport)
        await cut.wait()

    asyncio.run(connect())


@pytest.mark.slow
def test_a_server_under_uvloop_answers(tmp_path: Path) -> None:
    """Uvicorn takes it where it is installed, as `uvicorn[standard]` does."""
    pytest.importorskip("uvloop", reason="uvloop is missing: pip install uvloop")
    write_network(tmp_path / "tiny.onnx", classes=EXPRESSIONS)
    with (
        run_serve("--run", tmp_path / "tiny.onnx") as server,
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/openapi.json") as answer,
    ):
        assert json.load(answer)["paths"]
