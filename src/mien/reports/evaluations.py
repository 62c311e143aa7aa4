"""The evaluations that a report speaks of. In: a run and its data. Out: what `mien evaluate` left, checked.

Test is never read anew. Where nothing is left at all, valid is evaluated, because valid may be looked at at any time.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.data.prepare import prepare_splits
from mien.errors import DataError, RunError
from mien.evaluation.evaluation import FIGURES, Evaluation, read_evaluation
from mien.evaluation.known import know_splits
from mien.evaluation.predict import evaluate_split
from mien.faces import Faces, Splits
from mien.reports.beliefs import calibrate_again
from mien.reports.data import Absent, SplitScores
from mien.runs.run import Run

PLACES = {"test": ".", "valid": "valid"}
"""Split -> where in its folder a run keeps the evaluation; the first one there is the one to speak of."""


def read_data(run: Run, *, skip_bad: bool) -> Splits | Absent:
    """Return the faces that `run` was trained on, or why they are not to be had."""
    try:
        known = know_splits(run, skip_bad=skip_bad)
    except DataError as error:
        return Absent(reason="data-moved", detail={"problem": error.problem})
    changed = [name for name in known.changed if name != "test"]  # that one is held against its evaluation
    return Absent(reason="data-changed", detail={"splits": ", ".join(changed)}) if changed else known.splits


def with_copies(run: Run, splits: Splits | Absent, *, skip_bad: bool) -> Splits | Absent:
    """Return `splits` with the exact copies that `run` left out of train: what is wrong with data includes them."""
    if isinstance(splits, Absent) or not run.recipe.data.drop_copies:
        return splits
    return prepare_splits(
        run.source, replace(run.recipe.data, drop_copies=False), seed=run.recipe.train.seed, skip_bad=skip_bad
    )


def collect_evaluations(run: Run, splits: Splits | Absent) -> tuple[list[Evaluation], list[Absent]]:
    """Return the evaluations of `run`, the one to speak of first, and why others are missing."""
    found: list[Evaluation] = []
    missing: list[Absent] = []
    for split in PLACES:
        evaluation = _read(run, split)
        if isinstance(evaluation, Absent):
            missing.append(evaluation)
        elif evaluation is not None:
            found.append(evaluation)
    if not found and not isinstance(splits, Absent) and splits.valid is not None and len(splits.valid):
        found = [evaluate_split(calibrate_again(run, splits, ("plain",)), splits, "valid")]
    return found, missing


def score_split(evaluation: Evaluation) -> SplitScores:
    """Return every figure of an evaluation."""
    return SplitScores(
        split=evaluation.split,
        views=evaluation.views,
        scores=evaluation.score(),
        without_copies=evaluation.score_without_copies(),
    )


def match_faces(evaluation: Evaluation, splits: Splits | Absent) -> Faces | Absent:
    """Return the very faces that were evaluated, in their order, or why they are not to be had."""
    if isinstance(splits, Absent):
        return splits
    faces = splits.named().get(evaluation.split)
    if faces is None or not np.array_equal(faces.ids, evaluation.ids):
        return Absent(reason="data-changed", detail={"splits": evaluation.split})
    return faces


def _read(run: Run, split: str) -> Evaluation | Absent | None:
    """Return the evaluation that is kept of a split; None for valid without one: nothing is amiss."""
    folder = run.path / PLACES[split]
    if not (folder / FIGURES).exists():
        if split != "test":
            return None
        others = sorted(str(path.parent.relative_to(run.path)) for path in run.path.rglob(FIGURES) if _read_test(path))
        if others:
            return Absent(reason="test-otherwise", detail={"folders": ", ".join(others)})
        return Absent(reason="test-not-evaluated", detail={})
    try:
        evaluation = read_evaluation(folder)
    except RunError as error:
        return Absent(reason="evaluation-damaged", detail={"split": split, "problem": str(error)})
    is_current = (evaluation.epoch, evaluation.expressions, evaluation.split) == (run.epoch, run.expressions, split)
    return evaluation if is_current else Absent(reason="evaluation-stale", detail={"split": split})


def _read_test(figures: Path) -> bool:
    """Say whether these are figures of test of the run's own data: by another head, rule or prior, or with others."""
    try:
        held = json.loads(figures.read_text(encoding="utf-8"))
        return bool(held["split"] == "test" and held["source"] == held["copies_sought_in"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
