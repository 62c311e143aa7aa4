"""What torch has to know to transform the operators: their gradients (of any order) and torch.vmap.

A gradient of a convolution is a convolution again, so it is differentiated by the same loops; the gradient of the other
operators' gradient is computed with torch's own layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.library import register_autograd, register_vmap
from torch.nn import functional as F

from mien.native.ops import (
    WIDTH,
    convolve,
    convolve_epilogue,
    convolve_weights,
    draw_epilogue,
    norm_apply,
    norm_train,
    norm_train_backward,
)

OPERATORS = (
    convolve,
    convolve_weights,
    convolve_epilogue,
    norm_train,
    norm_train_backward,
    norm_apply,
    draw_epilogue,
)
"""Those that torch.vmap may batch."""


def _pull_back(function: Callable[..., Any], inputs: Sequence[Tensor | None], grads: Any) -> list[Tensor | None]:
    """Return the gradients of a function of torch's own layers at `inputs`, themselves differentiable; None for None."""
    places = [place for place, value in enumerate(inputs) if value is not None]

    def of_given(*given: Tensor) -> Any:
        filled: list[Tensor | None] = [None] * len(inputs)
        for place, value in zip(places, given, strict=True):
            filled[place] = value
        return function(*filled)

    pull = torch.func.vjp(of_given, *(inputs[place] for place in places))[1]
    found: list[Tensor | None] = [None] * len(inputs)
    for place, grad in zip(places, pull(grads), strict=True):
        found[place] = grad
    return found


def _save_inputs(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    """Keep tensors for the backward pass, and the other arguments beside them."""
    ctx.tensors = sum(isinstance(value, Tensor) or value is None for value in inputs)
    ctx.save_for_backward(*inputs[: ctx.tensors])
    ctx.rest = inputs[ctx.tensors :]


def _convolve_backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None]:
    x, kernels = ctx.saved_tensors
    to_x = to_kernels = None
    if ctx.needs_input_grad[0]:
        to_x = _convolve_back(grad_output, kernels)
    if ctx.needs_input_grad[1]:
        to_kernels = convolve_weights(x, grad_output)
    return to_x, to_kernels


def _convolve_back(grad_output: Tensor, kernels: Tensor) -> Tensor:
    """Return the gradient of `x` of `convolve`: a convolution with kernels turned around; torch's for few channels."""
    if kernels.shape[2] % WIDTH:
        return F.conv_transpose2d(grad_output, kernels.permute(3, 2, 0, 1), padding=1)
    result: Tensor = convolve(grad_output, kernels.flip(0, 1).transpose(2, 3))
    return result


def _weights_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
    x, grad_output = ctx.saved_tensors
    to_x = _convolve_back(grad_output, grad) if ctx.needs_input_grad[0] else None
    to_grad_output = convolve(x, grad) if ctx.needs_input_grad[1] else None
    return to_x, to_grad_output


def _epilogue_backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
    slope, pool = ctx.rest

    def compute(x: Tensor, kernels: Tensor, shift: Tensor, residual: Tensor | None) -> Tensor:
        result = F.leaky_relu(F.conv2d(x, kernels.permute(3, 2, 0, 1), shift, padding=1), slope)
        result = F.max_pool2d(result, 2) if pool else result
        return result if residual is None else result + residual

    return *_pull_back(compute, ctx.saved_tensors, grad_output), None, None


def _apply_backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
    eps, slope, pool = ctx.rest

    def compute(x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        scale = weight * torch.rsqrt(variance + eps)
        result = F.leaky_relu((x - mean.view(1, -1, 1, 1)) * scale.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1), slope)
        return F.max_pool2d(result, 2) if pool else result

    return *_pull_back(compute, ctx.saved_tensors, grad_output), None, None, None


def _save_norm(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    x, weight, bias, seeds, *ctx.rest = inputs
    ctx.mark_non_differentiable(*output[1:])
    ctx.save_for_backward(x, weight, bias, *output[1:], seeds)


def _norm_backward(ctx: Any, grad_output: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    grads = norm_train_backward(grad_output, *ctx.saved_tensors, *ctx.rest)
    return *grads, *(None,) * 6


def _norm_backward_twice(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
    grad_output, x, weight, bias, _, _, seeds = ctx.saved_tensors
    eps, lower, upper, pool, dropout = ctx.rest
    slopes: float | Tensor = lower
    if upper > lower:  # of a norm that leaves -1 as it is, they are what is left
        slopes = -draw_epilogue(-torch.ones_like(x), seeds, lower, upper, 0.0)
    kept = draw_epilogue(torch.ones_like(grad_output), seeds, 0.0, 0.0, dropout) if dropout else 1.0

    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        normal = F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
        result = torch.where(normal > 0.0, normal, normal * slopes)
        return (F.max_pool2d(result, 2) if pool else result) * kept

    def backward(grad_output: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> Any:
        return torch.func.vjp(forward, x, weight, bias)[1](grad_output)

    return *_pull_back(backward, (grad_output, x, weight, bias), grads), *(None,) * 8


register_autograd("mien::convolve", _convolve_backward, setup_context=_save_inputs)
register_autograd("mien::convolve_weights", _weights_backward, setup_context=_save_inputs)
register_autograd("mien::convolve_epilogue", _epilogue_backward, setup_context=_save_inputs)
register_autograd("mien::norm_train", _norm_backward, setup_context=_save_norm)
register_autograd("mien::norm_train_backward", _norm_backward_twice, setup_context=_save_inputs)
register_autograd("mien::norm_apply", _apply_backward, setup_context=_save_inputs)


# torch.vmap: one after the other. Statistics have no rule: as torch's batch norm, they refuse.


def _loop(operator: Callable[..., Any]) -> Callable[..., Any]:
    def rule(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[Any, Any]:
        results = []
        for index in range(info.batch_size):
            pairs = zip(arguments, in_dims, strict=True)
            results.append(operator(*(value if dim is None else value.select(dim, index) for value, dim in pairs)))
        if isinstance(results[0], Tensor):
            return torch.stack(results), 0
        return tuple(torch.stack(column) for column in zip(*results, strict=True)), (0,) * len(results[0])

    return rule


for _operator in OPERATORS:
    register_vmap(_operator, _loop(_operator))
