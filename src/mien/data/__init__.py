"""Read labelled faces: a path goes in, `Splits` of uint8 grey images come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mien.faces import UNLABELLED, Faces, Splits

if TYPE_CHECKING:
    from mien.data.loading import load

__all__ = ["UNLABELLED", "Faces", "Splits", "load"]


def __getattr__(name: str) -> Any:
    """Bring in the readers when they are first named: recognition takes pictures from here, and starts in a moment."""
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mien.data.loading import load

    return load
