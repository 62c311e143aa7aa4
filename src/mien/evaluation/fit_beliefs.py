"""Fit what valid tells of a network's answers. In: calibrated probabilities and labels. Out: `Beliefs`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.beliefs.base_rates import TINY, count_rates
from mien.beliefs.fitted import Beliefs
from mien.beliefs.sets import fit_sets

STRENGTH = 5.0
"""How far few faces may move rates from those of training: that of a normal distribution's precision, on logarithms."""

Floats = npt.NDArray[np.float64]


def fit_beliefs(
    labels: npt.NDArray[np.number], probabilities: npt.NDArray[np.floating], trained: Sequence[float] | None
) -> Beliefs:
    """Return what these faces tell.

    Args:
        labels: (N,) true classes, N at least 1; or (N, K), how sure people are of each.
        probabilities: (N, K), calibrated.
        trained: (K,) rates of training; None: unknown.
    """
    return Beliefs(rates=fit_rates(labels, probabilities, trained), sets=fit_sets(_draw_labels(labels), probabilities))


def _draw_labels(labels: npt.NDArray[np.number]) -> npt.NDArray[np.int64]:
    """Return labels (N,): of faces of which people are not sure, one drawn as often as they name it, by a seed."""
    if labels.ndim == 1:
        return labels.astype(np.int64)
    shares = (labels / labels.sum(axis=1, keepdims=True)).cumsum(axis=1)
    drawn = np.random.default_rng(0).random(len(labels))
    found: npt.NDArray[np.int64] = np.minimum((shares < drawn[:, None]).sum(axis=1), labels.shape[1] - 1)
    return found


def fit_rates(
    labels: npt.NDArray[np.number], probabilities: npt.NDArray[np.floating], trained: Sequence[float] | None
) -> tuple[float, ...]:
    """Return the base rates (K,) that `probabilities` assume, as far as these faces tell.

    Those at which shifting to the rates of these faces has the least log loss: a bias for each class, as in the
    bias-corrected temperature scaling of Alexandari, Kundaje and Shrikumar (2020, section 3), written as rates. A
    network is never quite calibrated class by class, and shifts made from the rates of training multiply that error.
    Few faces leave the rates near those of training.

    Args:
        labels: see `fit_beliefs`.
        probabilities: likewise.
        trained: likewise; None: the rates of these faces.
    """
    from scipy.optimize import minimize

    classes = probabilities.shape[1]
    true = np.eye(classes)[labels] if labels.ndim == 1 else labels.astype(np.float64)
    true = true / true.sum(axis=1, keepdims=True)
    here = np.asarray(count_rates(true.sum(axis=0)))
    start = np.log(here if trained is None else np.asarray(trained))
    logs: Floats = np.log(np.maximum(probabilities, TINY), dtype=np.float64) + np.log(here)

    def lose(moved: Floats) -> tuple[float, Floats]:
        shifted = logs - start - moved
        totals = np.logaddexp.reduce(shifted, axis=1)
        loss = totals.sum() - (true * shifted).sum() + STRENGTH / 2 * (moved @ moved)
        slope = true.sum(axis=0) - np.exp(shifted - totals[:, None]).sum(axis=0) + STRENGTH * moved
        return float(loss), slope

    found = np.exp(start + minimize(lose, np.zeros(classes), jac=True, method="BFGS").x)
    rates: list[float] = (found / found.sum()).tolist()
    return tuple(rates)
