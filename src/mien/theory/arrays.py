"""The number types of the theory, float64 throughout, and the error of shapes that cannot be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Pair = tuple[int, int]
"""One whole number for each of the two spatial axes."""


class ShapeError(ValueError):
    """Shapes that do not fit each other; the message says what was expected and found."""


def spread(vector: Array, x: Array) -> Array:
    """Return a vector (C,) shaped so that it broadcasts over axis 1 of `x` (B, C, …).

    >>> spread(np.zeros(3), np.zeros((2, 3, 5, 5))).shape
    (1, 3, 1, 1)
    """
    return vector.reshape(1, -1, *[1] * (x.ndim - 2))
