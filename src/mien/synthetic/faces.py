"""`load_synthetic`, the data set that ships with mien, and `draw_faces`, faces of chosen expressions.

In: how many of each expression, a seed, a size. Out: `Splits`, or images uint8 (N, size, size).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from mien.errors import ConfigError
from mien.faces import Faces, Images, Labels, Splits
from mien.labels import EXPRESSIONS
from mien.synthetic.scene import draw_people
from mien.synthetic.traits import sample_traits
from mien.synthetic.units import sample_intensities

Counts = int | Mapping[str, int]
"""Faces of each expression: one number for all, or a number by expression (those not named: none)."""

PER_CLASS: Mapping[str, int] = MappingProxyType({"train": 700, "valid": 100, "test": 100})
"""Split -> faces of each expression, unless told otherwise."""

SIZE = 48
SMALLEST, LARGEST = 16, 512
"""Sides in pixels: below, no expression can be told; above, drawing would fill the memory."""


def load_synthetic(
    *, size: int | None = None, per_class: int | Mapping[str, Counts] = PER_CLASS, seed: int = 0
) -> Splits:
    """Draw a data set; the same arguments give the same faces, bit for bit.

    The people of train, valid and test come from independent random streams: no face is in two splits, and a split's
    faces do not depend on how many the others have.

    Args:
        size: side of the faces in pixels, 16 to 512; None means 48.
        per_class: faces of each expression: a number for every split, or split -> number, or
            split -> expression -> number (a split that is not named stays out).
        seed: which data set to draw, 0 or above.

    Raises:
        ConfigError: a size, count, seed, split or expression that cannot be drawn.

    >>> splits = load_synthetic(per_class={"train": 2, "test": {"happy": 1}})
    >>> splits.synthetic, splits.train.images.shape, splits.valid, splits.test.labels
    (True, (14, 48, 48), None, array([3]))
    """
    size = SIZE if size is None else size
    if not _is_whole(seed) or seed < 0:
        raise ConfigError(f"synthetic faces: expected a seed of 0 or above, found {seed!r}")
    counts = per_class if isinstance(per_class, Mapping) else dict.fromkeys(PER_CLASS, per_class)
    _check_names("split", counts, tuple(PER_CLASS))
    drawn = {
        name: _draw_split(name, counts[name], np.random.default_rng([seed, stream]), size)
        for stream, name in enumerate(PER_CLASS)
        if name in counts
    }
    return Splits(
        expressions=EXPRESSIONS,
        source="synthetic",
        kind="synthetic faces (drawn)",
        train=drawn.get("train"),
        valid=drawn.get("valid"),
        test=drawn.get("test"),
        synthetic=True,
    )


def _draw_split(name: str, counts: Counts, rng: np.random.Generator, size: int) -> Faces:
    labels = np.repeat(np.arange(len(EXPRESSIONS)), _count_each(name, counts))
    rng.shuffle(labels)
    ids = [f"{name}/{EXPRESSIONS[label]}/{index:05d}.png" for index, label in enumerate(labels)]
    return Faces(images=draw_faces(labels, rng, size=size), labels=labels, ids=np.array(ids, dtype=np.str_))


def _count_each(name: str, counts: Counts) -> list[int]:
    """Return how many faces of each expression the split `name` gets, in the order of `EXPRESSIONS`."""
    if isinstance(counts, Mapping):
        _check_names("expression", counts, EXPRESSIONS)
        each = [counts.get(expression, 0) for expression in EXPRESSIONS]
    else:
        each = [counts] * len(EXPRESSIONS)
    if any(not _is_whole(count) or count < 0 for count in each) or not any(each):
        raise ConfigError(f"synthetic faces, {name}: expected whole numbers of faces, 1 or above, found {counts!r}")
    return each


def _check_names(what: str, found: Mapping[str, object], known: tuple[str, ...]) -> None:
    unknown = [name for name in found if name not in known]
    if unknown or not found:
        raise ConfigError(f"synthetic faces: expected {what}s among {', '.join(known)}, found {unknown or 'none'}")


def draw_faces(labels: Labels | Sequence[int | str], rng: np.random.Generator, *, size: int = SIZE) -> Images:
    """Draw a new person for each label, showing the action units of its expression.

    Args:
        labels: int (N,), indices into `EXPRESSIONS`, or names of expressions.
        rng: the generator that picks people, pose, light, occlusion and noise.
        size: side in pixels, 16 to 512.

    Returns:
        uint8 (N, size, size), 0 black to 255 white.

    Raises:
        ConfigError: a label or size that cannot be drawn.

    >>> draw_faces(["happy", "sad"], np.random.default_rng(0)).shape
    (2, 48, 48)
    """
    if not _is_whole(size) or not SMALLEST <= size <= LARGEST:
        raise ConfigError(f"synthetic faces: expected a size of {SMALLEST} to {LARGEST} pixels, found {size!r}")
    indices = np.array([_index(label) for label in labels], dtype=np.int64)
    traits = sample_traits(len(indices), rng)
    return draw_people(traits, sample_intensities(indices, rng), rng, size)


def _index(label: int | str) -> int:
    if isinstance(label, str) and label in EXPRESSIONS:
        return EXPRESSIONS.index(label)
    if not isinstance(label, str) and _is_whole(label) and 0 <= label < len(EXPRESSIONS):
        return int(label)
    raise ConfigError(f"synthetic faces: expected a label 0-6 or one of {', '.join(EXPRESSIONS)}, found {label!r}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
