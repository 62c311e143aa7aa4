"""How sets of expressions fare. In: labels and sets, bool (N, K). Out: `SetScores`: coverage, overall and by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.evaluation.metrics import Interval, wilson_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCoverage:
    """Of the `support` faces of an expression, the part that has it in the set; 0 where there are none."""

    expression: str
    coverage: float
    interval: Interval
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScores:
    """Whether sets keep their promise, and what it costs.

    Attributes:
        n: faces.
        coverage: part of them whose true expression is in the set.
        interval: Wilson's 95 % interval of it.
        mean_size: expressions in a set.
        single: part of the faces whose set is one expression.
        classes: one entry an expression.
    """

    n: int
    coverage: float
    interval: Interval
    mean_size: float
    single: float
    classes: tuple[ClassCoverage, ...]


def score_sets(labels: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_], expressions: Sequence[str]) -> SetScores:
    """Return how the sets `chosen` (N, K) fare against `labels` (N,), N at least 1."""
    held = chosen[np.arange(len(labels)), labels]
    sizes = chosen.sum(axis=1)

    def cover(name: str, there: npt.NDArray[np.bool_]) -> ClassCoverage:
        right, support = int(held[there].sum()), int(there.sum())
        part = right / support if support else 0.0
        return ClassCoverage(expression=name, coverage=part, interval=wilson_interval(right, support), support=support)

    return SetScores(
        n=len(labels),
        coverage=float(held.mean()),
        interval=wilson_interval(int(held.sum()), len(labels)),
        mean_size=float(sizes.mean()),
        single=float((sizes == 1).mean()),
        classes=tuple(cover(name, labels == index) for index, name in enumerate(expressions)),
    )
