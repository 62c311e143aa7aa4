"""`slim` and `slim-wide`: three residual stages that begin narrow, for the most accuracy per operation.

As `small` and `compact` they fold the face and pool three times, but where maps are large they are half as wide: what
that saves goes into a third residual stage and more passes over the faces.
"""

from __future__ import annotations

from mien.models.network import Network
from mien.models.small import stack
from mien.recipes.schema import ModelConfig


def build_slim(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return the network for faces of side `size` (a multiple of 16)."""
    return stack(config, 32, (32, 64, 128), classes=classes, size=size)


def build_slim_wide(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return the network at one and a half times the width, twice the work."""
    return stack(config, 32, (48, 96, 192), classes=classes, size=size)
