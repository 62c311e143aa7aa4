"""Sets instead of one answer: split conformal prediction. Of a hundred faces, about ninety have theirs in the set.

In: probabilities (N, K) and true labels of faces that the network was not trained on. Out: `SetRules`, thresholds for
any coverage; and of new probabilities the sets, bool (N, K). The promise holds for faces drawn as those were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.errors import ConfigError
from mien.hints import suggest

CLASSES, LAC, RAPS = "classes", "lac", "raps"
METHODS = (CLASSES, LAC, RAPS)
"""`lac`: every class of at least some probability (Sadinle, Lei and Wasserman 2019): the smallest sets. `classes`: the
same with a threshold of its own for each class (their section 2.3), so that a rare one is kept as often as a common
one. `raps`: the most probable ones until they suffice, more of them dearer (Angelopoulos et al. 2021, not drawn)."""

DEFAULT = CLASSES
COVERAGE = 0.9
COVERAGES = tuple(round(0.5 + step / 100, 2) for step in range(50))
"""What thresholds are kept for: one asked for in between takes the next higher."""

PENALTIES, FREE = (0.0, 0.01, 0.02, 0.05, 0.1), (1, 2, 3)
"""RAPS's λ and k, of which valid chooses."""

SCALE = 1e6
"""Thresholds are kept in millionths, rounded up."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRule:
    """Which classes go into a set: those whose score is at most the threshold, and always the most probable one.

    Attributes:
        method: one of `METHODS`.
        coverage: the part of faces whose true class shall be in the set.
        thresholds: (K,).
        penalty: λ of RAPS.
        free: its k: so many classes cost no penalty.
    """

    method: str
    coverage: float
    thresholds: tuple[float, ...]
    penalty: float = 0.0
    free: int = 1

    def apply(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return the sets, bool (N, K)."""
        scores = score_classes(probabilities, self.method, self.penalty, self.free)
        chosen: npt.NDArray[np.bool_] = scores <= np.array(self.thresholds)
        chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRules:
    """Thresholds of every method at every coverage of `COVERAGES`, plain values.

    Attributes:
        lac: one a coverage.
        raps: likewise.
        classes: K rows of the same.
        penalty: λ of RAPS.
        free: its k.
        faces: (K,) faces of each class that they come from.
    """

    lac: tuple[float, ...]
    raps: tuple[float, ...]
    classes: tuple[tuple[float, ...], ...]
    penalty: float
    free: int
    faces: tuple[int, ...]

    def pick(self, coverage: float, method: str = DEFAULT) -> SetRule:
        """Return the rule for a coverage.

        Raises:
            ConfigError: no such method or coverage.
        """
        check_sets(coverage, method)
        place = next(index for index, kept in enumerate(COVERAGES) if kept >= coverage - 1e-9)
        single = (self.raps if method == RAPS else self.lac)[place]
        found = [row[place] for row in self.classes] if method == CLASSES else [single] * len(self.classes)
        return SetRule(method=method, coverage=coverage, thresholds=tuple(found), penalty=self.penalty, free=self.free)

    def keep(self, classes: int) -> SetRules:
        """Return those of the first classes alone, for a head without the last ones."""
        return SetRules(**{**self.to_dict(), "classes": self.classes[:classes], "faces": self.faces[:classes]})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: getattr(self, name) for name in ("lac", "raps", "classes", "penalty", "free", "faces")}

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> SetRules:
        """Return what `to_dict` told, also after JSON.

        Raises:
            KeyError, TypeError or ValueError: it is something else.
        """
        rules = cls(
            lac=tuple(map(float, held["lac"])),
            raps=tuple(map(float, held["raps"])),
            classes=tuple(tuple(map(float, row)) for row in held["classes"]),
            penalty=float(held["penalty"]),
            free=int(held["free"]),
            faces=tuple(map(int, held["faces"])),
        )
        if {len(row) for row in (rules.lac, rules.raps, *rules.classes)} != {len(COVERAGES)}:
            raise ValueError("thresholds for other coverages")
        return rules


def check_sets(coverage: float, method: str) -> None:
    """Refuse a coverage that no thresholds are kept for, and an unknown method.

    Raises:
        ConfigError: with what is possible.
    """
    if not COVERAGES[0] <= coverage <= COVERAGES[-1]:
        raise ConfigError(f"`coverage`: expected {COVERAGES[0]} to {COVERAGES[-1]}, found {coverage:g}")
    if method not in METHODS:
        raise ConfigError(f"`sets` {method!r}: expected one of {', '.join(METHODS)}{suggest(method, METHODS)}")


def score_classes(probabilities: npt.NDArray[np.floating], method: str, penalty: float = 0.0, free: int = 1) -> Floats:
    """Return how little each class conforms, (N, K): 1 - p, or for RAPS all that is more probable, and a penalty.

    >>> score_classes(np.array([[0.6, 0.1, 0.3]]), "raps", 0.1, 1).round(2).tolist()
    [[0.0, 1.1, 0.7]]
    """
    exact = np.asarray(probabilities, dtype=np.float64)
    if method != RAPS:
        lacking: Floats = 1.0 - exact
        return lacking
    order = np.argsort(-exact, axis=1, kind="stable")
    ranked = np.take_along_axis(exact, order, axis=1)
    ranks = np.arange(1, exact.shape[1] + 1)
    scores = ranked.cumsum(axis=1) - ranked + penalty * np.maximum(ranks - free, 0)
    placed: Floats = np.empty_like(scores)
    np.put_along_axis(placed, order, scores, axis=1)
    return placed


def fit_sets(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.floating], *, seed: int = 0) -> SetRules:
    """Return thresholds from faces that the network was not trained on.

    Args:
        labels: (N,), N at least 1. A class with too few faces for a coverage takes the threshold of all.
        probabilities: (N, K), calibrated.
        seed: of the halves on which RAPS's penalty is chosen.
    """
    classes = probabilities.shape[1]
    penalty, free = _choose_penalty(labels, probabilities, seed)
    rows = np.arange(len(labels))
    lacking = score_classes(probabilities, LAC)[rows, labels]
    beyond = score_classes(probabilities, RAPS, penalty, free)[rows, labels]
    every = _find_thresholds(lacking, 1.0)
    return SetRules(
        lac=every,
        raps=_find_thresholds(beyond, 1.0 + penalty * classes),
        classes=tuple(_find_thresholds(lacking[labels == one], every) for one in range(classes)),
        penalty=penalty,
        free=free,
        faces=tuple(np.bincount(labels, minlength=classes).tolist()),
    )


def _find_thresholds(scores: Floats, beyond: float | Sequence[float]) -> tuple[float, ...]:
    """Return the ⌈(n + 1) c⌉-th smallest score for each coverage c; `beyond` where there are not so many."""
    ordered, count = np.sort(scores), len(scores)
    found = []
    for index, coverage in enumerate(COVERAGES):
        rank = math.ceil((count + 1) * coverage - 1e-9)
        spare = beyond if isinstance(beyond, float) else beyond[index]
        found.append(_round_up(float(ordered[rank - 1])) if rank <= count else spare)
    return tuple(found)


def _round_up(value: float) -> float:
    return math.ceil(value * SCALE) / SCALE


def _choose_penalty(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.floating], seed: int
) -> tuple[float, int]:
    """Return λ and k of the smallest sets at `COVERAGE`: thresholds from one half, sizes on the other, and reversed."""
    halves = np.array_split(np.random.default_rng(seed).permutation(len(labels)), 2)
    if len(halves[1]) < 1.0 / (1.0 - COVERAGE):
        return PENALTIES[0], FREE[0]

    def count_sizes(choice: tuple[float, int]) -> float:
        scores = score_classes(probabilities, RAPS, *choice)
        own, size = scores[np.arange(len(labels)), labels], 0.0
        for one, other in (halves, halves[::-1]):
            place = min(math.ceil((len(one) + 1) * COVERAGE), len(one)) - 1
            size += float((scores[other] <= np.sort(own[one])[place]).sum(axis=1).mean())
        return size

    return min(product(PENALTIES, FREE), key=count_sizes)
