"""Many pictures at once: a listing of entries goes in, `Gathered` faces of one size come out."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import compress

import numpy as np
import numpy.typing as npt

from mien.data.archives import Tree, name_damage
from mien.data.bad import BadInputs
from mien.data.gather import Gathered
from mien.data.images import decode_face
from mien.data.names import SPLITS, order_classes
from mien.data.space import Room, Space
from mien.errors import DataError
from mien.faces import UNLABELLED, pick

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


_Decoded = npt.NDArray[np.uint8] | DataError | None
"""A face, why there is none, or None for one that an earlier reading left in its place."""


@dataclass(slots=True)
class _Faces:
    """The faces of a listing that are there so far.

    Attributes:
        room: where they lie, each at its place in the listing; None as long as there is none.
        errors: place in the listing -> why there is no face.
        shapes: of the faces that were decoded.
    """

    room: Room | None = None
    errors: dict[int, DataError] = field(default_factory=dict)
    shapes: set[tuple[int, ...]] = field(default_factory=set)

    def is_there(self, place: int) -> bool:
        """Tell whether an earlier reading left the face in its place."""
        return self.room is not None and place < self.room.done and place not in self.room.again

    def put(self, start: int, faces: Sequence[_Decoded]) -> None:
        """Take over faces, the first one at the place `start`."""
        assert self.room is not None
        bad = []
        for place, face in enumerate(faces, start):
            if isinstance(face, DataError):
                self.errors[place] = face
                bad.append(place)
            elif face is not None:
                self.room.images[place] = face
        self.room.fill(start + len(faces), bad)


def read_pictures(
    tree: Tree, listing: Sequence[Picture], *, size: int | None, bad: BadInputs, space: Space | None = None
) -> Gathered:
    """Return the faces of a listing, in its order.

    Args:
        tree: where the entries are.
        listing: which to read, and what is known of each.
        size: side in pixels; None: their own where all are squares of one size, otherwise `DEFAULT_SIDE`.
        bad: what to do with a picture that cannot be used.
        space: where faces lie that memory does not hold; None: in a file without a name.

    Raises:
        DataError: a bad picture that may not be skipped.
    """
    space = space or Space()
    remarks: tuple[str, ...] = ()
    found = _decode_all(tree, listing, size, bad, space)
    sizes = found.shapes
    if size is None and (len(sizes) > 1 or any(height != width or height > MAX_OWN_SIDE for height, width in sizes)):
        remarks = (_tell_sizes(sizes),)
        found = _decode_all(tree, listing, DEFAULT_SIDE, bad, space)
    for place in sorted(found.errors):
        bad.add(found.errors[place])
    is_kept = np.ones(len(listing), dtype=bool)
    is_kept[list(found.errors)] = False
    kept = list(compress(listing, is_kept))
    images = np.empty((0, DEFAULT_SIDE, DEFAULT_SIDE), np.uint8)
    if found.room is not None:
        whole = found.room.images
        images = whole if is_kept.all() else pick(whole, np.flatnonzero(is_kept))
    expressions, classes, more = order_classes(picture.label for picture in kept if picture.label is not None)
    positions = {label: expressions.index(name) for label, name in classes.items()}
    return Gathered(
        images=images,
        labels=np.array([positions.get(one.label or "", UNLABELLED) for one in kept], dtype=np.int64),
        splits=np.array([SPLITS.index(picture.split) for picture in kept], dtype=np.int8),
        ids=np.array([picture.id for picture in kept], dtype=np.str_),
        expressions=expressions,
        kind="pictures",
        warnings=(*remarks, *more),
    )


def _decode_all(tree: Tree, listing: Sequence[Picture], side: int | None, bad: BadInputs, space: Space) -> _Faces:
    """Return the face or the error of each picture; without a `side`, only up to the first that differs in size."""
    found = _Faces()
    waiting: list[tuple[int, list[_Decoded]]] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_WORKERS)) as pool:
        # Pillow warns of large headers, which are refused anyway, and of odd metadata, which nobody here reads.
        warnings.simplefilter("ignore")
        for start, faces in _decode_in_order(pool, tree, listing, side, found):
            error = next((face for face in faces if isinstance(face, DataError)), None)
            if error and not bad.skip:
                pool.shutdown(wait=False, cancel_futures=True)
                bad.add(error)
            found.shapes |= {face.shape for face in faces if isinstance(face, np.ndarray)}
            if side is None and len(found.shapes) > 1:
                pool.shutdown(wait=False, cancel_futures=True)
                break
            if found.room is None and found.shapes:
                found.room = space.make((len(listing), *next(iter(found.shapes))), f"pictures of {tree.name} at {side}")
                for place, early in waiting:
                    found.put(place, early)
            if found.room is None:
                waiting.append((start, faces))
            else:
                found.put(start, faces)
    return found


def _decode_in_order(
    pool: ThreadPoolExecutor, tree: Tree, listing: Sequence[Picture], side: int | None, found: _Faces
) -> Iterator[tuple[int, list[_Decoded]]]:
    """Yield the faces of the listing, some at a time, with the place of the first; few of them wait in memory."""
    pending: deque[tuple[int, Future[list[_Decoded]]]] = deque()
    for start in range(0, len(listing), _PICTURES_A_TASK):
        some = listing[start : start + _PICTURES_A_TASK]
        wanted = [None if found.is_there(place) else picture for place, picture in enumerate(some, start)]
        pending.append((start, pool.submit(_decode_some, tree, wanted, side=side)))
        if not start or len(pending) > 2 * MAX_WORKERS:  # the first ones tell how large the faces are
            place, future = pending.popleft()
            yield place, future.result()
    while pending:
        place, future = pending.popleft()
        yield place, future.result()


def _decode_some(tree: Tree, listing: Sequence[Picture | None], *, side: int | None) -> list[_Decoded]:
    decoded: list[_Decoded] = []
    for picture in listing:
        if picture is None:
            decoded.append(None)
            continue
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
    return f"pictures are not squares of one size ({found}): made {DEFAULT_SIDE}x{DEFAULT_SIDE}; choose with `size`"
