"""`Network`: what every model is, from pictures to logits. Normalisation is part of it, so no caller can forget it."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WHITE = 255.0
MEAN, DEVIATION = 0.5, 0.25
"""Grey levels of faces centre near 0.5 with a standard deviation near 0.25 (FER2013's train: 0.508 and 0.255)."""


def resize(pictures: Tensor, side: int) -> Tensor:
    """Return float `pictures` (N, 1, H, W) at `side` in pixels, smoothly; the very same where they have it."""
    if pictures.shape[-2:] == (side, side):
        return pictures
    return F.interpolate(pictures, (side, side), mode="bilinear", antialias=True)


@final
class Network(nn.Module):
    """A classifier of grey faces.

    Args:
        layers: maps float32 (N, 1, S, S) to logits (N, classes).
        size: the side S in pixels that the layers are built for.
        channels_last: whether the layers are faster with channels last in memory. Narrow convolutions on a CPU gain a
            third; wide ones with RReLU, as in `report-cnn`, lose as much.
    """

    def __init__(self, layers: nn.Sequential, *, size: int, channels_last: bool = False) -> None:
        super().__init__()
        self.layers = layers
        self.size = size
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, classes) of `images`: uint8 0–255, or float in [0, 1]; (N, S, S) or (N, 1, S, S)."""
        images = images.unsqueeze(1) if images.ndim == 3 else images
        pixels = images.float() / WHITE if images.dtype == torch.uint8 else images
        pixels = ((pixels - MEAN) / DEVIATION).contiguous(memory_format=self.memory_format)
        logits: Tensor = self.layers(pixels)
        return logits
