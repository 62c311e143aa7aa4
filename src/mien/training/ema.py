"""Exponential moving average of weights. In: a network after each step. Out: a smoother network to evaluate."""

from __future__ import annotations

import copy

import torch
from torch import nn


def start_average(network: nn.Module) -> nn.Module:
    """Return a copy of `network` that will hold the average; it never needs gradients."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, *, decay: float, step: int) -> None:
    """Move `average` towards `network`: a ← d·a + (1 − d)·w, batch-norm statistics included; integers are copied.

    The decay grows as d = min(decay, (1 + step) / (10 + step)), so that the first, random weights are soon forgotten
    (as in TensorFlow's ExponentialMovingAverage with num_updates).
    """
    rate = 1.0 - min(decay, (1.0 + step) / (10.0 + step))
    held, fresh = average.state_dict(), network.state_dict()
    moving = [name for name, value in held.items() if value.is_floating_point()]
    torch._foreach_lerp_([held[name] for name in moving], [fresh[name] for name in moving], rate)
    for name in held.keys() - set(moving):
        held[name].copy_(fresh[name])
