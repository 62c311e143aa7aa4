"""The layers of a network as values, each a forward step that knows how to pull a gradient back.

In: activations and the layer's parameters, named as torch names them ("weight", "running_mean"). Out: a `Step`. The
mathematics stands in `convolution`, `batchnorm` and `layers`; `network` chains the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np

from mien.theory import batchnorm as bn
from mien.theory import layers as by_hand
from mien.theory.arrays import Array, Pair
from mien.theory.convolution import convolve, convolve_backward

Parameters = Mapping[str, Array]
Pull = Callable[[Array], tuple[Array, Parameters]]
"""∂L/∂y -> ∂L/∂x and the gradient of each parameter."""

Draw = Callable[[tuple[int, ...]], Array]
"""Shape of the activations -> the mask or slopes that a random layer uses in this step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One layer's, or a network's, forward step: `y`, how to pull a gradient back, and the new running statistics.

    See docs/theory.md, section 5.7.
    """

    y: Array
    pull: Pull
    running: Parameters = field(default_factory=dict)


class Layer(Protocol):
    """Anything that steps forward; `draw` is None in evaluation. See docs/theory.md, section 5.7."""

    def forward(self, x: Array, p: Parameters, draw: Draw | None) -> Step:
        """Return the step from activations `x` with parameters `p`."""


class RandomLayer(Protocol):
    """A layer that draws a mask or slopes in each training step. See docs/theory.md, section 5.7."""

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return the draw for activations of `shape`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """`convolution.convolve`, stride 1. See docs/theory.md, section 5.7."""

    inputs: int
    outputs: int
    kernel: Pair = (3, 3)
    padding: Pair = (1, 1)

    def forward(self, x: Array, p: Parameters, draw: Draw | None) -> Step:
        """Return the convolution of `x`."""

        def pull(grad_y: Array) -> tuple[Array, Parameters]:
            grad_x, weight, bias = convolve_backward(grad_y, x, p["weight"], padding=self.padding)
            return grad_x, {"weight": weight, "bias": bias}

        return Step(y=convolve(x, p["weight"], p["bias"], padding=self.padding), pull=pull)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm:
    """`batchnorm.batchnorm` in training, else `batchnorm.batchnorm_frozen`. See docs/theory.md, section 5.7."""

    channels: int
    epsilon: float = 1e-5
    momentum: float = 0.1

    def start(self, rng: np.random.Generator) -> Parameters:
        """Return γ = 1, β = 0, and the statistics of a standard normal."""
        zeros, ones = np.zeros(self.channels), np.ones(self.channels)
        return {"weight": ones, "bias": zeros, "running_mean": zeros, "running_var": ones}

    def forward(self, x: Array, p: Parameters, draw: Draw | None) -> Step:
        """Return `x` normalised by its own statistics, or in evaluation by the running ones."""
        if draw is None:
            return self._freeze(x, p)

        def pull(grad_y: Array) -> tuple[Array, Parameters]:
            grads = bn.batchnorm_backward(grad_y, x, p["weight"], self.epsilon)
            return grads.x, {"weight": grads.gamma, "bias": grads.beta}

        mean, variance = bn.update_running(p["running_mean"], p["running_var"], x, self.momentum)
        y = bn.batchnorm(x, p["weight"], p["bias"], self.epsilon).y
        return Step(y=y, pull=pull, running={"running_mean": mean, "running_var": variance})

    def _freeze(self, x: Array, p: Parameters) -> Step:
        mean, variance = p["running_mean"], p["running_var"]

        def pull(grad_y: Array) -> tuple[Array, Parameters]:
            grad_x, gamma, beta = bn.batchnorm_frozen_backward(grad_y, x, p["weight"], mean, variance, self.epsilon)
            return grad_x, {"weight": gamma, "bias": beta}

        return Step(y=bn.batchnorm_frozen(x, p["weight"], p["bias"], mean, variance, self.epsilon), pull=pull)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relu:
    """`layers.relu`. See docs/theory.md, section 5.7."""

    def forward(self, x: Array, p: Parameters, draw: Draw | None) -> Step:
        """Return the positive part of `x`."""
        return Step(y=by_hand.relu(x), pull=lambda grad_y: (by_hand.relu_backward(grad_y, x), {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomRelu:
    """`layers.rrelu`, in evaluation with the mean slope. See docs/theory.md, section 5.7."""

    lower: float = 1 / 8
    upper: float = 1 / 3

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return slopes."""
        return by_hand.draw_slopes(shape, rng, self.lower, self.upper)

    def forward(self, x: Array, p: Parameters, draw: Draw | None) -> Step:
        """Return `x` with its negative part sloped."""
        slopes = by_hand.mean_slope(self.lower, self.upper) if draw is None else draw(x.shape)
        return Step(y=by_hand.rrelu(x, slopes), pull=lambda grad_y: (by_hand.rrelu_backward(grad_y, x, slopes), {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPool:
    """`layers.max_pool` over windows side by side. See docs/theory.md, section 5.7."""

    kernel: Pair = (2, 2)

    def forward(self, x: Array, p: Parameters, draw: Draw | None) -> Step:
        """Return the largest value of each window."""
        y, winners = by_hand.max_pool(x, self.kernel, self.kernel)
        pull = partial(by_hand.max_pool_backward, x=x, winners=winners, kernel=self.kernel, stride=self.kernel)
        return Step(y=y, pull=lambda grad_y: (pull(grad_y), {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout:
    """`layers.dropout`, in evaluation nothing. See docs/theory.md, section 5.7."""

    drop_fraction: float = 0.5

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return a mask."""
        return by_hand.draw_mask(shape, rng, self.drop_fraction)

    def forward(self, x: Array, p: Parameters, draw: Draw | None) -> Step:
        """Return `x` masked."""
        mask = np.ones(x.shape) if draw is None else draw(x.shape)
        return Step(y=by_hand.dropout(x, mask), pull=lambda grad_y: (by_hand.dropout(grad_y, mask), {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """`layers.flatten`. See docs/theory.md, section 5.7."""

    def forward(self, x: Array, p: Parameters, draw: Draw | None) -> Step:
        """Return one row for each image."""
        return Step(y=by_hand.flatten(x), pull=lambda grad_y: (grad_y.reshape(x.shape), {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """`layers.linear`. See docs/theory.md, section 5.7."""

    inputs: int
    outputs: int

    def forward(self, x: Array, p: Parameters, draw: Draw | None) -> Step:
        """Return the linear map of `x`."""

        def pull(grad_y: Array) -> tuple[Array, Parameters]:
            grad_x, weight, bias = by_hand.linear_backward(grad_y, x, p["weight"])
            return grad_x, {"weight": weight, "bias": bias}

        return Step(y=by_hand.linear(x, p["weight"], p["bias"]), pull=pull)
