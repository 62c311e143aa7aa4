"""Can probabilities be believed? In: probabilities and true labels. Out: a `Calibration`, with its reliability diagram.

Of a hundred faces answered with a confidence of 0.8, eighty should be right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 15
"""Of confidence, in both calibration errors (as in Guo et al. 2017)."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Faces whose confidence, the highest probability, lies in (low, high]: its mean, and how many were right.

    `confidence` and `accuracy` are 0 where `count` is 0.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Whether probabilities can be believed.

    Attributes:
        ece: expected calibration error, 15 bins of equal width: the mean |confidence − accuracy| over the faces.
        adaptive_ece: the same with 15 bins of equally many faces (Nguyen and O'Connor 2015).
        brier: mean over faces of Σ (p − y)² over the classes, 0 to 2 (Brier 1950).
        bins: of `ece`: the reliability diagram.
    """

    ece: float
    adaptive_ece: float
    brier: float
    bins: tuple[Bin, ...]


def measure_calibration(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.floating]) -> Calibration:
    """Return how far confidence and accuracy are apart (Guo et al. 2017, section 2; Naeini et al. 2015).

    Args:
        labels: (N,) true classes, N at least 1.
        probabilities: (N, K); the prediction is the most probable class, its probability the confidence.
    """
    exact = probabilities.astype(np.float64)
    confidence, right = exact.max(axis=1), exact.argmax(axis=1) == labels
    edges = np.linspace(0.0, 1.0, BINS + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    bins = tuple(
        _fill_bin(edges[index], edges[index + 1], confidence[place == index], right[place == index])
        for index in range(BINS)
    )
    equal = [part for part in np.array_split(np.argsort(confidence, kind="stable"), BINS) if len(part)]
    gaps = [abs(confidence[part].sum() - right[part].sum()) for part in equal]
    wrong = exact.copy()
    wrong[np.arange(len(labels)), labels] -= 1.0
    return Calibration(
        ece=float(sum(entry.count * abs(entry.confidence - entry.accuracy) for entry in bins) / len(labels)),
        adaptive_ece=float(sum(gaps) / len(labels)),
        brier=float((wrong**2).sum(axis=1).mean()),
        bins=bins,
    )


def _fill_bin(low: float, high: float, confidence: Floats, right: npt.NDArray[np.bool_]) -> Bin:
    mean, accuracy = (float(confidence.mean()), float(right.mean())) if len(right) else (0.0, 0.0)
    return Bin(low=float(low), high=float(high), count=len(right), confidence=mean, accuracy=accuracy)
