"""Likely wrong labels by confident learning. In: labels and probabilities. Out: which labels to doubt, and why.

Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", section 3.1: a label
is in doubt where another class is predicted with more confidence than is usual for the faces that carry its label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.faces import Labels


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
    exact = probabilities.astype(np.float64)
    classes = np.arange(exact.shape[1])
    usual = np.array([exact[labels == one, one].mean() if (labels == one).any() else np.inf for one in classes])
    confident = np.where(exact >= usual, exact, -1.0)
    seems = confident.argmax(axis=1)
    everyone = np.arange(len(labels))
    doubtful = np.flatnonzero((confident.max(axis=1) >= 0.0) & (seems != labels))
    margins = (exact[everyone, seems] - exact[everyone, labels])[doubtful]
    order = np.argsort(-margins, kind="stable")
    return Doubts(faces=doubtful[order], classes=seems[doubtful][order], margins=margins[order])
