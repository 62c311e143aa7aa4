"""Faces of the classes that a run knows: `Splits` with further classes go in, the same without those come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mien.errors import DataError
from mien.faces import UNLABELLED, Faces, Splits


def keep_known(splits: Splits, expressions: Sequence[str]) -> Splits:
    """Return the faces whose class is among `expressions`, and those without a label; a warning says what is left out.

    Raises:
        DataError: no class of the data is among them.
    """
    kept = [name for name in splits.expressions if name in expressions]
    if not kept:
        found = ", ".join(splits.expressions)
        raise DataError(splits.source, f"expected a class among {', '.join(expressions)}, found {found}")
    positions = np.array([kept.index(name) if name in kept else UNLABELLED for name in splits.expressions])
    unknown = [name for name in splits.expressions if name not in expressions]
    parts: dict[str, Faces | None] = {}
    warnings = []
    for name, faces in splits.named().items():
        is_known = (faces.labels == UNLABELLED) | (positions[faces.labels] != UNLABELLED)
        rows = np.flatnonzero(is_known)
        labels = np.where(faces.labels == UNLABELLED, UNLABELLED, positions[faces.labels]).astype(np.int64)
        parts[name] = replace(faces, labels=labels, targets=None).take(rows) if len(rows) else None
        if len(rows) < len(faces):
            left_out = f"{len(faces) - len(rows):,} of {len(faces):,} faces left out"
            warnings.append(f"{name}: {left_out}, of classes that the run does not know: {', '.join(unknown)}")
    return replace(
        splits,
        **parts,  # type: ignore[arg-type]
        expressions=tuple(kept),
        warnings=(*splits.warnings, *warnings),
    )
