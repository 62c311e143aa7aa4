"""Faces as small PNGs in text. In: grey or colour images. Out: base64, ready for a data URI."""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.evaluation.evaluation import Evaluation
from mien.faces import Faces
from mien.reports.data import FacePicture

WIDEST = 96
"""Side in pixels above which faces are made smaller: a report of large faces stays a small file."""

Bytes = npt.NDArray[np.uint8]


def encode_picture(image: Bytes) -> str:
    """Return a grey (H, W) or colour (H, W, 3) image as the base64 of a PNG of at most `WIDEST` pixels a side.

    >>> encode_picture(np.zeros((2, 2), dtype=np.uint8))[:8]
    'iVBORw0K'
    """
    picture = Image.fromarray(image)
    picture.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


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
