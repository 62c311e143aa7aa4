"""`report-cnn`: the network of the course report, 29 layers, 39,569,799 parameters."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from mien.models.network import Network
from mien.native.rrelu import RReLU
from mien.recipes.schema import ModelConfig

CHANNELS = (1, 64, 128, 256, 512)
HIDDEN = (4096, 1024, 256)


def build_report_cnn(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return the network for faces of side `size` (a multiple of 16; the report's is 64).

    Four blocks of convolution, batch norm, activation, max-pool and dropout; then linear layers 4096, 1024, 256 and
    the classes. RReLU follows the first convolution and the linear layers, ReLU the other convolutions.
    """
    blocks: list[nn.Module] = []
    for index, (channels_in, channels_out) in enumerate(pairwise(CHANNELS)):
        blocks += [
            nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1),
            nn.BatchNorm2d(channels_out),
            RReLU() if index == 0 else nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(config.dropout_conv),
        ]
    features = CHANNELS[-1] * (size // 2 ** (len(CHANNELS) - 1)) ** 2
    head: list[nn.Module] = [
        nn.Flatten(),
        nn.Dropout(config.dropout_dense),
        nn.Linear(features, HIDDEN[0]),
        RReLU(),
        nn.Dropout(config.dropout_dense),
        nn.Linear(HIDDEN[0], HIDDEN[1]),
        RReLU(),
        nn.Linear(HIDDEN[1], HIDDEN[2]),
        RReLU(),
        nn.Linear(HIDDEN[2], classes),
    ]
    return Network(nn.Sequential(*blocks, *head), size=size, channels_last=True)
