"""Exponential moving average of weights. In: a network after each step. Out: a smoother network to evaluate."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def start_average(network: nn.Module) -> nn.Module:
    """Return a copy of `network` that will hold the average; it never needs gradients."""
    return copy.deepcopy(network).requires_grad_(False).eval()


def rate_of_average(decay: float, step: int) -> float:
    """Return how far the average moves towards the weights after a step, from 0 to 1: 1 − d.

    The decay grows as d = min(decay, (1 + step) / (10 + step)), so that the first, random weights are soon forgotten
    (as in TensorFlow's ExponentialMovingAverage with num_updates).
    """
    return 1.0 - min(decay, (1.0 + step) / (10.0 + step))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, rate: float | Tensor) -> None:
    """Move `average` towards `network`: a ← a + rate·(w − a), batch-norm statistics included; integers are copied.

    Args:
        average: what `start_average` returned.
        network: after a step.
        rate: see `rate_of_average`; a tensor () on their device, or a number.
    """
    held, fresh = average.state_dict(), network.state_dict()
    moving = [name for name, value in held.items() if value.is_floating_point()]
    before, after = [held[name] for name in moving], [fresh[name] for name in moving]
    if isinstance(rate, Tensor):
        way = torch._foreach_sub(after, before)
        torch._foreach_mul_(way, rate)
        torch._foreach_add_(before, way)
    else:
        torch._foreach_lerp_(before, after, rate)
    for name in held.keys() - set(moving):
        held[name].copy_(fresh[name])
