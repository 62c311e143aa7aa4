"""Learning-rate curves, the twins of those that training uses: a step or the history in, a factor of the peak rate out.

Steps count from 0. Every factor is multiplied with the recipe's learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def constant_factor(step: int, steps: int) -> float:
    """Return 1 at every one of `steps` steps. See docs/theory.md, section 6.2.

    >>> constant_factor(3, 10)
    1.0
    """
    return 1.0


def cosine_factor(step: int, steps: int, warmup_steps: int = 0, floor: float = 0.0) -> float:
    """Return the factor of a linear warm-up followed by half a cosine down to `floor`.

        t < u:   (t + 1) / u
        t ≥ u:   floor + (1 − floor) · ½ (1 + cos(π (t − u) / (T − u)))

    with t `step`, T `steps` and u `warmup_steps`. Source: Loshchilov and Hutter, SGDR (2017), equation 5; Goyal et
    al. (2017), section 2.2, for the warm-up. See docs/theory.md, section 6.2.

    >>> [round(cosine_factor(t, 8, warmup_steps=4), 3) for t in range(9)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    done = min((step - warmup_steps) / max(steps - warmup_steps, 1), 1.0)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def one_cycle_factor(step: int, steps: int, peak_fraction: float = 0.3, start: float = 0.04, end: float = 0.0) -> float:
    """Return the factor of one triangle: from `start` up to 1 at `peak_fraction` of the steps, then down to `end`.

    With p = peak_fraction · T, the straight lines through (0, start), (p, 1) and (T, end).
    Source: Smith and Topin, Super-convergence (2018), section 3. See docs/theory.md, section 6.2.

    >>> [round(one_cycle_factor(t, 10, peak_fraction=0.4, start=0.2), 2) for t in (0, 2, 4, 7, 10)]
    [0.2, 0.6, 1.0, 0.5, 0.0]
    """
    peak = peak_fraction * steps
    if step < peak:
        return start + (1 - start) * step / peak
    return 1 + (end - 1) * min((step - peak) / max(steps - peak, 1e-12), 1.0)


def plateau_factor(
    losses: Sequence[float], patience: int = 10, factor: float = 0.1, threshold: float = 1e-4, floor: float = 0.0
) -> float:
    """Return the factor after the epochs whose `losses` are known: times `factor` at every plateau.

    An epoch is better if its loss is under best · (1 − threshold). More than `patience` epochs in a row that are not
    end a plateau, and the count starts anew: torch's ReduceLROnPlateau with its relative threshold. See
    docs/theory.md, section 6.2.

    >>> [plateau_factor([1.0] * n, patience=2, factor=0.5) for n in range(1, 8)]
    [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]
    """
    best, waited, current = math.inf, 0, 1.0
    for loss in losses:
        better = loss < best * (1 - threshold)
        best, waited = (loss, 0) if better else (best, waited + 1)
        if waited > patience:
            current, waited = max(current * factor, floor), 0
    return current
