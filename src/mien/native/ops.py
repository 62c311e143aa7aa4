"""The compiled loops as operators of torch: `torch.ops.mien.*`, with the shapes of their results.

Each takes and returns float32 CPU tensors; maps are (N, C, H, W), best with channels last in memory, and so returned.
Kernels are (3, 3, C, D). Wrong types and sizes raise ValueError. `mien.native.rules` has their gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.library import Library, infer_schema, register_fake

from mien.native.build import load_library

WIDTH = 32
"""Channels come in multiples of this: two vectors of the widest processors."""

FEW = 8
"""So many channels at most has a first layer."""

LAST = torch.channels_last

LIBRARY = Library("mien", "FRAGMENT")  # type: ignore[no-untyped-call]
"""Of operators. They are defined in it one by one: one of `torch.library.custom_op` costs a call 40 µs more."""


def _operator(function: Callable[..., Any], *, changes: tuple[str, ...] = ()) -> Any:
    """Register `function` as an operator for a CPU, which changes the arguments named, and return that."""
    name = function.__name__
    LIBRARY.define(name + infer_schema(function, mutates_args=changes))  # type: ignore[no-untyped-call]
    LIBRARY.impl(name, function, "CPU")  # type: ignore[no-untyped-call]
    return getattr(torch.ops.mien, name).default


@_operator
def convolve(x: Tensor, kernels: Tensor) -> Tensor:
    """Return the 3×3 convolution (stride 1, zeros around) of `x` (N, C, H, W) with `kernels` (3, 3, C, D).

    Differs from torch's by rounding alone: less than 4e-5 of the largest value.
    """
    return _correlate(x, kernels)


@_operator
def convolve_weights(x: Tensor, grad_output: Tensor) -> Tensor:
    """Return the gradient (3, 3, C, D) of the kernels of `convolve`, from (N, C, H, W) and (N, D, H, W)."""
    _check_maps(x, grad_output)
    x, grad_output = x.contiguous(memory_format=LAST), grad_output.contiguous(memory_format=LAST)
    result = x.new_empty((3, 3, x.shape[1], grad_output.shape[1]))
    _check_channels(*result.shape[2:])
    _call("convolve_weights", x, grad_output, result, *_sizes(x, result))
    return result


@_operator
def convolve_epilogue(
    x: Tensor, kernels: Tensor, shift: Tensor, residual: Tensor | None, slope: float, pool: bool
) -> Tensor:
    """Return `convolve` with its epilogue: `shift` (D,) added, rectified, pooled, `residual` added.

    Args:
        x: (N, C, H, W).
        kernels: (3, 3, C, D).
        shift: (D,).
        residual: of the shape of the result; None with `pool`.
        slope: factor of what is below zero.
        pool: whether the largest of each 2×2 is taken; H and W are even then.
    """
    return _correlate(x, kernels, shift, residual, slope, pool)


@_operator
def norm_train(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    seeds: Tensor,
    eps: float,
    lower: float,
    upper: float,
    pool: bool,
    dropout: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return batch norm of `x` with its epilogue; the mean (C,) and the biased variance (C,), which have no gradient.

    Args:
        x: (N, C, H, W).
        weight: (C,).
        bias: (C,).
        seeds: int64 (2,): of the slopes, and of dropout.
        eps: added to the variance.
        lower: least factor of what is below zero, drawn evenly up to `upper`; both are 0 for ReLU.
        upper: the largest.
        pool: whether the largest of each 2×2 is taken; H and W are even then.
        dropout: rate of zeros in the result, at least 0 and less than 1.
    """
    _check_maps(x)
    x = x.contiguous(memory_format=LAST)
    result = _empty(x, x.shape, pool)
    mean, variance = x.new_empty(x.shape[1]), x.new_empty(x.shape[1])
    rest = (eps, lower, upper, pool, dropout)
    _call("norm_forward", x, result, *_check_vectors(x, weight, bias), mean, variance, *_describe(x, seeds, *rest))
    return result, mean, variance


@_operator
def norm_train_backward(
    grad_output: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    seeds: Tensor,
    eps: float,
    lower: float,
    upper: float,
    pool: bool,
    dropout: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of `x`, `weight` and `bias` of `norm_train`; random numbers are drawn again."""
    _check_maps(x, grad_output)
    x, grad_output = x.contiguous(memory_format=LAST), grad_output.contiguous(memory_format=LAST)
    vectors = _check_vectors(x, weight, bias, mean, variance)
    grads = torch.empty_like(x), torch.empty_like(vectors[0]), torch.empty_like(vectors[1])
    rest = (eps, lower, upper, pool, dropout)
    _call("norm_backward", x, grad_output, grads[0], *vectors, *grads[1:], *_describe(x, seeds, *rest))
    return grads


@_operator
def norm_apply(
    x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, eps: float, slope: float, pool: bool
) -> Tensor:
    """Return batch norm of `x` (N, C, H, W) with the statistics given, rectified with `slope`, pooled if wanted."""
    _check_maps(x)
    x = x.contiguous(memory_format=LAST)
    result = _empty(x, x.shape, pool)
    vectors = _check_vectors(x, weight, bias, mean, variance)
    _call("norm_apply", x, result, *vectors, *_describe(x, None, eps, slope, slope, pool, 0.0))
    return result


@_operator
def draw_epilogue(like: Tensor, seeds: Tensor, lower: float, upper: float, dropout: float) -> Tensor:
    """Return what the epilogue of `norm_train` makes of the values `like` (N, C, H, W) with these random numbers."""
    _check_maps(like)
    like = like.contiguous(memory_format=LAST)
    ones, zeros = like.new_ones(like.shape[1]), like.new_zeros(like.shape[1])
    result = torch.empty_like(like)
    rest = _describe(like, seeds, 0.0, lower, upper, False, dropout)
    _call("norm_apply", like, result, ones, zeros, zeros, ones, *rest)
    return result


@partial(_operator, changes=("mean", "variance", "count"))
def update_statistics(
    mean: Tensor, variance: Tensor, count: Tensor, batch_mean: Tensor, batch_variance: Tensor, momentum: float
) -> None:
    """Move a batch norm's running statistics as torch does, in place; the variances are unbiased.

    One operator, because torch.func refuses to change captured tensors one by one.
    """
    count.add_(1)
    mean.lerp_(batch_mean, momentum)
    variance.lerp_(batch_variance, momentum)


def _correlate(
    x: Tensor,
    kernels: Tensor,
    shift: Tensor | None = None,
    residual: Tensor | None = None,
    slope: float = 0.0,
    pool: bool = False,
) -> Tensor:
    _check_maps(x)
    if kernels.shape[:3] != (3, 3, x.shape[1]):
        raise ValueError(f"expected kernels (3, 3, {x.shape[1]}, D), found {tuple(kernels.shape)}")
    _check_channels(*kernels.shape[2:])
    if shift is not None and shift.shape != kernels.shape[3:]:
        raise ValueError(f"expected a shift ({kernels.shape[3]},), found {tuple(shift.shape)}")
    x = x.contiguous(memory_format=LAST)
    result = _empty(x, (x.shape[0], kernels.shape[3], *x.shape[2:]), pool)
    if residual is not None:
        if pool or residual.shape != result.shape:
            raise ValueError("expected a residual of the shape of the result, which is not pooled")
        residual = residual.contiguous(memory_format=LAST)
    kernels, shift = kernels.contiguous(), None if shift is None else shift.contiguous()
    _call("convolve", x, kernels, result, *_sizes(x, kernels), shift, residual, slope, pool)
    return result


def _sizes(x: Tensor, kernels: Tensor) -> tuple[int, ...]:
    count, channels, height, width = x.shape
    return count, height, width, channels, kernels.shape[3]


def _describe(
    x: Tensor, seeds: Tensor | None, eps: float, lower: float, upper: float, pool: bool, dropout: float
) -> tuple[Any, ...]:
    """Return what the three functions of the norm have in common; `seeds` is None where nothing is random."""
    count, channels, height, width = x.shape
    slope_seed, dropout_seed = (0, 0) if seeds is None else map(int, seeds.tolist())
    return count, height, width, channels, eps, pool, lower, upper, slope_seed, dropout, dropout_seed


def _empty(x: Tensor, shape: Sequence[int], pool: bool) -> Tensor:
    """Return maps for a result of `shape`, which is halved by `pool`."""
    count, channels, height, width = shape
    if pool:
        height, width = height // 2, width // 2
    return torch.empty((count, channels, height, width), dtype=x.dtype, device=x.device, memory_format=LAST)


def _check_maps(*maps: Tensor) -> None:
    for x in maps:
        if x.ndim != 4 or x.dtype != torch.float32 or not x.numel():
            raise ValueError(f"expected float32 maps (N, C, H, W), found {x.dtype} {tuple(x.shape)}")


def _check_channels(channels: int, kernels: int) -> None:
    if kernels % WIDTH or (channels % WIDTH and channels > FEW):
        found = f"{channels} and {kernels}"
        raise ValueError(f"expected channels in multiples of {WIDTH}, or at most {FEW} to begin with, found {found}")


def _check_vectors(x: Tensor, *vectors: Tensor) -> list[Tensor]:
    channels = x.shape[1]
    if channels % WIDTH or any(vector.shape != (channels,) or vector.dtype != torch.float32 for vector in vectors):
        raise ValueError(f"expected channels in multiples of {WIDTH} and a float32 value for each, found {channels}")
    return [vector.contiguous() for vector in vectors]


def _call(name: str, *arguments: Any) -> None:
    """Call a function of the library with tensors by address, and with torch's number of threads."""
    library = load_library()
    if library is None:
        raise RuntimeError(f"mien::{name} needs the compiled loops, which are not there on this machine")
    plain = [value.data_ptr() if isinstance(value, Tensor) else value for value in arguments]
    if getattr(library, name)(*plain, torch.get_num_threads()):
        raise MemoryError(f"no memory for {name}")


# Shapes, for torch.compile and other tracing.


@register_fake("mien::convolve", lib=LIBRARY)  # type: ignore[untyped-decorator]
def _shape_convolve(x: Tensor, kernels: Tensor) -> Tensor:
    return _empty(x, (x.shape[0], kernels.shape[3], *x.shape[2:]), False)


@register_fake("mien::convolve_weights", lib=LIBRARY)  # type: ignore[untyped-decorator]
def _shape_weights(x: Tensor, grad_output: Tensor) -> Tensor:
    return x.new_empty((3, 3, x.shape[1], grad_output.shape[1]))


@register_fake("mien::convolve_epilogue", lib=LIBRARY)  # type: ignore[untyped-decorator]
def _shape_epilogue(
    x: Tensor, kernels: Tensor, shift: Tensor, residual: Tensor | None, slope: float, pool: bool
) -> Tensor:
    return _empty(x, (x.shape[0], kernels.shape[3], *x.shape[2:]), pool)


@register_fake("mien::norm_train", lib=LIBRARY)  # type: ignore[untyped-decorator]
def _shape_norm(
    x: Tensor, weight: Tensor, bias: Tensor, seeds: Tensor, eps: float, lower: float, upper: float, pool: bool, _: float
) -> tuple[Tensor, Tensor, Tensor]:
    return _empty(x, x.shape, pool), x.new_empty(x.shape[1]), x.new_empty(x.shape[1])


@register_fake("mien::norm_train_backward", lib=LIBRARY)  # type: ignore[untyped-decorator]
def _shape_norm_backward(grad_output: Tensor, x: Tensor, weight: Tensor, bias: Tensor, *_: Any) -> tuple[Tensor, ...]:
    return _empty(x, x.shape, False), weight.new_empty(weight.shape), bias.new_empty(bias.shape)


@register_fake("mien::norm_apply", lib=LIBRARY)  # type: ignore[untyped-decorator]
def _shape_apply(
    x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, eps: float, slope: float, pool: bool
) -> Tensor:
    return _empty(x, x.shape, pool)


@register_fake("mien::draw_epilogue", lib=LIBRARY)  # type: ignore[untyped-decorator]
def _shape_draw(like: Tensor, seeds: Tensor, lower: float, upper: float, dropout: float) -> Tensor:
    return _empty(like, like.shape, False)


register_fake("mien::update_statistics", lambda *_: None, lib=LIBRARY)
