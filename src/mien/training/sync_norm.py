"""Batch norm over the faces of all processes, so that N processes normalise as one with an N times larger batch would.

In: a network that is trained in several processes. Out: the same network, its batch norms replaced; parameters, buffers
and their names stay. Torch's own SyncBatchNorm does it on GPUs; it refuses CPUs, where `SyncNorm` takes its place.
"""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, distributed, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def synchronise_norms(network: nn.Module, device: torch.device) -> None:
    """Replace every batch norm inside `network`."""
    for name, module in network.named_children():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            convert = SyncNorm if device.type == "cpu" else nn.SyncBatchNorm.convert_sync_batchnorm
            setattr(network, name, convert(module).train(module.training))
        else:
            synchronise_norms(module, device)


@final
class SyncNorm(nn.Module):
    """Batch norm (Ioffe and Szegedy 2015) with the mean and variance of the maps in all processes.

    Args:
        norm: the batch norm whose parameters and running statistics it takes over.
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__()
        self.eps, self.momentum = norm.eps, norm.momentum
        self.weight, self.bias = norm.weight, norm.bias
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, getattr(norm, name))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the normalised maps, of the shape (N, C, …) that they came in."""
        if not self.training:
            return F.batch_norm(maps, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        mean, variance, count = measure_maps(maps.float() if maps.element_size() < 4 else maps)
        self._remember(mean.detach(), variance.detach(), count)
        scale = torch.rsqrt(variance + self.eps)
        scale = scale if self.weight is None else scale * self.weight
        shape = (1, -1, *(1,) * (maps.ndim - 2))
        normal = (maps - mean.view(shape)) * scale.view(shape)
        normal = normal if self.bias is None else normal + self.bias.view(shape)
        return normal.to(maps.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        rate = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, rate)
        self.running_var.lerp_(variance * count / (count - 1.0), rate)


def measure_maps(maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean (C,), biased variance (C,) and number of values per channel over all processes, differentiably.

    With nₚ values of mean mₚ and variance vₚ in process p, the mean is m = Σ nₚmₚ / Σ nₚ and the variance
    Σ nₚ(vₚ + (mₚ − m)²) / Σ nₚ (Chan, Golub and LeVeque 1983): two small messages, and no difference of large squares.

    Args:
        maps: (N, C, …), in each process its own.
    """
    axes = [axis for axis in range(maps.ndim) if axis != 1]
    own_variance, own_mean = torch.var_mean(maps, axes, correction=0)
    own = maps.new_tensor([maps.numel() / maps.shape[1]])
    sums = add_up(torch.cat((own_mean * own, own)))
    count = sums[-1].detach()
    mean = sums[:-1] / count
    variance = add_up((own_variance + (own_mean - mean) ** 2) * own) / count
    return mean, variance, count


def add_up(values: Tensor) -> Tensor:
    """Return the sum of `values` over all processes, the same bits in each; gradients are summed likewise."""
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total


@final
class _Sum(torch.autograd.Function):
    """Every output is the sum over the processes; the gradient of an input is the sum of those of the outputs."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total
