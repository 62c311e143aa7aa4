"""`gather_report`: a run folder goes in, `ReportData` comes out.

Nothing is written but what `mien evaluate` keeps in the run's folder, too: the probabilities of valid, the temperature.
Parts whose data are gone, or that the run never had, are `Absent` with the reason; the others are made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import mien
from mien.errors import RunError
from mien.evaluation.evaluation import Evaluation
from mien.evaluation.groups import GroupColumn, read_columns
from mien.evaluation.metrics import Scores
from mien.faces import UNLABELLED, Faces, Splits
from mien.reports.beliefs import calibrate_again, tell_calibration, tell_rules
from mien.reports.data import Absent, BalancePart, ReportData
from mien.reports.evaluations import PLACES, collect_evaluations, match_faces, read_data, score_split, with_copies
from mien.reports.mistakes import find_pairs, picture_wrong
from mien.reports.network import tell_network
from mien.reports.robustness import tell_robustness
from mien.reports.saliency import tell_saliency
from mien.reports.surroundings import audit_data, tell_study
from mien.reports.training import tell_origin, tell_training
from mien.runs.info import read_info
from mien.runs.run import Run, load_run

NOT_EVALUATED = Absent(reason="not-evaluated", detail={})
NO_ANSWERS: dict[str, Any] = {
    "pictured": NOT_EVALUATED,
    "pairs": (),
    "wrong": (),
    "saliency": NOT_EVALUATED,
    "rules": NOT_EVALUATED,
    "calibration": NOT_EVALUATED,
}


def gather_report(path: Path) -> ReportData:
    """Return all that a report of the run at `path` says.

    Raises:
        RunError: there is no run with a finished epoch, or its files are damaged or of another version.
    """
    if not path.is_dir():
        raise RunError(f"{path}: expected the folder of a run, found {'a file' if path.exists() else 'nothing'}")
    run = load_run(path)
    info = read_info(run.path)
    origin = tell_origin(run, info)
    skip_bad = info is not None and info.skip_bad
    splits = read_data(run, skip_bad=skip_bad)
    evaluations, unevaluated = collect_evaluations(run, splits)
    evaluated = tuple(score_split(evaluation) for evaluation in evaluations)
    scores = evaluated[0].scores if evaluated else None
    answers = NO_ANSWERS if scores is None else _tell_answers(run, splits, evaluations[0], scores)
    return ReportData(
        made_with=mien.__version__,
        origin=origin,
        network=tell_network((run.whole or run).network, name=run.recipe.model.name),
        training=tell_training(run, info),
        study=tell_study(path),
        evaluated=evaluated,
        unevaluated=tuple(unevaluated),
        balance=splits if isinstance(splits, Absent) else tell_balance(splits, run.expressions, scores),
        robustness=tell_robustness(run),
        audit=audit_data(with_copies(run, splits, skip_bad=skip_bad)),
        **answers,
    )


def _tell_answers(run: Run, splits: Splits | Absent, evaluation: Evaluation, scores: Scores) -> dict[str, Any]:
    """Return the parts of a report that speak of the answers in `evaluation`."""
    matched = match_faces(evaluation, splits)
    faces = None if isinstance(matched, Absent) else matched
    run = calibrate_again(run, splits, evaluation.views)
    return {
        "pictured": matched if isinstance(matched, Absent) else None,
        "pairs": find_pairs(evaluation, scores, faces),
        "wrong": () if faces is None else picture_wrong(evaluation, faces),
        "saliency": matched if isinstance(matched, Absent) else tell_saliency(run.network, evaluation, matched),
        "rules": tell_rules(run, evaluation, splits),
        "calibration": tell_calibration(run, evaluation),
        "sets": None if evaluation.sets is None else evaluation.score_sets(),
        "coverage": 0.0 if evaluation.sets is None else evaluation.sets.coverage,
        "groups": tell_groups(run.path / PLACES[evaluation.split], evaluation),
    }


def tell_groups(folder: Path, evaluation: Evaluation) -> tuple[GroupColumn, ...] | Absent:
    """Return the groups of an evaluation that is kept in `folder`, or that those there are of other answers."""
    try:
        return read_columns(folder, evaluation)
    except RunError:
        return Absent(reason="groups-stale", detail={"split": evaluation.split})


def tell_balance(splits: Splits, expressions: tuple[str, ...], scores: Scores | None) -> BalancePart:
    """Return the faces of each expression in each split, and beside them the recall found."""
    counts = {
        name: _count(faces, splits, expressions) for name, faces in splits.named().items() if name != "unlabelled"
    }
    present = [count for count in counts["train"] if count]
    recall = None if scores is None else tuple(entry.recall if entry.support else None for entry in scores.classes)
    return BalancePart(counts=counts, recall=recall, ratio=max(present) / min(present))


def _count(faces: Faces, splits: Splits, expressions: tuple[str, ...]) -> tuple[int, ...]:
    """Return the faces of each of the run's `expressions`, which may stand in another order in the data."""
    counts = np.bincount(faces.labels[faces.labels != UNLABELLED], minlength=len(splits.expressions)).tolist()
    by_name = dict(zip(splits.expressions, counts, strict=True))
    return tuple(by_name.get(name, 0) for name in expressions)
