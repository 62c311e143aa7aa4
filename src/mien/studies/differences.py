"""Paired differences with bootstrap intervals. In: which faces each run got right. Out: a `Difference` for each metric.

Two things are drawn anew, independently of each other: seeds (the luck of a training) and faces (the luck of the
measurement): the bootstrap of rows and columns of Owen (2007), "The pigeonhole bootstrap", Annals of Applied Statistics
1(2). Faces are drawn once for all seeds, because all seeds are measured on the same ones; where each seed holds out
faces of its own, each draws its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.evaluation.metrics import LEVEL, RESAMPLES

METRICS = ("accuracy", "balanced accuracy")

Draws = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What two runs of one seed got right on the same N faces.

    Attributes:
        labels: int64 (N,), the true classes.
        base: bool (N,), True where the base was right.
        variant: bool (N,), the same of the variant.
    """

    labels: npt.NDArray[np.int64]
    base: npt.NDArray[np.bool_]
    variant: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Variant minus base, as a fraction: 0.01 is one point.

    Attributes:
        mean: over the seeds.
        low: lower end of the 95 % bootstrap interval.
        high: upper end.
        values: one a seed.
    """

    mean: float
    low: float
    high: float
    values: tuple[float, ...]

    @property
    def is_noise(self) -> bool:
        """True if the interval holds zero: the data does not tell the two apart."""
        return self.low <= 0.0 <= self.high


def compare_pairs(
    pairs: Sequence[Pair], *, same_faces: bool, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Difference]:
    """Return the difference in each of `METRICS`.

    Args:
        pairs: one a seed, at least one; with one, the interval knows the faces' luck alone.
        same_faces: the pairs hold the same faces in the same order.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    >>> labels, base, variant = np.array([0, 1]), np.array([True, False]), np.array([True, True])
    >>> compare_pairs([Pair(labels=labels, base=base, variant=variant)], same_faces=True)["accuracy"].mean
    0.5
    """
    rng, count = np.random.default_rng(seed), len(pairs)
    gains = [pair.variant.astype(np.int8) - pair.base.astype(np.int8) for pair in pairs]
    alone = [(pair.labels, [gain]) for pair, gain in zip(pairs, gains, strict=True)]
    groups = [(pairs[0].labels, gains)] if same_faces else alone
    drawn = [draw_faces(labels, np.stack(gain), rng=rng, resamples=resamples) for labels, gain in groups]
    seeds = rng.multinomial(count, np.full(count, 1.0 / count), size=resamples) / count
    differences = {}
    for metric in METRICS:
        by_seed = np.concatenate([part[metric] for part in drawn], axis=1)
        values = tuple(
            measure(pair.labels, pair.variant)[metric] - measure(pair.labels, pair.base)[metric] for pair in pairs
        )
        low, high = np.quantile(_mix(by_seed, seeds), [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0]).tolist()
        differences[metric] = Difference(mean=float(np.mean(values)), low=low, high=high, values=values)
    return differences


def measure(labels: npt.NDArray[np.int64], right: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return each of `METRICS`, in [0, 1], of bool (N,) `right`; classes without faces count for nothing.

    >>> measure(np.array([0, 0, 0, 1]), np.array([True, True, True, False]))
    {'accuracy': 0.75, 'balanced accuracy': 0.5}
    """
    recalls = [right[labels == label].mean() for label in np.unique(labels)]
    return {"accuracy": float(right.mean()), "balanced accuracy": float(np.mean(recalls))}


def draw_faces(
    labels: npt.NDArray[np.int64], gains: npt.NDArray[np.int8], *, rng: np.random.Generator, resamples: int
) -> Draws:
    """Return (R, S) differences by metric: each of S seeds on R resamples of the N faces, the same faces for all seeds.

    All that a metric sees of a face is its class and what each seed gained on it. So faces alike in both are drawn
    together, as one multinomial number, exactly as if each were drawn alone: a million faces cost what thousands do.

    Args:
        labels: int64 (N,).
        gains: (S, N), variant right minus base right: −1, 0 or 1.
        rng: draws the faces.
        resamples: R.
    """
    alike, counts = np.unique(np.vstack((labels, gains)).T, axis=0, return_counts=True)
    drawn = rng.multinomial(len(labels), counts / len(labels), size=resamples)
    member = (alike[:, :1] == np.unique(labels)).astype(np.float64)  # a product of floats is many times faster
    faces = drawn @ member
    sums = np.stack([drawn @ (member * gain[:, None]) for gain in alike[:, 1:].T], axis=1)
    there = faces[:, None, :] > 0
    recalls = np.where(there, sums / np.maximum(faces, 1)[:, None, :], 0.0)
    return {
        "accuracy": sums.sum(axis=2) / len(labels),
        "balanced accuracy": recalls.sum(axis=2) / there.sum(axis=2),
    }


def _mix(by_seed: npt.NDArray[np.float64], seeds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return (R,) means over the drawn seeds of (R, S) differences; `seeds` (R, S) says how often each was drawn.

    A bootstrap of S seeds has (S − 1)/S of the variance that S seeds really have: with three seeds, intervals a fifth
    too short. The deviation from the plain mean is widened by what is lacking.
    """
    count = by_seed.shape[1]
    plain: npt.NDArray[np.float64] = by_seed.mean(axis=1)
    if count == 1:
        return plain
    mixed: npt.NDArray[np.float64] = (by_seed * seeds).sum(axis=1)
    return plain + math.sqrt(count / (count - 1)) * (mixed - plain)
