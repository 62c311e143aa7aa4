"""`Network`: what every model is, from pictures to logits. Normalisation is part of it, so no caller can forget it."""

from __future__ import annotations

import copy
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.errors import ConfigError

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
        normalised: whether the layers take pixels less `MEAN`, divided by `DEVIATION`; otherwise they are in [0, 1].
    """

    def __init__(
        self, layers: nn.Sequential, *, size: int, channels_last: bool = False, normalised: bool = True
    ) -> None:
        super().__init__()
        self.layers = layers
        self.size = size
        self.mean, self.deviation = (MEAN, DEVIATION) if normalised else (0.0, 1.0)
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, classes) of `images`: uint8 0–255, or float in [0, 1]; (N, S, S) or (N, 1, S, S)."""
        images = images.unsqueeze(1) if images.ndim == 3 else images
        pixels = images.float() / WHITE if images.dtype == torch.uint8 else images
        pixels = ((pixels - self.mean) / self.deviation).contiguous(memory_format=self.memory_format)
        logits: Tensor = self.layers(pixels)
        return logits


def wrap_module(module: nn.Module, *, name: str, classes: int, size: int) -> Network:
    """Return any module that maps float32 (N, 1, S, S) in [0, 1] to logits (N, classes) as a `Network`.

    Raises:
        ConfigError: it is no module, or does not map so.
    """
    if isinstance(module, Network):
        return module
    if not isinstance(module, nn.Module):
        raise ConfigError(f"model {name}: expected a torch.nn.Module, found {type(module).__name__}")
    if torch.zeros(()).is_meta:  # shapes alone are asked for: not every module can say them without numbers
        return Network(nn.Sequential(module), size=size, normalised=False)
    first = next(module.parameters(), None)
    pictures = torch.zeros(2, 1, size, size, device=None if first is None else first.device)
    try:
        with torch.no_grad():
            found = copy.deepcopy(module).eval()(pictures)  # a copy: the module keeps the mode that it is in
    except (RuntimeError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:160]
        takes = f"expected a module that takes (N, 1, {size}, {size})"
        raise ConfigError(f"model {name}: {takes}, found one that fails: {reason}") from None
    if not isinstance(found, Tensor) or found.shape != (2, classes):
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ConfigError(f"model {name}: expected logits (N, {classes}), found {shape} for N = 2")
    return Network(nn.Sequential(module), size=size, normalised=False)
