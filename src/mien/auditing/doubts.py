"""Likely wrong labels by confident learning. In: labels and probabilities. Out: which labels to doubt, and why.

Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", section 3.1: a label
is in doubt where another class is predicted with more confidence than is usual for the faces that carry its label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.faces import Labels

ROWS_AT_ONCE = 1 << 16
"""Faces that are looked at together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """Labels in doubt, the most doubtful first.

    Attributes:
        faces: (M,), indices of the faces.
        classes: (M,), the class that each seems to be.
        margins: (M,), probability of that class less that of the label: the higher, the more doubtful.
    """

    faces: npt.NDArray[np.intp]
    classes: npt.NDArray[np.intp]
    margins: npt.NDArray[np.float64]


def find_doubts(labels: Labels, probabilities: npt.NDArray[np.floating]) -> Doubts:
    """Return the faces off the diagonal of the confident joint (equation 1 there).

    Args:
        labels: int (N,), 0 to K − 1.
        probabilities: (N, K), of a network that was not trained on these faces.

    >>> first, second = [0.9, 0.1], [0.2, 0.8]
    >>> find_doubts(np.array([0, 0, 1, 1, 1]), np.array([first, first, second, second, first])).faces
    array([4])
    """
    classes = np.arange(probabilities.shape[1])
    usual = np.array([_mean(probabilities[labels == one, one]) for one in classes])
    faces, seeming, margins = [], [], []
    for start in range(0, len(labels), ROWS_AT_ONCE):
        own = labels[start : start + ROWS_AT_ONCE]
        exact = probabilities[start : start + ROWS_AT_ONCE].astype(np.float64)
        confident = np.where(exact >= usual, exact, -1.0)
        seems = confident.argmax(axis=1)
        doubtful = np.flatnonzero((confident.max(axis=1) >= 0.0) & (seems != own))
        faces.append(doubtful + start)
        seeming.append(seems[doubtful])
        margins.append(exact[doubtful, seems[doubtful]] - exact[doubtful, own[doubtful]])
    return _sort(*(np.concatenate(parts) for parts in (faces, seeming, margins)))


def _mean(confidences: npt.NDArray[np.floating]) -> float:
    return float(confidences.astype(np.float64).mean()) if len(confidences) else np.inf


def _sort(faces: npt.NDArray[np.intp], classes: npt.NDArray[np.intp], margins: npt.NDArray[np.float64]) -> Doubts:
    order = np.argsort(-margins, kind="stable")
    return Doubts(faces=faces[order], classes=classes[order], margins=margins[order])
