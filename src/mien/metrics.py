"""The figures of an evaluation. In: true labels and probabilities. Out: `Scores`, plain numbers that compare and print.

Accuracy comes with a bootstrap interval, recall with a Wilson interval; what scikit-learn offers is scikit-learn's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from mien.errors import MienError

LEVEL = 0.95
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval, from `low` to `high`, both in [0, 1]."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScores:
    """How one expression fares.

    Attributes:
        precision: part of the faces given this expression that have it; 0 where none was given it.
        recall: part of its faces that were found; 0 where it has none.
        recall_interval: Wilson's 95 % interval of recall.
        f1: harmonic mean of precision and recall.
        support: its faces.
    """

    expression: str
    precision: float
    recall: float
    recall_interval: Interval
    f1: float
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """`count` of the `support` faces of `true` were taken for `predicted`."""

    true: str
    predicted: str
    count: int
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Every figure of one evaluation.

    Attributes:
        n: faces.
        interval: 95 % bootstrap interval of `accuracy`.
        balanced_accuracy: mean recall of the expressions that have faces.
        macro_f1: mean F1 of the expressions that have faces or were given to one.
        log_loss: mean −ln of the true expression's probability, clipped at 2.2e-16, in nats.
        classes: one entry an expression, also for those without faces.
        confusion: (K, K) counts, rows true, columns predicted.
    """

    n: int
    accuracy: float
    interval: Interval
    balanced_accuracy: float
    macro_f1: float
    log_loss: float
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]

    def most_confused(self, limit: int = 5) -> tuple[Confusion, ...]:
        """Return at most `limit` pairs, the largest error first: by its part of the true expression's faces."""
        pairs = [
            Confusion(true=row.expression, predicted=column.expression, count=count, support=row.support)
            for row, counts in zip(self.classes, self.confusion, strict=True)
            for column, count in zip(self.classes, counts, strict=True)
            if count and row is not column
        ]
        return tuple(sorted(pairs, key=lambda pair: (-pair.count / pair.support, -pair.count))[:limit])


def score(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.floating], *, expressions: Sequence[str], seed: int
) -> Scores:
    """Return every figure of `probabilities` against `labels`; the prediction is the most probable expression.

    Args:
        labels: (N,) true classes, 0 to K − 1, N at least 1. Classes without faces are fine.
        probabilities: (N, K), rows that sum to 1.
        expressions: K names.
        seed: of the bootstrap.

    Raises:
        MienError: there are no faces.
    """
    from sklearn.metrics import confusion_matrix, f1_score, log_loss

    if len(labels) == 0:
        raise MienError("expected at least one labelled face to score, found none")
    classes, predicted = np.arange(len(expressions)), probabilities.argmax(axis=1)
    exact = probabilities.astype(np.float64)
    confusion = confusion_matrix(labels, predicted, labels=classes)
    by_class = _score_classes(labels, predicted, expressions)
    return Scores(
        n=len(labels),
        accuracy=float(np.mean(labels == predicted)),
        interval=bootstrap_accuracy(labels, predicted, seed=seed),
        balanced_accuracy=float(np.mean([entry.recall for entry in by_class if entry.support])),
        macro_f1=float(f1_score(labels, predicted, average="macro", zero_division=0.0)),
        log_loss=float(log_loss(labels, exact / exact.sum(axis=1, keepdims=True), labels=classes)),
        classes=by_class,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def _score_classes(
    labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], expressions: Sequence[str]
) -> tuple[ClassScores, ...]:
    from sklearn.metrics import precision_recall_fscore_support

    figures = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(expressions)), average=None, zero_division=0.0
    )
    return tuple(
        ClassScores(
            expression=expression,
            precision=precision,
            recall=recall,
            recall_interval=wilson_interval(round(recall * support), support),
            f1=f1,
            support=support,
        )
        for expression, precision, recall, f1, support in zip(
            expressions, *(column.tolist() for column in figures), strict=True
        )
    )


def bootstrap_accuracy(
    labels: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """Return the percentile bootstrap interval of accuracy (Efron and Tibshirani 1993, section 13.3).

    A resample draws N faces with replacement; all that accuracy sees of it is how many of them are right, and that
    number is binomial with N draws and the accuracy found. So one binomial draw is one resample, exactly.

    >>> bootstrap_accuracy(np.zeros(100, dtype=int), np.zeros(100, dtype=int), seed=0)
    Interval(low=1.0, high=1.0)
    """
    n, right = len(labels), int(np.sum(labels == predicted))
    drawn = np.random.default_rng(seed).binomial(n, right / n, size=resamples) / n
    low, high = np.quantile(drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0]).tolist()
    return Interval(low=low, high=high)


def wilson_interval(right: int, total: int, *, level: float = LEVEL) -> Interval:
    """Return Wilson's interval of a proportion (Wilson 1927): sound for few faces, and for none it is all of [0, 1].

    >>> interval = wilson_interval(8, 10)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.49, 0.943)
    """
    if total == 0:
        return Interval(low=0.0, high=1.0)
    z, proportion = NormalDist().inv_cdf((1.0 + level) / 2.0), right / total
    centre = proportion + z**2 / (2 * total)
    reach = z * math.sqrt(proportion * (1.0 - proportion) / total + z**2 / (4 * total**2))
    low, high = ((centre + sign * reach) / (1.0 + z**2 / total) for sign in (-1.0, 1.0))
    return Interval(low=max(0.0, low), high=min(1.0, high))
