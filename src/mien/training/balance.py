"""Remedies for class imbalance at training time. In: class counts or labels. Out: weights for loss or sampling."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.recipes.schema import ClassWeights

EFFECTIVE_NUMBER_BETA = 0.999
"""Cui et al. 2019 try 0.9, 0.99, 0.999, 0.9999; at 0.999 a class of 436 weighs 2.8 times one of 7215."""

Floats = npt.NDArray[np.float64]


def weigh_classes(counts: npt.NDArray[np.int64], kind: ClassWeights) -> Floats:
    """Return (K,) weights of the classes in the loss, with mean 1 over the classes that occur; others weigh 0.

    Args:
        counts: (K,) faces of each class in train.
        kind: "none" (all 1), "inverse" (in proportion to 1 / n) or "effective-number" (in proportion to
            (1 − β) / (1 − βⁿ), Cui et al. 2019, equation 4).

    >>> weigh_classes(np.array([1, 3]), "inverse")
    array([1.5, 0.5])
    """
    weights = np.zeros(len(counts))
    present = counts > 0
    if kind == "none":
        weights[present] = 1.0
    elif kind == "inverse":
        weights[present] = 1.0 / counts[present]
    else:
        weights[present] = (1.0 - EFFECTIVE_NUMBER_BETA) / (1.0 - EFFECTIVE_NUMBER_BETA ** counts[present])
    normalised: Floats = weights / weights[present].mean()
    return normalised


def weigh_faces(labels: npt.NDArray[np.int64]) -> Floats:
    """Return (N,) probabilities, summing to 1, that draw every class that occurs equally often."""
    counts = np.bincount(labels)
    shares: Floats = 1.0 / (counts[labels] * np.count_nonzero(counts))
    return shares
