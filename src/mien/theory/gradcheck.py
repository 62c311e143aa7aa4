"""Derivatives by number: central differences along random directions, and how far two answers lie apart.

In: a loss as a function of named arrays, and gradients that somebody claims. Out: the largest difference found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.theory.arrays import Array

Named = Mapping[str, npt.NDArray[Any]]
Loss = Callable[[Named], float]

STEP = 1e-5
"""Central differences err by h² f‴/6 from the curve and by 1e-16 / h from rounding; near 1e-5 the sum is least."""

DIRECTIONS = 3
"""A wrong gradient can hide from one random direction, but not from several."""


def measure_difference(found: npt.ArrayLike, expected: npt.ArrayLike, floor: float = 1.0) -> float:
    """Return max |found − expected| / max(|expected|, floor): relative, absolute where all is below `floor`.

    Arrays of different shape, or with NaN, are infinitely far apart. See docs/theory.md, section 7.1.

    >>> measure_difference([200.0, 0.0], [202.0, 0.0]) == 2 / 202
    True
    >>> measure_difference([float("nan")], [0.0])
    inf
    """
    a, b = np.asarray(found, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.inf
    return float(np.abs(a - b).max(initial=0.0) / max(np.abs(b).max(initial=0.0), floor))


def slope_along(loss: Loss, inputs: Named, name: str, direction: Array, step: float = STEP) -> float:
    """Return dL/dh of `loss` where `inputs[name]` moves along `direction`, from (L(x + h d) − L(x − h d)) / 2h.

    See docs/theory.md, section 7.1.

    >>> round(slope_along(lambda at: float(at["x"].prod()), {"x": np.array([2.0, 3.0])}, "x", np.array([1.0, 0.0])), 6)
    3.0
    """
    ahead = loss({**inputs, name: inputs[name] + step * direction})
    behind = loss({**inputs, name: inputs[name] - step * direction})
    return (ahead - behind) / (2 * step)


def check_gradients(
    loss: Loss, inputs: Named, gradients: Mapping[str, Array], rng: np.random.Generator, step: float = STEP
) -> float:
    """Return the largest difference between ⟨gradient, d⟩ and the slope along d, for random unit directions d.

    Two evaluations of the loss check a gradient of any size, where one difference a coordinate would need thousands:
    a gradient that is wrong anywhere has the wrong product with almost every direction. See docs/theory.md, section
    7.1.
    """
    worst = 0.0
    for name, gradient in gradients.items():
        for _ in range(DIRECTIONS):
            direction = rng.normal(size=gradient.shape)
            direction /= max(float(np.linalg.norm(direction)), np.finfo(np.float64).tiny)
            claimed = float((gradient * direction).sum())
            worst = max(worst, measure_difference(claimed, slope_along(loss, inputs, name, direction, step)))
    return worst
