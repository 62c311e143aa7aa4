"""What is taken for what. In: an `Evaluation` and, where they can be read, its faces. Out: pairs and pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.evaluation.evaluation import Evaluation
from mien.evaluation.metrics import Scores, wilson_interval
from mien.faces import Faces
from mien.reports.data import ConfusedPair, FacePicture
from mien.reports.pictures import picture_face

PAIRS, FACES_PER_PAIR, WRONG = 5, 8, 16

Indices = npt.NDArray[np.intp]


def find_pairs(evaluation: Evaluation, scores: Scores, faces: Faces | None) -> tuple[ConfusedPair, ...]:
    """Return the most confused pairs of expressions, with pictures of some of their faces where `faces` are there."""
    names = [entry.expression for entry in scores.classes]
    return tuple(
        ConfusedPair(
            true=pair.true,
            given=pair.predicted,
            count=pair.count,
            support=pair.support,
            interval=wilson_interval(pair.count, pair.support),
            back=scores.confusion[names.index(pair.predicted)][names.index(pair.true)],
            back_support=scores.classes[names.index(pair.predicted)].support,
            faces=() if faces is None else _picture_pair(evaluation, faces, pair.true, pair.predicted),
        )
        for pair in scores.most_confused(PAIRS)
    )


def picture_wrong(evaluation: Evaluation, faces: Faces, limit: int = WRONG) -> tuple[FacePicture, ...]:
    """Return the faces whose wrong answer was the most confident, the most confident first."""
    return tuple(picture_face(evaluation, faces, index) for index in rank_wrong(evaluation)[:limit].tolist())


def rank_wrong(evaluation: Evaluation) -> Indices:
    """Return the faces that got a wrong answer, the most confident first."""
    wrong = np.flatnonzero(evaluation.predicted != evaluation.labels)
    return _by_confidence(evaluation, wrong)


def _picture_pair(evaluation: Evaluation, faces: Faces, true: str, given: str) -> tuple[FacePicture, ...]:
    """Return faces of `true` that were taken for `given`: spread evenly from the most to the least confident."""
    names = evaluation.expressions
    is_pair = (evaluation.labels == names.index(true)) & (evaluation.predicted == names.index(given))
    ranked = _by_confidence(evaluation, np.flatnonzero(is_pair))
    chosen = np.linspace(0, len(ranked) - 1, min(FACES_PER_PAIR, len(ranked))).round().astype(int)
    return tuple(picture_face(evaluation, faces, index) for index in ranked[chosen].tolist())


def _by_confidence(evaluation: Evaluation, indices: Indices) -> Indices:
    ranked: Indices = indices[np.argsort(-evaluation.probabilities.max(axis=1)[indices], kind="stable")]
    return ranked
