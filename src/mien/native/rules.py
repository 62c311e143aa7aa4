"""The operators as functions that torch may transform: gradients of any order, torch.func, torch.vmap.

A gradient of a convolution is a convolution again, so it is differentiated by the same loops; the gradient of the other
operators' gradient is computed with torch's own layers. The rules are registered with the operators, too; but
torch.func does not see those, and forward-mode derivatives would come out as zeros: so call these functions instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.library import register_autograd, register_vmap
from torch.nn import functional as F

from mien.native import ops


def _pull_back(function: Callable[..., Any], inputs: Sequence[Tensor | None], grads: Any) -> list[Tensor | None]:
    """Return the gradients of a function of torch's layers at `inputs`, themselves differentiable; None for None."""
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
    tensors = sum(isinstance(value, Tensor) or value is None for value in inputs)
    ctx.save_for_backward(*inputs[:tensors])
    ctx.rest = inputs[tensors:]


def _choose(function: Callable[..., Any], operator: Callable[..., Any]) -> Callable[..., Any]:
    """Return what a backward pass calls: the operator alone, which is quicker, unless its result is differentiated."""
    return function if torch.is_grad_enabled() else operator


def _convolve_backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None]:
    x, kernels = ctx.saved_tensors
    to_x = _convolve_back(grad_output, kernels) if ctx.needs_input_grad[0] else None
    to_kernels = None
    if ctx.needs_input_grad[1]:
        to_kernels = _choose(convolve_weights, ops.convolve_weights)(x, grad_output)
    return to_x, to_kernels


def _convolve_back(grad_output: Tensor, kernels: Tensor) -> Tensor:
    """Return the gradient of `x` of `convolve`: a convolution with kernels turned around; torch's for few channels."""
    if kernels.shape[2] % ops.WIDTH:
        return F.conv_transpose2d(grad_output, kernels.permute(3, 2, 0, 1), padding=1)
    turned = kernels.flip(0, 1).transpose(2, 3)
    result: Tensor = _choose(convolve, ops.convolve)(grad_output, turned)
    return result


def _weights_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
    x, grad_output = ctx.saved_tensors
    to_x = _convolve_back(grad_output, grad) if ctx.needs_input_grad[0] else None
    to_grad_output = _choose(convolve, ops.convolve)(x, grad) if ctx.needs_input_grad[1] else None
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
    x, weight, bias, seeds, *rest = inputs
    ctx.rest = rest
    ctx.mark_non_differentiable(*output[1:])
    ctx.save_for_backward(x, weight, bias, *output[1:], seeds)


def _norm_backward(ctx: Any, grad_output: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    backward = _choose(norm_train_backward, ops.norm_train_backward)
    grads = backward(grad_output, *ctx.saved_tensors, *ctx.rest)
    return *grads, *(None,) * 6


def _norm_backward_twice(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
    grad_output, x, weight, bias, _, _, seeds = ctx.saved_tensors
    eps, lower, upper, pool, dropout = ctx.rest
    slopes: float | Tensor = lower
    if upper > lower:  # they are what the epilogue makes of -1
        slopes = -ops.draw_epilogue(-torch.ones_like(x), seeds, lower, upper, 0.0)
    kept = ops.draw_epilogue(torch.ones_like(grad_output), seeds, 0.0, 0.0, dropout) if dropout else 1.0

    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        normal = F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
        result = torch.where(normal > 0.0, normal, normal * slopes)
        return (F.max_pool2d(result, 2) if pool else result) * kept

    def backward(grad_output: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> Any:
        return torch.func.vjp(forward, x, weight, bias)[1](grad_output)

    return *_pull_back(backward, (grad_output, x, weight, bias), grads), *(None,) * 8


def _loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a rule for torch.vmap: one after the other."""

    def rule(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[Any, Any]:
        results = []
        for index in range(info.batch_size):
            pairs = zip(arguments, in_dims, strict=True)
            results.append(function(*(value if dim is None else value.select(dim, index) for value, dim in pairs)))
        if isinstance(results[0], Tensor):
            return torch.stack(results), 0
        return tuple(torch.stack(column) for column in zip(*results, strict=True)), (0,) * len(results[0])

    return rule


def _make_function(
    operator: Callable[..., Any], backward: Callable[..., Any], save: Callable[..., None] = _save_inputs
) -> Callable[..., Any]:
    """Return `operator` with its gradient, for torch.autograd, torch.func and torch.vmap."""
    name = operator.name()  # type: ignore[attr-defined]

    def operate(*arguments: Any) -> Any:
        return operator(*arguments)

    # torch asks for it in every call, which is quick where it is written down.
    operate.__signature__ = signature(operate)  # type: ignore[attr-defined]

    class Rule(Function):
        forward = staticmethod(operate)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            save(ctx, inputs, output)

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return backward(ctx, *grads)

        @staticmethod
        def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[Any, Any]:
            batched: tuple[Any, Any] = _loop(Rule.apply)(info, in_dims, *arguments)
            return batched

    register_autograd(name, backward, setup_context=save, lib=ops.LIBRARY)
    register_vmap(name, _loop(operator), lib=ops.LIBRARY)

    def function(*arguments: Any) -> Any:
        # torch.compile takes the registered rules, and cannot look into a Function that calls an operator.
        if torch.compiler.is_compiling():
            return operator(*arguments)
        return Rule.apply(*arguments)  # type: ignore[no-untyped-call]

    return function


convolve = _make_function(ops.convolve, _convolve_backward)
convolve_weights = _make_function(ops.convolve_weights, _weights_backward)
convolve_epilogue = _make_function(ops.convolve_epilogue, _epilogue_backward)
norm_train = _make_function(ops.norm_train, _norm_backward, _save_norm)
norm_train_backward = _make_function(ops.norm_train_backward, _norm_backward_twice)
norm_apply = _make_function(ops.norm_apply, _apply_backward)
register_vmap("mien::draw_epilogue", _loop(ops.draw_epilogue), lib=ops.LIBRARY)


@register_vmap("mien::update_statistics", lib=ops.LIBRARY)  # type: ignore[untyped-decorator]
def _refuse_statistics(*_: Any) -> Any:
    """Refuse to move statistics that all of a batch share, as torch's batch norm does."""
    raise RuntimeError(
        "torch.vmap goes over a batch norm in training, whose running statistics are one for all: "
        "put it into evaluation mode, or set track_running_stats to False"
    )
