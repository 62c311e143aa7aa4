"""The exponential moving average of weights, the twin of the one that training keeps.

In: weights, one array a step, and the decay of each step. Out: their average, by recursion or in closed form.
"""

from __future__ import annotations

import numpy as np

from mien.theory.arrays import Array


def warm_decay(step: int, decay: float) -> float:
    """Return d_t = min(decay, (1 + t) / (10 + t)): early averages forget their random start sooner.

    Source: TensorFlow, ExponentialMovingAverage with num_updates. See docs/theory.md, section 6.1.

    >>> [round(warm_decay(step, 0.9), 3) for step in (0, 10, 1000)]
    [0.1, 0.55, 0.9]
    """
    return min(decay, (1 + step) / (10 + step))


def average_step(average: Array, w: Array, decay: float) -> Array:
    """Return a_t = d_t a_(t−1) + (1 − d_t) w_t. Source: Polyak and Juditsky (1992), for averaging the iterates.

    See docs/theory.md, section 6.1.

    >>> average_step(np.array([1.0]), np.array([0.0]), decay=0.75).tolist()
    [0.75]
    """
    return decay * average + (1 - decay) * w


def average_weights(start: Array, weights: Array, decays: Array) -> Array:
    """Return a_T from a_0 = `start`, all `weights` (T, …) and their `decays` (T,), in closed form.

        a_T = (Π_j d_j) a_0 + Σ_i (1 − d_i) (Π_(j>i) d_j) w_i
            = d^T a_0 + (1 − d) Σ_i d^(T−i) w_i              for one d

    The coefficients sum to one, so constant weights are their own average. See docs/theory.md, section 6.1.
    """
    kept = np.append(np.cumprod(decays[::-1])[::-1], 1.0)
    return np.asarray(kept[0] * start + np.tensordot((1 - decays) * kept[1:], weights, axes=1))
