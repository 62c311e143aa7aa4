"""The exponential moving average of weights, the twin of the one that training keeps.

In: weights, one array a step. Out: their average, by recursion or in closed form.
"""

from __future__ import annotations

import numpy as np

from mien.theory.arrays import Array


def average_step(average: Array, w: Array, decay: float) -> Array:
    """Return a_t = d a_(t−1) + (1 − d) w_t. Source: Polyak and Juditsky (1992) for the idea.

    See docs/theory.md, section 6.1.

    >>> average_step(np.array([1.0]), np.array([0.0]), decay=0.75).tolist()
    [0.75]
    """
    return decay * average + (1 - decay) * w


def average_weights(start: Array, weights: Array, decay: float) -> Array:
    """Return a_T after all `weights` (T, …) from a_0 = `start`, in closed form.

        a_T = d^T a_0 + (1 − d) Σ_(i=1…T) d^(T−i) w_i

    The coefficients sum to one, so constant weights are their own average. See docs/theory.md, section 6.1.
    """
    ages = np.arange(len(weights))[::-1]
    recent = np.tensordot(np.power(decay, ages, dtype=np.float64), weights, axes=1)
    return np.asarray(decay ** len(weights) * start + (1 - decay) * recent)
