"""Many pictures at once: a listing of entries goes in, `Gathered` faces of one size come out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from mien.data.archives import Tree, name_damage
from mien.data.bad import BadInputs
from mien.data.gather import Gathered
from mien.data.images import decode_face
from mien.data.names import SPLITS, order_classes
from mien.errors import DataError
from mien.faces import UNLABELLED

DEFAULT_SIDE = 48
"""The side of FER2013's faces: what pictures of several sizes are resized to unless told otherwise."""

MAX_OWN_SIDE = 512
MAX_PICTURE_BYTES = 1 << 28
MAX_WORKERS = 8
_PICTURES_A_TASK = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where the face is in its picture: in pixels, or, where `is_part`, in parts of width and height."""

    left: float
    top: float
    right: float
    bottom: float
    is_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One entry of a listing.

    Attributes:
        file: path inside the tree.
        split: one of `SPLITS`.
        label: the class as the data spells it, or None.
        id: what the face is called from now on.
        box: what is cut out; None: the whole picture.
    """

    file: str
    split: str
    label: str | None
    id: str
    box: Box | None = None


_Decoded = npt.NDArray[np.uint8] | DataError


def read_pictures(tree: Tree, listing: Sequence[Picture], *, size: int | None, bad: BadInputs) -> Gathered:
    """Return the faces of a listing, in its order.

    Args:
        tree: where the entries are.
        listing: which to read, and what is known of each.
        size: side in pixels; None: their own where all are squares of one size, otherwise `DEFAULT_SIDE`.
        bad: what to do with a picture that cannot be used.

    Raises:
        DataError: a bad picture that may not be skipped.
    """
    decoded = _decode_all(tree, listing, size, bad)
    sizes = {face.shape for face in decoded if not isinstance(face, DataError)}
    remarks: tuple[str, ...] = ()
    if size is None and (len(sizes) > 1 or any(height != width or height > MAX_OWN_SIDE for height, width in sizes)):
        remarks = (_tell_sizes(sizes),)
        decoded = _decode_all(tree, listing, DEFAULT_SIDE, bad)
    images, kept = [], []
    for picture, face in zip(listing, decoded, strict=True):
        if isinstance(face, DataError):
            bad.add(face)
        else:
            images.append(face)
            kept.append(picture)
    expressions, classes, more = order_classes(picture.label for picture in kept if picture.label is not None)
    positions = {label: expressions.index(name) for label, name in classes.items()}
    return Gathered(
        images=np.stack(images) if images else np.empty((0, DEFAULT_SIDE, DEFAULT_SIDE), np.uint8),
        labels=np.array([positions.get(one.label or "", UNLABELLED) for one in kept], dtype=np.int64),
        splits=np.array([SPLITS.index(picture.split) for picture in kept], dtype=np.int8),
        ids=np.array([picture.id for picture in kept], dtype=np.str_),
        expressions=expressions,
        kind="pictures",
        warnings=(*remarks, *more),
    )


def _decode_all(tree: Tree, listing: Sequence[Picture], side: int | None, bad: BadInputs) -> list[_Decoded]:
    """Return a face or an error for each picture; without a `side`, only up to the first that differs in size."""
    tasks = [listing[start : start + _PICTURES_A_TASK] for start in range(0, len(listing), _PICTURES_A_TASK)]
    decoded: list[_Decoded] = []
    shape: tuple[int, ...] | None = None
    with warnings.catch_warnings(), ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_WORKERS)) as pool:
        # Pillow warns of large headers, which are refused anyway, and of odd metadata, which nobody here reads.
        warnings.simplefilter("ignore")
        for faces in pool.map(partial(_decode_some, tree, side=side), tasks):
            decoded += faces
            shapes = {face.shape for face in faces if not isinstance(face, DataError)}
            error = next((face for face in faces if isinstance(face, DataError)), None)
            shape = shape or next(iter(shapes), None)
            if (error and not bad.skip) or (side is None and shapes - {shape}):
                pool.shutdown(wait=False, cancel_futures=True)
                if error:
                    bad.add(error)
                break
    return decoded


def _decode_some(tree: Tree, listing: Sequence[Picture], *, side: int | None) -> list[_Decoded]:
    decoded: list[_Decoded] = []
    for picture in listing:
        where = tree.locate(picture.file)
        try:
            with name_damage(where), tree.open(picture.file) as file:
                data = file.read(MAX_PICTURE_BYTES)
            decoded.append(decode_face(data, where, side=side, cut=_make_cut(picture.box)))
        except DataError as error:
            decoded.append(error)
    return decoded


def _make_cut(box: Box | None) -> Callable[[int, int], tuple[int, int, int, int]] | None:
    """Return what gives left, top, right and bottom of the face in pixels of a picture that wide and high."""
    if box is None:
        return None

    def cut(width: int, height: int) -> tuple[int, int, int, int]:
        scale = (width, height) if box.is_part else (1, 1)
        sides = (box.left * scale[0], box.top * scale[1], box.right * scale[0], box.bottom * scale[1])
        left, top, right, bottom = map(round, sides)
        kept = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
        if kept[2] - kept[0] < 1 or kept[3] - kept[1] < 1:
            raise ValueError(f"a box from {left},{top} to {right},{bottom} outside of {width}x{height} pixels")
        return kept

    return cut


def _tell_sizes(sizes: set[tuple[int, ...]]) -> str:
    widths_heights = sorted(f"{width}x{height}" for height, width in sizes)
    found = " and ".join(widths_heights[:2]) + (" and more" if len(sizes) > 2 else "")
    return f"pictures are not squares of one size ({found}): made {DEFAULT_SIDE}x{DEFAULT_SIDE}; choose with --size"
