"""`small`: a residual network of under half a million parameters for laptops.

The face is first folded 2×2 into four channels (pixel unshuffle), which keeps every grey level and makes each later
convolution four times cheaper; two residual stages at a quarter and an eighth of the side follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, final

from torch import Tensor, nn

from mien.models.network import Network
from mien.recipes.schema import ModelConfig


@final
class Residual(nn.Module):
    """x + f(x), with f two convolution blocks of the same width (He et al. 2016, section 3)."""

    adds_input_to: Final = "branch"
    """Tells `mien.native.accelerate` what the forward pass does."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(*convolve(channels, channels), *convolve(channels, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Return (N, channels, H, W) for the same shape."""
        total: Tensor = maps + self.branch(maps)
        return total


def build_small(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return the network for faces of side `size` (a multiple of 8)."""
    return stack(config, 32, (64, 128), classes=classes, size=size)


def stack(
    config: ModelConfig, first: int, widths: Sequence[int], *, last_halves: bool = True, classes: int, size: int
) -> Network:
    """Return a residual network on folded faces: the form of `small`, `compact` and `resnet9`.

    Args:
        config: its dropout rates are taken.
        first: channels of the first convolution.
        widths: channels of each stage: a convolution, 2×2 max-pool, a residual block.
        last_halves: whether the last stage has pool and block; otherwise its maps go straight to their maxima.
        classes: number of expressions.
        size: side of the faces.
    """
    layers: list[nn.Module] = [nn.PixelUnshuffle(2), *convolve(4, first)]
    for index, (before, width) in enumerate(pairwise((first, *widths)), start=1):
        layers += convolve(before, width)
        if index < len(widths) or last_halves:
            layers += [nn.MaxPool2d(2), Residual(width)]
        if index < len(widths):
            layers.append(nn.Dropout2d(config.dropout_conv))
    last = widths[-1]
    layers += [
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.BatchNorm1d(last),  # maxima over a map are large: without it training starts with a loss near 50
        nn.Dropout(config.dropout_dense),
        nn.Linear(last, classes),
    ]
    return Network(nn.Sequential(*layers), size=size, channels_last=True)


def convolve(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    """Return a 3×3 convolution that keeps the side, batch norm and ReLU."""
    convolution = nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)
