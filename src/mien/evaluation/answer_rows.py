"""The lines of predictions.csv. In: the arrays of an evaluation. Out: rows of text, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

ROWS_AT_ONCE = 8192
"""Lines that are made at a time: as text they take ten times their memory."""


def list_rows(
    facts: Sequence[npt.NDArray[Any]],
    answers: Sequence[npt.NDArray[np.int64]],
    probabilities: npt.NDArray[np.float32],
    expressions: Sequence[str],
) -> Iterator[tuple[str, ...]]:
    """Yield a line for each face; float32 is written with the fewest digits that read back exactly.

    Args:
        facts: ids (N,), and whether the face is a copy (N,).
        answers: labels (N,), and what was predicted (N,); −1 is no answer.
        probabilities: (N, K).
        expressions: K names.
    """
    names = np.array((*expressions, ""))  # the last one, at −1: no answer
    ids, copies = facts
    for start in range(0, len(ids), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        told = (*(names[each[rows]] for each in answers), copies[rows].astype(int))
        columns = (ids[rows], *told, *probabilities[rows].T)
        yield from zip(*(column.astype(str).tolist() for column in columns), strict=True)
