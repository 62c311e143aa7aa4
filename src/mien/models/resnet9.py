"""`resnet9`: a residual network of two million parameters, for a good answer within an hour of two cores.

The first layers are as wide as the later ones are at a quarter of the cost: processors run wide convolutions nearer to
their limit. The form is that of the networks that win CIFAR-10 races (Page 2018, "How to train your ResNet").
"""

from __future__ import annotations

from mien.models.network import Network
from mien.models.small import stack
from mien.recipes.schema import ModelConfig


def build_resnet9(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return the network for faces of side `size` (a multiple of 16)."""
    return stack(config, 64, (64, 128, 256), classes=classes, size=size)
