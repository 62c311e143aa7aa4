"""The figures of an evaluation. In: true labels and probabilities. Out: `Scores`, plain numbers that compare and print.

Proportions (accuracy, recall) come with Wilson's interval; what scikit-learn offers is scikit-learn's.
Differences, which are no proportions, are `mien.evaluation.differences`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.errors import MienError
from mien.evaluation.reliability import Calibration, measure_calibration

LEVEL = 0.95
RESAMPLES = 2000

Labels = npt.NDArray[np.int64]


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
class Rates:
    """Three ways to count right answers; floats, or arrays of one shape.

    Attributes:
        balanced_accuracy: mean recall of the classes that have faces.
        macro_f1: mean F1 of the classes that have faces or were given to one.
    """

    accuracy: Any
    balanced_accuracy: Any
    macro_f1: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Every figure of one evaluation.

    Attributes:
        n: faces that were answered.
        coverage: their part of all faces: below 1 only where the decision rule may abstain.
        interval: Wilson's 95 % interval of `accuracy`.
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
    calibration: Calibration
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    coverage: float = 1.0

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
    labels: Labels,
    probabilities: npt.NDArray[np.floating],
    *,
    expressions: Sequence[str],
    predicted: Labels | None = None,
) -> Scores:
    """Return every figure of `probabilities` against `labels`.

    Args:
        labels: (N,) true classes, 0 to K − 1, N at least 1. Classes without faces are fine.
        probabilities: (N, K), rows that sum to 1.
        expressions: K names.
        predicted: (N,) the answers, negative for none: such faces count in `coverage` alone. None: the most probable.

    Raises:
        MienError: there are no faces, or none was answered.
    """
    predicted = probabilities.argmax(axis=1) if predicted is None else predicted
    answered = predicted >= 0
    if not answered.any():
        found = f"{len(labels):,} without an answer" if len(labels) else "none"
        raise MienError(f"expected at least one labelled face to score, found {found}")
    scores = _score_answers(labels[answered], probabilities[answered], predicted[answered], expressions)
    return replace(scores, coverage=float(answered.mean()))


def _score_answers(
    labels: Labels, probabilities: npt.NDArray[np.floating], predicted: Labels, expressions: Sequence[str]
) -> Scores:
    from sklearn.metrics import confusion_matrix, f1_score, log_loss

    classes, exact = np.arange(len(expressions)), probabilities.astype(np.float64)
    confusion = confusion_matrix(labels, predicted, labels=classes)
    by_class, right = _score_classes(labels, predicted, expressions), int(np.sum(labels == predicted))
    return Scores(
        n=len(labels),
        accuracy=right / len(labels),
        interval=wilson_interval(right, len(labels)),
        balanced_accuracy=float(np.mean([entry.recall for entry in by_class if entry.support])),
        macro_f1=float(f1_score(labels, predicted, average="macro", zero_division=0.0)),
        log_loss=float(log_loss(labels, exact / exact.sum(axis=1, keepdims=True), labels=classes)),
        calibration=measure_calibration(labels, probabilities),
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


def wilson_interval(right: int, total: int, *, level: float = LEVEL) -> Interval:
    """Return Wilson's interval of a proportion (Wilson 1927): sound for few faces, and for none it is all of [0, 1].

    Ten of ten right are no proof of a network without error, as a bootstrap, which can only draw right ones, says.

    >>> interval = wilson_interval(8, 10)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.49, 0.943)
    >>> round(wilson_interval(10, 10).low, 2)
    0.72
    """
    if total == 0:
        return Interval(low=0.0, high=1.0)
    z, proportion = NormalDist().inv_cdf((1.0 + level) / 2.0), right / total
    centre = proportion + z**2 / (2 * total)
    reach = z * math.sqrt(proportion * (1.0 - proportion) / total + z**2 / (4 * total**2))
    low, high = ((centre + sign * reach) / (1.0 + z**2 / total) for sign in (-1.0, 1.0))
    # Rounding must not leave out the proportion itself, as at ten of ten.
    return Interval(low=max(0.0, min(low, proportion)), high=min(1.0, max(high, proportion)))


def rate(labels: Labels, predicted: Labels, classes: int) -> Rates:
    """Return the three rates of `predicted` (N,), −1 for no answer, as floats; quicker than `score`.

    >>> rate(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), classes=2).accuracy
    0.75
    """
    given = predicted[predicted >= 0]
    counts = (np.bincount(chosen, minlength=classes) for chosen in (labels[labels == predicted], labels, given))
    rates = rate_counts(*counts)
    return Rates(**{name: float(value) for name, value in asdict(rates).items()})


def rate_counts(right: npt.NDArray[Any], support: npt.NDArray[Any], given: npt.NDArray[Any]) -> Rates:
    """Return the rates of counts (…, K): faces of a class that are right, that there are, and that were given it."""
    there, named = support > 0, support + given > 0
    recall = np.divide(right, support, out=np.zeros(right.shape), where=there)
    f1 = np.divide(2 * right, support + given, out=np.zeros(right.shape), where=named)
    return Rates(
        accuracy=right.sum(axis=-1) / support.sum(axis=-1),
        balanced_accuracy=recall.sum(axis=-1) / there.sum(axis=-1),
        macro_f1=f1.sum(axis=-1) / named.sum(axis=-1),
    )
