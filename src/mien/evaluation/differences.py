"""Paired differences with bootstrap intervals. In: what two answered on the same faces. Out: a `Difference` a metric.

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

from mien.evaluation.metrics import LEVEL, RESAMPLES, rate, rate_counts

TITLES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}
"""The rates that are compared, by their names in `Rates`."""

BY_RIGHT = ("accuracy", "balanced_accuracy")
"""The rates that see of a wrong answer only that it is wrong."""

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What two answered on the same N faces, each int64 (N,).

    Attributes:
        labels: the true classes.
        base: the answers of the one, −1 for none.
        variant: the answers of the other.
    """

    labels: Labels
    base: Labels
    variant: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Variant minus base, as a fraction: 0.01 is one point.

    Attributes:
        value: the mean over the seeds.
        low: lower end of the 95 % bootstrap interval.
        high: upper end.
        values: one a seed.
    """

    value: float
    low: float
    high: float
    values: tuple[float, ...]

    @property
    def is_noise(self) -> bool:
        """True if the interval holds zero: the data does not tell the two apart."""
        return self.low <= 0.0 <= self.high


def compare_pairs(
    pairs: Sequence[Pair],
    *,
    classes: int,
    metrics: Sequence[str] = BY_RIGHT,
    same_faces: bool = True,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Difference]:
    """Return the difference in each of `metrics`.

    Args:
        pairs: one a seed, at least one; with one, the interval knows the faces' luck alone.
        classes: how many there are.
        metrics: of `TITLES`.
        same_faces: the pairs hold the same faces in the same order.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    >>> labels, base, variant = np.array([0, 1]), np.array([0, 0]), np.array([0, 1])
    >>> compare_pairs([Pair(labels=labels, base=base, variant=variant)], classes=2)["accuracy"].value
    0.5
    """
    rng, count = np.random.default_rng(seed), len(pairs)
    drawn_by = pairs if set(metrics) - set(BY_RIGHT) else [_keep_who_is_right(pair, classes) for pair in pairs]
    groups = [drawn_by] if same_faces else [[pair] for pair in drawn_by]
    drawn = [_draw_faces(group, classes, metrics, rng, resamples) for group in groups]
    seeds = rng.multinomial(count, np.full(count, 1.0 / count), size=resamples) / count
    rates = [[rate(pair.labels, answers, classes) for answers in (pair.base, pair.variant)] for pair in pairs]
    differences = {}
    for metric in metrics:
        by_seed = np.concatenate([part[metric] for part in drawn], axis=1)
        values = tuple(getattr(variant, metric) - getattr(base, metric) for base, variant in rates)
        low, high = np.quantile(_mix(by_seed, seeds), [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0]).tolist()
        differences[metric] = Difference(value=float(np.mean(values)), low=low, high=high, values=values)
    return differences


def _keep_who_is_right(pair: Pair, classes: int) -> Pair:
    """Return answers with the same differences in `BY_RIGHT`, and few kinds of them: who alone was right on a face.

    Both right and both wrong are one kind, and `classes`, which no face has, stands for wrong.
    """
    base, variant = pair.base == pair.labels, pair.variant == pair.labels
    of_base, of_variant = (np.where(alone, pair.labels, classes) for alone in (base & ~variant, variant & ~base))
    return Pair(labels=pair.labels, base=of_base, variant=of_variant)


def _draw_faces(
    pairs: Sequence[Pair], classes: int, metrics: Sequence[str], rng: np.random.Generator, resamples: int
) -> dict[str, Floats]:
    """Return (R, S) differences by metric: each of S pairs on R resamples of its faces, the same faces for all pairs.

    All that the rates see of a face is its label and the answers. So faces alike in them are drawn together, as one
    multinomial number, exactly as if each were drawn alone: a million faces cost what thousands do.
    """
    labels = pairs[0].labels
    rows = np.stack([labels, *(answers for pair in pairs for answers in (pair.base, pair.variant))])
    cells, counts = np.unique(rows, axis=1, return_counts=True)
    # A product of floats is many times faster than one of integers.
    drawn = rng.multinomial(len(labels), counts / len(labels), size=resamples).astype(np.float64)
    one_hot = np.eye(classes + 1, classes)  # the last row, of no class, is also that of an answer −1
    of_label = one_hot[cells[0]]
    support = drawn @ of_label

    def rate_cells(answers: Labels) -> dict[str, Floats]:
        right = drawn @ (of_label * (cells[0] == answers)[:, None])
        found = rate_counts(right, support, drawn @ one_hot[answers])
        return {metric: getattr(found, metric) for metric in metrics}

    sides = [(rate_cells(cells[place]), rate_cells(cells[place + 1])) for place in range(1, len(cells), 2)]
    return {metric: np.stack([variant[metric] - base[metric] for base, variant in sides], axis=1) for metric in metrics}


def _mix(by_seed: Floats, seeds: Floats) -> Floats:
    """Return (R,) means over the drawn seeds of (R, S) differences; `seeds` (R, S) says how often each was drawn.

    A bootstrap of S seeds has (S − 1)/S of the variance that S seeds really have: with three seeds, intervals a fifth
    too short. The deviation from the plain mean is widened by what is lacking.
    """
    count = by_seed.shape[1]
    plain: Floats = by_seed.mean(axis=1)
    if count == 1:
        return plain
    mixed: Floats = (by_seed * seeds).sum(axis=1)
    return plain + math.sqrt(count / (count - 1)) * (mixed - plain)


def write_points(fraction: float) -> str:
    """Return a difference of proportions in percentage points, with its sign.

    >>> write_points(0.0123), write_points(-0.001), write_points(0.0)
    ('+1.2', '−0.1', '0.0')
    """
    rounded = round(100.0 * fraction, 1)
    return "0.0" if rounded == 0 else f"{rounded:+.1f}".replace("-", "−")


def write_difference(value: float, low: float, high: float, *, to: str = "to") -> str:
    """Return a difference in points with its interval; `to` is the word of another language.

    >>> write_difference(0.003, -0.005, 0.011)
    '+0.3 (−0.5 to +1.1)'
    """
    return f"{write_points(value)} ({write_points(low)} {to} {write_points(high)})"
