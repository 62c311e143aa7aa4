"""The other layers of the report's network, each forward and backward: linear, ReLU, RReLU, max-pool, dropout, flatten.

In: activations (B, …) and, for the random layers, what was drawn: the slopes of RReLU, the mask of dropout. With the
draw as an input every layer is a plain function, and two programs can be given the same draw.
"""

from __future__ import annotations

import numpy as np

from mien.theory.arrays import Array, Integers, Pair, ShapeError
from mien.theory.convolution import view_patches


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """Return y = x Wᵀ + b, (B, O), from x (B, I), W (O, I) and b (O,). See docs/theory.md, section 5.1.

    Raises:
        ShapeError: if x has another number of inputs than W.
    """
    if x.ndim != 2 or x.shape[1] != weight.shape[1]:
        raise ShapeError(f"expected (B, {weight.shape[1]}), found {x.shape}")
    return np.asarray(x @ weight.T + bias)


def linear_backward(grad_y: Array, x: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Return ∂L/∂x, ∂L/∂W and ∂L/∂b.

    From y_no = Σ_i W_oi x_ni + b_o:

        ∂L/∂x_ni = Σ_o ∂L/∂y_no W_oi
        ∂L/∂W_oi = Σ_n ∂L/∂y_no x_ni
        ∂L/∂b_o  = Σ_n ∂L/∂y_no

    See docs/theory.md, section 5.1.
    """
    return grad_y @ weight, grad_y.T @ x, grad_y.sum(axis=0)


def relu(x: Array) -> Array:
    """Return max(x, 0). Source: Nair and Hinton (2010), section 2. See docs/theory.md, section 5.2."""
    return np.maximum(x, 0.0)


def relu_backward(grad_y: Array, x: Array) -> Array:
    """Return ∂L/∂x = ∂L/∂y where x > 0, else 0; at the kink 0 too, as torch has it. See docs/theory.md, section 5.2."""
    return grad_y * (x > 0)


def draw_slopes(shape: tuple[int, ...], rng: np.random.Generator, lower: float = 1 / 8, upper: float = 1 / 3) -> Array:
    """Return the slopes a ~ U(lower, upper) of one training step of RReLU. See docs/theory.md, section 5.3."""
    return np.asarray(rng.uniform(lower, upper, shape), dtype=np.float64)


def mean_slope(lower: float = 1 / 8, upper: float = 1 / 3) -> float:
    """Return E[a] = (lower + upper) / 2, the slope that RReLU has in evaluation. See docs/theory.md, section 5.3.

    >>> round(mean_slope(), 4)
    0.2292
    """
    return (lower + upper) / 2


def rrelu(x: Array, slopes: Array | float) -> Array:
    """Return x where x ≥ 0, else a·x, with drawn slopes (training) or `mean_slope` (evaluation).

    Source: Xu et al., Empirical evaluation of rectified activations (2015), section 2.4. See docs/theory.md, section
    5.3.

    >>> rrelu(np.array([-4.0, 3.0]), 0.25).tolist()
    [-1.0, 3.0]
    """
    return np.where(x >= 0, x, slopes * x)


def rrelu_backward(grad_y: Array, x: Array, slopes: Array | float) -> Array:
    """Return ∂L/∂x = ∂L/∂y where x > 0, else a · ∂L/∂y. See docs/theory.md, section 5.3."""
    return grad_y * np.where(x > 0, 1.0, slopes)


def max_pool(x: Array, kernel: Pair = (2, 2), stride: Pair = (2, 2)) -> tuple[Array, Integers]:
    """Return the largest value of each window (B, C, W', H') and where in the window it stood, counted row by row.

    Of equal values the first counts, as in torch. See docs/theory.md, section 5.4.

    Raises:
        ShapeError: if the window fits nowhere.
    """
    patches = view_patches(x, kernel, stride, (0, 0), (1, 1))
    flat = patches.reshape(*patches.shape[:4], -1)
    return flat.max(axis=-1), flat.argmax(axis=-1)


def max_pool_backward(
    grad_y: Array, x: Array, winners: Integers, kernel: Pair = (2, 2), stride: Pair = (2, 2)
) -> Array:
    """Return ∂L/∂x: each window hands its gradient to the cell that won it; windows that overlap add up.

        ∂L/∂x[p, q] = Σ over the windows (i, j) that cell (p, q) won of ∂L/∂y[i, j]

    See docs/theory.md, section 5.4.
    """
    grad_x = np.zeros_like(x)
    rows, columns = (np.arange(n) * s for n, s in zip(grad_y.shape[2:], stride, strict=True))
    for index, (u, v) in enumerate(np.ndindex(*kernel)):
        cells = np.ix_(np.arange(x.shape[0]), np.arange(x.shape[1]), rows + u, columns + v)
        grad_x[cells] += np.where(winners == index, grad_y, 0.0)
    return grad_x


def draw_mask(shape: tuple[int, ...], rng: np.random.Generator, drop_fraction: float) -> Array:
    """Return a mask of 0 (with probability `drop_fraction`) and 1 / (1 − drop_fraction), whose mean is 1.

    See docs/theory.md, section 5.5.
    """
    if drop_fraction >= 1:
        return np.zeros(shape)
    return (rng.random(shape) >= drop_fraction) / (1 - drop_fraction)


def dropout(x: Array, mask: Array) -> Array:
    """Return mask · x; it is its own backward step: ∂L/∂x = mask · ∂L/∂y. In evaluation the mask is all ones.

    Source: Srivastava et al., Dropout (2014), section 10, in the form that scales during training. See docs/theory.md,
    section 5.5.
    """
    return mask * x


def flatten(x: Array) -> Array:
    """Return x (B, C, W, H) as (B, C·W·H), channels slowest; backward is the same reshape undone.

    See docs/theory.md, section 5.6.
    """
    return x.reshape(len(x), -1)
