"""Both widths of vectors: whatever this processor has, either gives results on any."""

from __future__ import annotations

import ctypes
import functools

import pytest

from mien.native import ops
from mien.native.build import build_library


@functools.cache
def open_library(lanes: int) -> ctypes.CDLL:
    """Return the library with so many floats in a vector, built once a process."""
    return build_library(lanes=lanes)


@pytest.fixture(params=[8, 16], ids=["8 lanes", "16 lanes"])
def lanes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let torch's operators call the library with vectors of this width, and return the width."""
    library = open_library(request.param)
    monkeypatch.setattr(ops, "load_library", lambda: library)
    return int(request.param)
