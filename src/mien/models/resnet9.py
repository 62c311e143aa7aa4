"""`resnet9`, two million parameters for an hour of two cores, and `resnet9-wide`, eight million for a GPU.

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


def build_resnet9_wide(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return the network at twice the width, four times the work: for a GPU, and as a teacher of small networks."""
    return stack(config, 128, (128, 256, 512), classes=classes, size=size)
