"""`small`: a residual network of under half a million parameters for laptops.

The face is first folded 2×2 into four channels (pixel unshuffle), which keeps every grey level and makes each later
convolution four times cheaper; two residual stages at a quarter and an eighth of the side follow.
"""

from __future__ import annotations

from typing import final

from torch import Tensor, nn

from mien.config import ModelConfig
from mien.models.native import Chain
from mien.models.network import Network


@final
class Residual(nn.Module):
    """x + f(x), with f two convolution blocks of the same width (He et al. 2016, section 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = Chain(*convolve(channels, channels), *convolve(channels, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Return (N, channels, H, W) for the same shape."""
        total: Tensor = maps + self.branch(maps)
        return total


def build_small(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return the network for faces of side `size` (a multiple of 8)."""
    layers = Chain(
        nn.PixelUnshuffle(2),
        *convolve(4, 32),
        *convolve(32, 64),
        nn.MaxPool2d(2),
        Residual(64),
        nn.Dropout2d(config.dropout_conv),
        *convolve(64, 128),
        nn.MaxPool2d(2),
        Residual(128),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.BatchNorm1d(128),  # maxima over a map are large: without it training starts with a loss near 50
        nn.Dropout(config.dropout_dense),
        nn.Linear(128, classes),
    )
    return Network(layers, size=size, channels_last=True)


def convolve(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    """Return a 3×3 convolution that keeps the side, batch norm and ReLU."""
    convolution = nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)
