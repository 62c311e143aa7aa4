"""`gather_report`: a run folder goes in, `ReportData` comes out. Nothing is written.

Parts whose data are gone, or that the run never had, are `Absent` with the reason; the others are made.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import mien
from mien.checkpoint import Run, load_run
from mien.data.faces import UNLABELLED, Faces, Splits
from mien.errors import RunError
from mien.metrics import Scores
from mien.report.data import Absent, BalancePart, FacePicture, ReportData, SaliencyPart
from mien.report.evaluations import collect_evaluations, match_faces, read_data, score_split
from mien.report.mistakes import find_pairs, picture_wrong
from mien.report.network import tell_network
from mien.report.saliency import tell_saliency
from mien.report.training import read_facts, tell_origin, tell_training
from mien.results import Evaluation

NOT_EVALUATED = Absent(reason="not-evaluated", detail={})


def gather_report(path: Path) -> ReportData:
    """Return all that a report of the run at `path` says.

    Raises:
        RunError: there is no run with a finished epoch, or its files are damaged or of another version.
    """
    if not path.is_dir():
        raise RunError(f"{path}: expected the folder of a run, found {'a file' if path.exists() else 'nothing'}")
    run = load_run(path)
    facts = read_facts(run)
    origin = tell_origin(run, facts)
    splits = read_data(run, fingerprints=origin.fingerprints, skip_bad=bool(facts.get("skip_bad", False)))
    evaluations, unevaluated = collect_evaluations(run, splits)
    evaluated = tuple(score_split(evaluation) for evaluation in evaluations)
    spoken_of = evaluations[0] if evaluations else None
    scores = evaluated[0].scores if evaluated else None
    faces = NOT_EVALUATED if spoken_of is None else match_faces(spoken_of, splits)
    return ReportData(
        made_with=mien.__version__,
        origin=origin,
        network=tell_network(run.network, name=run.recipe.model.name),
        training=tell_training(run, facts),
        evaluated=evaluated,
        unevaluated=tuple(unevaluated),
        pictured=faces if isinstance(faces, Absent) else None,
        pairs=() if spoken_of is None or scores is None else find_pairs(spoken_of, scores, _there(faces)),
        wrong=_picture_wrong(spoken_of, faces),
        saliency=_tell_saliency(run, spoken_of, faces),
        balance=splits if isinstance(splits, Absent) else tell_balance(splits, run.expressions, scores),
    )


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


def _picture_wrong(evaluation: Evaluation | None, faces: Faces | Absent) -> tuple[FacePicture, ...]:
    return () if evaluation is None or isinstance(faces, Absent) else picture_wrong(evaluation, faces)


def _tell_saliency(run: Run, evaluation: Evaluation | None, faces: Faces | Absent) -> SaliencyPart | Absent:
    if evaluation is None or isinstance(faces, Absent):
        return faces if isinstance(faces, Absent) else NOT_EVALUATED
    return tell_saliency(run.network, evaluation, faces)


def _there(faces: Faces | Absent) -> Faces | None:
    return None if isinstance(faces, Absent) else faces
