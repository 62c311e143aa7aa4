"""Faces of a report, with what was answered. In: an evaluation and its faces. Out: a `FacePicture` each."""

from __future__ import annotations

import numpy as np

from mien.evaluation.evaluation import Evaluation
from mien.faces import Faces
from mien.reports.data import FacePicture
from mien.reports.thumbnails import encode_picture


def picture_face(
    evaluation: Evaluation, faces: Faces, index: int, saliency: dict[str, str] | None = None
) -> FacePicture:
    """Return face `index` of `faces` with the answer that `evaluation`, of the same faces, holds of it."""
    label, given = int(evaluation.labels[index]), int(evaluation.predicted[index])
    probabilities = evaluation.probabilities[index]
    return FacePicture(
        id=str(evaluation.ids[index]),
        true=evaluation.expressions[label],
        given=evaluation.expressions[given],
        probability=float(probabilities[given]),
        true_probability=float(probabilities[label]),
        png=encode_picture(np.asarray(faces.images[index])),
        saliency=saliency or {},
    )
