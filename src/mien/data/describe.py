"""What a data set holds, as a value: `Splits` go in, a `Description` comes out, ready to be printed or compared.

Counts by split and expression, exact copies within and across splits, and warnings about what a user should know before
training: the reader's own, and what the counts show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from mien.data.copies import hash_images
from mien.faces import UNLABELLED, Splits

UNBALANCED_RATIO = 10
"""Faces of the largest class of train for one of the smallest, from which a warning is due."""

Digests = dict[str, npt.NDArray[np.bytes_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitDescription:
    """One split in numbers.

    Attributes:
        name: train, valid, test or unlabelled.
        faces: how many.
        counts: faces of each expression, in the order of the description; all 0 in an unlabelled split.
        copies: faces whose pixels stand in an earlier face of the same split.
    """

    name: str
    faces: int
    counts: tuple[int, ...]
    copies: int

    def proportions(self) -> tuple[float, ...]:
        """Return the part of the split, 0 to 1, that each expression makes up."""
        return tuple(count / max(self.faces, 1) for count in self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCopies:
    """How many faces of the split `of` have an exact copy in the split `within`."""

    of: str
    within: str
    faces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A data set in numbers and words.

    Attributes:
        kind: what was recognised, in words.
        source: the path as the user gave it, or "synthetic".
        synthetic: True if the faces are drawn.
        height: of every face, in pixels.
        width: of every face, in pixels.
        expressions: class names; `counts` of the splits follow their order.
        splits: those that exist, in the order train, valid, test, unlabelled.
        shared: every pair of splits that share a face, pixel for pixel.
        contradicted: labelled faces of which an exact copy, anywhere, has another label.
        warnings: one line each.
        skipped: one line for each bad input that was left out.
    """

    kind: str
    source: str
    synthetic: bool
    height: int
    width: int
    expressions: tuple[str, ...]
    splits: tuple[SplitDescription, ...]
    shared: tuple[SharedCopies, ...]
    contradicted: int
    warnings: tuple[str, ...]
    skipped: tuple[str, ...]


def describe(splits: Splits) -> Description:
    """Return the numbers of a data set; every face is hashed once, to find exact copies."""
    named = splits.named()
    digests = {name: hash_images(faces.images) for name, faces in named.items()}
    classes = len(splits.expressions)
    described = tuple(
        SplitDescription(
            name=name,
            faces=len(faces),
            counts=tuple(np.bincount(faces.labels[faces.labels != UNLABELLED], minlength=classes).tolist()),
            copies=len(faces) - len(np.unique(digests[name])),
        )
        for name, faces in named.items()
    )
    height, width = next((faces.images.shape[1:] for faces in named.values()), (0, 0))
    return Description(
        kind=splits.kind,
        source=splits.source,
        synthetic=splits.synthetic,
        height=height,
        width=width,
        expressions=splits.expressions,
        splits=described,
        shared=tuple(_find_shared(digests)),
        contradicted=_count_contradicted(splits, digests),
        warnings=(*splits.warnings, *_warn(splits.expressions, described)),
        skipped=splits.skipped,
    )


def _find_shared(digests: Digests) -> Iterator[SharedCopies]:
    for within, of in combinations(digests, 2):
        faces = int(np.isin(digests[of], digests[within]).sum())
        if faces:
            yield SharedCopies(of=of, within=within, faces=faces)


def _count_contradicted(splits: Splits, digests: Digests) -> int:
    """Count the labelled faces that have a copy, in any split, with another label."""
    parts = [(digests[name], faces.labels) for name, faces in splits.named().items()]
    if not parts:
        return 0
    every, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    every, labels = every[labels != UNLABELLED], labels[labels != UNLABELLED]
    _, group = np.unique(every, return_inverse=True)
    lowest = np.full(len(every), len(splits.expressions))
    highest = np.full(len(every), UNLABELLED)
    np.minimum.at(lowest, group, labels)
    np.maximum.at(highest, group, labels)
    return int((lowest != highest)[group].sum())


def _warn(expressions: tuple[str, ...], described: tuple[SplitDescription, ...]) -> Iterator[str]:
    for split in described:
        absent = [name for name, count in zip(expressions, split.counts, strict=True) if not count]
        if absent and any(split.counts):
            yield f"{split.name}: no face of {', '.join(absent)}"
    train = next((split for split in described if split.name == "train" and any(split.counts)), None)
    if train is None:
        return
    least, most = (pick(count for count in train.counts if count) for pick in (min, max))
    if most >= UNBALANCED_RATIO * least:
        rare, frequent = (expressions[train.counts.index(count)] for count in (least, most))
        yield f"train: {most / least:.0f} times as many faces of {frequent} ({most:,}) as of {rare} ({least:,})"
