"""Learning-rate curves, the twins of those that training uses.

In: progress through training, 0 at its start and 1 at its end, or the scores so far. Out: a factor of the peak rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def constant_factor(progress: float) -> float:
    """Return 1 wherever training stands. See docs/theory.md, section 6.2.

    >>> constant_factor(0.3)
    1.0
    """
    return 1.0


def cosine_factor(progress: float, warmup_fraction: float = 0.0) -> float:
    """Return a straight rise to 1 over the warm-up u, then half a cosine down to 0.

        p < u:   p / u
        p ≥ u:   ½ (1 + cos(π (p − u) / (1 − u)))

    Source: Loshchilov and Hutter, SGDR (2017), equation 5; Goyal et al. (2017), section 2.2, for the warm-up. See
    docs/theory.md, section 6.2.

    >>> [round(cosine_factor(progress, 0.5), 3) for progress in (0, 0.25, 0.5, 0.75, 1)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if progress < warmup_fraction:
        return progress / warmup_fraction
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup_fraction) / (1 - warmup_fraction)))


def one_cycle_factor(progress: float, warmup_fraction: float) -> float:
    """Return a triangle: the straight lines through (0, 0), (u, 1) and (1, 0).

        min(p / u, (1 − p) / (1 − u)),   for u = 0 the second alone

    Source: Smith and Topin, Super-convergence (2019), section 3. See docs/theory.md, section 6.2.

    >>> [one_cycle_factor(progress, 0.25) for progress in (0, 0.125, 0.25, 0.625, 1)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    fall = (1 - progress) / (1 - warmup_fraction)
    return min(progress / warmup_fraction, fall) if warmup_fraction else fall


def plateau_factor(scores: Sequence[float], patience: int, factor: float) -> float:
    """Return the factor after the epochs whose `scores` (higher is better) are known: times `factor` at each plateau.

    An epoch is better if it beats all before it. More than `patience` epochs in a row that are not end a plateau, and
    the count starts anew. So a run of n such epochs holds ⌊n / (patience + 1)⌋ plateaus: torch's ReduceLROnPlateau
    with threshold 0. See docs/theory.md, section 6.2.

    >>> [plateau_factor([0.5] * epochs, patience=2, factor=0.5) for epochs in range(1, 8)]
    [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]
    """
    better = [epoch for epoch, score in enumerate(scores) if score > max(scores[:epoch], default=-math.inf)]
    ends = [*better[1:], len(scores)]
    runs = [end - start - 1 for start, end in zip(better, ends, strict=True)]
    return factor ** sum(run // (patience + 1) for run in runs)
