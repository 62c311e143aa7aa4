"""The compiled loops as functions with gradients. In and out: float32 CPU tensors (N, C, H, W), channels last."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from mien.native.build import load_library

WIDTH = 32
"""Channels come in multiples of this: two vectors of the widest processors."""

FEW = 8
"""So many channels at most has a first layer."""

LAST = torch.channels_last

_held = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What follows a batch norm.

    Attributes:
        lower, upper: limits of the slope below zero, drawn evenly: both 0 for ReLU.
        pool: whether the largest of each 2×2 is taken.
        dropout: probability of a zero at the end.
    """

    lower: float = 0.0
    upper: float = 0.0
    pool: bool = False
    dropout: float = 0.0


def fold(maps: Tensor, side: int) -> Tensor:
    """Return `torch.nn.functional.pixel_unshuffle` of `maps` (N, 1, H, W): (N, side², H / side, W / side)."""
    count, _, height, width = maps.shape
    shape = (count, side * side, height // side, width // side)
    result = torch.empty(shape, dtype=maps.dtype, device=maps.device, memory_format=LAST)
    for place in range(side * side):
        result[:, place] = maps[:, 0, place // side :: side, place % side :: side]
    return result


def convolve(maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return the 3×3 convolution (stride 1, zeros around) of `maps` (N, C, H, W) with `weight` (D, C, 3, 3).

    Differs from torch's by rounding alone: about 1e-5 of the largest value. With up to `FEW` channels `maps` gets no
    gradient.
    """
    result: Tensor = _Convolution.apply(maps, weight)  # type: ignore[no-untyped-call]
    return result if bias is None else result + bias.view(1, -1, 1, 1)


def normalise(maps: Tensor, weight: Tensor, bias: Tensor, eps: float, after: After) -> tuple[Tensor, Tensor, Tensor]:
    """Return batch norm of `maps` with what comes after it, the mean (C,) and the biased variance (C,).

    Random numbers follow from seeds that torch's global generator gives.
    """
    seeds = torch.randint(2**62, (2,)).tolist() if after.upper > after.lower or after.dropout else [0, 0]
    result: tuple[Tensor, Tensor, Tensor] = _Norm.apply(maps, weight, bias, eps, after, seeds)  # type: ignore[no-untyped-call]
    return result


def convolve_normalised(
    maps: Tensor, convolution: nn.Conv2d, norm: nn.BatchNorm2d, after: After, plus: Tensor | None = None
) -> Tensor:
    """Return `apply_norm` of the 3×3 convolution of `maps`, as one: the norm is folded into the weights.

    Keeps nothing for a way back: for evaluation. `plus`, of the result's shape, is added to it; not after a pool.
    """
    assert plus is None or not after.pool
    kernels, shift = _find_kept(convolution, norm)
    return _correlate(maps.contiguous(memory_format=LAST), kernels, shift, after, plus)


@contextmanager
def keep_kernels() -> Iterator[None]:
    """Let what is made of a convolution's weights and its norm for one batch serve the next ones, in this thread.

    For evaluation: until the end neither weights nor statistics may change, and no network may go.
    """
    before = getattr(_held, "kernels", None)
    _held.kernels = {}
    try:
        yield
    finally:
        _held.kernels = before


def _find_kept(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    kept: dict[tuple[int, int], tuple[Tensor, Tensor]] | None = getattr(_held, "kernels", None)
    if kept is None:
        return _fold_norm(convolution, norm)
    key = (id(convolution), id(norm))
    if key not in kept:
        kept[key] = _fold_norm(convolution, norm)
    return kept[key]


def _fold_norm(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return kernels (3, 3, C, D) and what is added (D,)."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    if convolution.bias is not None:
        shift += convolution.bias * scale
    return (convolution.weight.permute(2, 3, 1, 0) * scale).contiguous(), shift.contiguous()


def apply_norm(maps: Tensor, norm: nn.BatchNorm2d, after: After) -> Tensor:
    """Return batch norm of `maps` by its running statistics with what comes after it, nothing of it random.

    Keeps nothing for a way back: for evaluation.
    """
    maps = maps.contiguous(memory_format=LAST)
    result = torch.empty(_shape_after(maps.shape, after), dtype=maps.dtype, device=maps.device, memory_format=LAST)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    given = [value.contiguous() for value in (norm.weight, norm.bias, norm.running_mean, norm.running_var)]
    _call("norm_apply", maps, result, *given, *_describe(maps, norm.eps, after, [0, 0]))
    return result


@final
class _Convolution(Function):
    @staticmethod
    def forward(context: Any, maps: Tensor, weight: Tensor) -> Tensor:
        maps = maps.contiguous(memory_format=LAST)
        context.save_for_backward(maps, weight)
        return _correlate(maps, weight.permute(2, 3, 1, 0))

    @staticmethod
    @once_differentiable
    def backward(context: Any, slopes: Tensor) -> tuple[Tensor | None, Tensor | None]:
        maps, weight = context.saved_tensors
        slopes = slopes.contiguous(memory_format=LAST)
        to_maps = to_weight = None
        if context.needs_input_grad[0]:  # never with few channels
            to_maps = _correlate(slopes, weight.flip(2, 3).permute(2, 3, 0, 1))
        if context.needs_input_grad[1]:
            sums = maps.new_empty((3, 3, maps.shape[1], slopes.shape[1]))
            _call("convolve_weights", maps, slopes, sums, *_sizes(maps, slopes))
            to_weight = sums.permute(3, 2, 0, 1)
        return to_maps, to_weight


def _correlate(
    maps: Tensor,
    kernels: Tensor,
    shift: Tensor | None = None,
    after: After | None = None,
    plus: Tensor | None = None,
) -> Tensor:
    """Return (N, D, H, W) for `kernels` (3, 3, C, D), with `shift` (D,) added, what comes after it, and `plus`."""
    count, _, height, width = maps.shape
    after = after or After()
    assert kernels.shape[3] % WIDTH == 0
    assert not after.pool or height % 2 == width % 2 == 0
    shape = _shape_after((count, kernels.shape[3], height, width), after)
    result = torch.empty(shape, dtype=maps.dtype, device=maps.device, memory_format=LAST)
    kernels, shift = kernels.contiguous(), None if shift is None else shift.contiguous()
    plus = None if plus is None else plus.contiguous(memory_format=LAST)
    _call("convolve", maps, kernels, result, *_sizes(maps, result), shift, plus, after.lower, after.pool)
    return result


def _sizes(maps: Tensor, result: Tensor) -> tuple[int, ...]:
    count, channels, height, width = maps.shape
    return count, height, width, channels, result.shape[1]


@final
class _Norm(Function):
    @staticmethod
    def forward(
        context: Any, maps: Tensor, weight: Tensor, bias: Tensor, eps: float, after: After, seeds: list[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        maps = maps.contiguous(memory_format=LAST)
        result = torch.empty(_shape_after(maps.shape, after), dtype=maps.dtype, device=maps.device, memory_format=LAST)
        weight, bias = weight.contiguous(), bias.contiguous()
        mean, variance = maps.new_empty(maps.shape[1]), maps.new_empty(maps.shape[1])
        rest = _describe(maps, eps, after, seeds)
        _call("norm_forward", maps, result, weight, bias, mean, variance, *rest)
        context.save_for_backward(maps, weight, bias, mean, variance)
        context.rest = rest
        context.mark_non_differentiable(mean, variance)
        return result, mean, variance

    @staticmethod
    @once_differentiable
    def backward(context: Any, slopes: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        maps, weight, bias, mean, variance = context.saved_tensors
        slopes = slopes.contiguous(memory_format=LAST)
        to_maps, to_weight, to_bias = torch.empty_like(maps), torch.empty_like(weight), torch.empty_like(bias)
        found = (maps, slopes, to_maps, weight, bias, mean, variance, to_weight, to_bias)
        _call("norm_backward", *found, *context.rest)
        return to_maps, to_weight, to_bias, None, None, None


def _shape_after(shape: Sequence[int], after: After) -> tuple[int, ...]:
    count, channels, height, width = shape
    return (count, channels, height // 2, width // 2) if after.pool else (count, channels, height, width)


def _describe(maps: Tensor, eps: float, after: After, seeds: list[int]) -> tuple[Any, ...]:
    """Return what the three functions of the norm have in common."""
    count, channels, height, width = maps.shape
    behind = (after.pool, after.lower, after.upper, seeds[0], after.dropout, seeds[1])
    return count, height, width, channels, eps, *behind


def _call(name: str, *arguments: Any) -> None:
    """Call a function of the library with tensors by address, and with torch's number of threads."""
    plain = [value.data_ptr() if isinstance(value, Tensor) else value for value in arguments]
    if getattr(load_library(), name)(*plain, torch.get_num_threads()):
        raise MemoryError(f"no memory for {name}")
