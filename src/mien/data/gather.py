"""From what a reader found to `Splits`: rows in the data's order go in, one sound block for each split comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.data.bad import BadInputs
from mien.data.names import SPLITS
from mien.errors import DataError
from mien.faces import UNLABELLED, Faces, Images, Labels, Splits, cut, join, pick

MIN_SIDE_PIXELS = 8
MIN_CLASSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All faces of a source, as they were found.

    Attributes:
        images: uint8 (N, H, W).
        labels: int64 (N,), indices into `expressions`, or `UNLABELLED`.
        splits: int8 (N,), indices into `SPLITS`.
        ids: str (N,).
        expressions: every class that the source could have; those without a face are left out later.
        kind: what was recognised, in words.
        warnings: what a user should know.
        synthetic: True if the faces say that they are drawn.
    """

    images: Images
    labels: Labels
    splits: npt.NDArray[np.int8]
    ids: npt.NDArray[np.str_]
    expressions: tuple[str, ...]
    kind: str
    warnings: tuple[str, ...] = ()
    synthetic: bool = False

    def take(self, indices: npt.NDArray[np.intp]) -> Gathered:
        """Return the rows at `indices`, in that order."""
        return replace(
            self,
            images=pick(self.images, indices),
            labels=self.labels[indices],
            splits=self.splits[indices],
            ids=self.ids[indices],
        )


def concatenate(parts: Sequence[Gathered], source: str) -> Gathered:
    """Return the rows of all `parts`, which have the same classes, as one.

    Raises:
        DataError: their faces are not of one size.
    """
    sizes = sorted({part.images.shape[1:] for part in parts})
    if len(sizes) > 1:
        found = " and ".join(f"{width}x{height}" for height, width in sizes)
        raise DataError(source, f"expected tables with faces of one size, found {found}: choose a `size`")
    first = parts[0]
    if len(parts) == 1:
        return first
    return replace(
        first,
        images=join([part.images for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        splits=np.concatenate([part.splits for part in parts]),
        ids=np.concatenate([part.ids for part in parts]),
    )


def assemble(gathered: Gathered, source: str, bad: BadInputs) -> Splits:
    """Return the faces by split, each split one block of memory, with the classes that have faces.

    Raises:
        DataError: no faces, faces that are too small, one class only, or a class that train lacks.
    """
    if not len(gathered.images):
        raise DataError(source, "expected faces, found none")
    height, width = gathered.images.shape[1:]
    if min(height, width) < MIN_SIDE_PIXELS:
        least = f"{MIN_SIDE_PIXELS}x{MIN_SIDE_PIXELS}"
        raise DataError(source, f"expected faces of at least {least} pixels, found {width}x{height}: choose a `size`")
    gathered = _drop_untrainable(gathered, source, bad)
    order = np.argsort(gathered.splits, kind="stable")
    if (order[1:] < order[:-1]).any():
        gathered = gathered.take(order)
    expressions, labels = _keep_present(gathered)
    bounds = np.searchsorted(gathered.splits, np.arange(len(SPLITS) + 1))
    parts: dict[str, Any] = dict.fromkeys(SPLITS)  # Faces or None, for fields of Splits by name
    for name, start, stop in zip(SPLITS, bounds[:-1], bounds[1:], strict=True):
        if start < stop:
            rows = slice(start, stop)
            parts[name] = Faces(images=cut(gathered.images, start, stop), labels=labels[rows], ids=gathered.ids[rows])
    return Splits(
        expressions=expressions,
        source=source,
        kind=gathered.kind,
        **parts,
        synthetic=gathered.synthetic,
        skipped=tuple(bad.lines),
        warnings=gathered.warnings,
    )


def _drop_untrainable(gathered: Gathered, source: str, bad: BadInputs) -> Gathered:
    """Return `gathered` without the classes that stand in another split but not in train."""
    train = gathered.splits == SPLITS.index("train")
    labelled = gathered.labels != UNLABELLED
    if not (train & labelled).any():
        return gathered
    in_train = np.unique(gathered.labels[train & labelled])
    lone = np.setdiff1d(gathered.labels[labelled], in_train)
    for label in lone:
        count = int((gathered.labels == label).sum())
        found = f"none, though other splits have {count}"
        bad.add(DataError(source, f"train, class {gathered.expressions[label]}: expected faces, found {found}"))
    if len(in_train) < MIN_CLASSES:
        only = gathered.expressions[in_train[0]]
        raise DataError(source, f"train: expected faces of at least {MIN_CLASSES} classes, found only {only}")
    return gathered.take(np.flatnonzero(~np.isin(gathered.labels, lone))) if len(lone) else gathered


def _keep_present(gathered: Gathered) -> tuple[tuple[str, ...], Labels]:
    """Return the expressions that have a face, and the labels as indices into them."""
    present = [int(label) for label in np.unique(gathered.labels) if label != UNLABELLED]
    positions = np.full(len(gathered.expressions) + 1, UNLABELLED, dtype=np.int64)
    positions[present] = np.arange(len(present))  # the last position, which UNLABELLED (-1) looks up, stays -1
    expressions = tuple(gathered.expressions[label] for label in present) or gathered.expressions
    return expressions, positions[gathered.labels]
