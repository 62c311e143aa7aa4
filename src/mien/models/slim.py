"""`slim`: a residual network of nearly two million parameters, most of them where maps are smallest and cost least.

`resnet9` with half of the first layer and without its first block: as quick to recognise with as `compact`.
"""

from __future__ import annotations

from mien.config import ModelConfig
from mien.models.network import Network
from mien.models.small import stack


def build_slim(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return the network for faces of side `size` (a multiple of 16)."""
    return stack(config, 32, (64, 128, 256), first_adds=False, classes=classes, size=size)
