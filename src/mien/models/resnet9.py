"""`resnet9`: a residual network of two million parameters, for a good answer within an hour of two cores.

The first layers are as wide as the later ones are at a quarter of the cost: processors run wide convolutions nearer to
their limit. The form is that of the networks that win CIFAR-10 races (Page 2018, "How to train your ResNet").
"""

from __future__ import annotations

from torch import nn

from mien.config import ModelConfig
from mien.models.native import Chain
from mien.models.network import Network
from mien.models.small import Residual, convolve


def build_resnet9(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return the network for faces of side `size` (a multiple of 16)."""
    layers = Chain(
        nn.PixelUnshuffle(2),
        *convolve(4, 64),
        *convolve(64, 64),
        nn.MaxPool2d(2),
        Residual(64),
        nn.Dropout2d(config.dropout_conv),
        *convolve(64, 128),
        nn.MaxPool2d(2),
        Residual(128),
        nn.Dropout2d(config.dropout_conv),
        *convolve(128, 256),
        nn.MaxPool2d(2),
        Residual(256),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.BatchNorm1d(256),
        nn.Dropout(config.dropout_dense),
        nn.Linear(256, classes),
    )
    return Network(layers, size=size, channels_last=True)
