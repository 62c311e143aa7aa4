"""What a training costs. In: a network, how it is trained, how many faces. Out: multiply-adds, whatever the machine."""

from __future__ import annotations

from collections import Counter
from math import ceil

from mien.models.network import Network
from mien.models.summary import summarise
from mien.recipes.schema import TrainConfig
from mien.training.schedules import grow_side

PASSES = 3
"""A forward and a backward pass cost as much as three forward passes: each layer's gradients need two products."""


def count_multiply_adds(network: Network, config: TrainConfig, *, faces: int, epochs: int | None = None) -> int:
    """Return the multiply-adds of the plain mathematics of a training, forward and backward.

    Counted are convolutions and linear layers, as is usual, at the side at which each step shows its faces; not
    counted are valid, augmentation, the optimiser and teachers. Two operations each: a PFLOP is 0.5·10¹⁵ of them.

    Args:
        network: as it is trained, at the full side.
        config: batch, planned epochs, and how faces grow.
        faces: how many are shown in an epoch.
        epochs: how many were trained, at most `config.epochs`; None: all.
    """
    steps = ceil(faces / config.batch_size)
    sides = Counter(
        grow_side(
            (step + 0.5) / (config.epochs * steps),
            start=config.start_side,
            full=network.size,
            grow_fraction=config.grow_fraction,
        )
        for step in range(steps * (config.epochs if epochs is None else epochs))
    )
    each = sum(count * summarise(network, side=side).multiply_adds for side, count in sides.items())
    return round(PASSES * each * faces / steps)
