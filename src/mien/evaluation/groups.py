"""How an evaluation fares for groups of its faces: by age, skin, glasses, camera, light, whatever a table tells.

In: an `Evaluation` and, for each face, its group by some columns. Out: `GroupScores` a group and a `Gap` a column: how
far the best and the worst are apart, and whether chance and the mix of expressions make as much.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.errors import DataError, RunError
from mien.evaluation.evaluation import Evaluation
from mien.evaluation.group_table import cut_numbers, find_word, is_mostly_numbers
from mien.evaluation.metrics import ClassScores, Interval, score, wilson_interval
from mien.files import write_text

FILE, FORMAT = "groups.json", 2

LEAST_FACES = 20
"""A group with fewer is told, but takes no part in the gap: one face would move it by more than 5 points."""

PERMUTATIONS = 2000
SEED = 0
NOISE = 0.05
"""A gap that chance makes at least as often is within noise."""

MOST_GROUPS = 20
NOT_TOLD = "(not told)"
"""The group of faces whose cell is empty."""

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScores:
    """How one group fares.

    Attributes:
        name: of the group.
        n: its faces.
        accuracy: the part of them that is right.
        interval: Wilson's 95 % interval of it.
        balanced_accuracy: mean recall of the expressions that it has.
        classes: recall of each expression with Wilson's interval, and precision.
        excess: mean confidence minus accuracy: above 0 is too sure.
        excess_interval: of the same, from Wilson's interval of the accuracy.
        ece: expected calibration error; of few faces it is mostly noise, and too large.
    """

    name: str
    n: int
    accuracy: float
    interval: Interval
    balanced_accuracy: float
    classes: tuple[ClassScores, ...]
    excess: float
    excess_interval: tuple[float, float]
    ece: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How far two groups are apart.

    Attributes:
        best: the group with the highest accuracy, of those with at least `LEAST_FACES` faces.
        worst: the one with the lowest.
        value: the difference of their accuracies.
        p_value: how often groups drawn by chance, with the same expressions in each, are as far apart or farther.
    """

    best: str
    worst: str
    value: float
    p_value: float

    @property
    def is_noise(self) -> bool:
        """True where chance and the mix of expressions make such a gap in at least one of twenty draws."""
        return self.p_value >= NOISE


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupColumn:
    """One column of the table: its groups, and the gap between them; None for fewer than two large enough."""

    name: str
    groups: tuple[GroupScores, ...]
    gap: Gap | None


def write_groups(columns: Sequence[GroupColumn], told: str, evaluation: Evaluation, folder: Path) -> Path:
    """Write groups.json, of which a report speaks, and return its path.

    Args:
        columns: how groups fare.
        told: where they come from.
        evaluation: whose faces they are.
        folder: where the file goes.

    Raises:
        MienError: it cannot be written.
    """
    mark = _mark(evaluation)
    held = {"format": FORMAT, "told": told, "mark": mark, "columns": [asdict(column) for column in columns]}
    write_text(folder / FILE, json.dumps(held, indent=2, ensure_ascii=False) + "\n")
    return folder / FILE


def read_columns(folder: Path, evaluation: Evaluation) -> tuple[GroupColumn, ...]:
    """Return what `write_groups` wrote into `folder`; nothing where nobody asked for groups, or it is damaged.

    Raises:
        RunError: they are groups of other answers than those of `evaluation`.
    """
    try:
        held = json.loads((folder / FILE).read_text(encoding="utf-8"))
        columns = tuple(_read_column(column) for column in held["columns"])
        mark = held["mark"] if held["format"] == FORMAT else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    if mark != _mark(evaluation):
        raise RunError(f"{folder / FILE}: expected groups of the answers in {folder}, found those of others")
    return columns


def _mark(evaluation: Evaluation) -> str:
    """Return what tells whether two evaluations gave the same answers to the same faces."""
    rows = "\n".join(evaluation.ids.tolist()).encode()
    answers = np.stack([evaluation.labels, evaluation.predicted]).astype(np.int64).tobytes()
    return hashlib.sha256(rows + answers).hexdigest()[:32]


def _read_column(held: dict[str, Any]) -> GroupColumn:
    groups = []
    for group in held["groups"]:
        classes = tuple(
            ClassScores(**{**entry, "recall_interval": Interval(**entry["recall_interval"])})
            for entry in group["classes"]
        )
        intervals = {"interval": Interval(**group["interval"]), "excess_interval": tuple(group["excess_interval"])}
        groups.append(GroupScores(**{**group, **intervals, "classes": classes}))
    gap = None if held["gap"] is None else Gap(**held["gap"])
    return GroupColumn(name=held["name"], groups=tuple(groups), gap=gap)


def score_groups(evaluation: Evaluation, columns: Mapping[str, Sequence[object]]) -> tuple[GroupColumn, ...]:
    """Return how each group of each column fares.

    Args:
        evaluation: of N faces, each with an answer.
        columns: name -> the group of each face, N words or numbers; "", None or NaN where it is not told. Numbers with
            many values are cut into quarters.

    Raises:
        DataError: a column of another length, or with more groups than can be told apart.
    """
    if (evaluation.predicted < 0).any():
        raise DataError("groups", "expected an answer for every face, found a decision rule that may give none")
    return tuple(_score_column(evaluation, str(name), list(cells)) for name, cells in columns.items())


def _score_column(evaluation: Evaluation, name: str, cells: list[object]) -> GroupColumn:
    where = f"groups, column {name}"
    if len(cells) != len(evaluation):
        raise DataError(where, f"expected {len(evaluation):,} cells, found {len(cells):,}")
    words = [_say(cell) for cell in cells]
    values = np.array([cell or NOT_TOLD for cell in cut_numbers(words)])
    names, places = np.unique(values, return_inverse=True)
    if len(names) > MOST_GROUPS and is_mostly_numbers(words):
        place = find_word(words)
        assert place is not None  # numbers alone would have been cut into quarters
        face = evaluation.ids[place]
        raise DataError(where, f"expected numbers as in most of its cells, found {words[place]} for the face {face}")
    if len(names) > MOST_GROUPS:
        expected = f"expected at most {MOST_GROUPS} groups, or numbers, which are cut into quarters"
        raise DataError(where, f"{expected}, found {len(names):,} different words: leave it out")
    groups = tuple(_score_group(evaluation, str(one), places == index) for index, one in enumerate(names))
    return GroupColumn(name=name, groups=groups, gap=_measure_gap(evaluation, groups, places.astype(np.int64)))


def _say(cell: object) -> str:
    """Return a cell as a word; "" for None and NaN."""
    is_missing = cell is None or (isinstance(cell, float | np.floating) and math.isnan(cell))
    return "" if is_missing else " ".join(str(cell).split())


def _score_group(evaluation: Evaluation, name: str, there: npt.NDArray[np.bool_]) -> GroupScores:
    scores = score(
        evaluation.labels[there],
        evaluation.probabilities[there],
        expressions=evaluation.expressions,
        predicted=evaluation.predicted[there],
    )
    answers = evaluation.predicted[there]
    sure = float(evaluation.probabilities[there][np.arange(len(answers)), answers].mean())
    return GroupScores(
        name=name,
        n=scores.n,
        accuracy=scores.accuracy,
        interval=wilson_interval(round(scores.accuracy * scores.n), scores.n),
        balanced_accuracy=scores.balanced_accuracy,
        classes=scores.classes,
        excess=sure - scores.accuracy,
        excess_interval=(sure - scores.interval.high, sure - scores.interval.low),
        ece=scores.calibration.ece,
    )


def _measure_gap(evaluation: Evaluation, groups: tuple[GroupScores, ...], places: Labels) -> Gap | None:
    """Return the largest gap, and how often chance makes as much: groups are drawn anew within each expression."""
    large = [index for index, group in enumerate(groups) if group.n >= LEAST_FACES]
    if len(large) < 2:
        return None
    ranked = sorted(large, key=lambda index: groups[index].accuracy)
    worst, best = groups[ranked[0]], groups[ranked[-1]]
    right = (evaluation.predicted == evaluation.labels).astype(np.float64)
    order = np.argsort(evaluation.labels, kind="stable")
    bounds = np.flatnonzero(np.diff(evaluation.labels[order])) + 1
    strata = np.split(order, bounds)
    rng, drawn = np.random.default_rng(SEED), places.copy()
    found = _spread(right, places, large)
    as_far = 0
    for _ in range(PERMUTATIONS):
        for stratum in strata:
            drawn[stratum] = places[rng.permutation(stratum)]
        as_far += _spread(right, drawn, large) >= found - 1e-12
    p_value = (as_far + 1) / (PERMUTATIONS + 1)
    return Gap(best=best.name, worst=worst.name, value=best.accuracy - worst.accuracy, p_value=p_value)


def _spread(right: npt.NDArray[np.float64], places: Labels, large: list[int]) -> float:
    rates = np.bincount(places, weights=right)[large] / np.bincount(places)[large]
    return float(rates.max() - rates.min())
