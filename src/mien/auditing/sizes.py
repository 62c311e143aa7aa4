"""Pictures of a wrong size. In: where the pictures are. Out: findings; only headers are read, nothing is decoded."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.auditing.finding import Finding, Roll
from mien.data.archives import Tree, open_tree
from mien.data.bad import BadInputs
from mien.data.detect import needs_folder
from mien.faces import IN_MEMORY

USUAL_SHARE = 0.9
"""Where so many pictures have one size, another one is remarkable."""

WIDEST_RATIO = 1.1

Size = tuple[int, int]
Sizes = npt.NDArray[np.int32]


@final
class _Names:
    """Which face has an id. It holds 16 bytes a face, however long the ids are."""

    def __init__(self, roll: Roll) -> None:
        names = (hash(str(face)) for part in roll.parts for face in part.ids)
        hashes = np.fromiter(names, np.int64, len(roll))
        self._roll, self._order = roll, np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def find(self, name: str) -> int | None:
        """Return the number of the last face with this id, None where there is none."""
        key = np.int64(hash(name))
        place = int(np.searchsorted(self._hashes, key, side="right")) - 1
        if place < 0 or self._hashes[place] != key:
            return None
        number = int(self._order[place])
        _, faces, index = self._roll.find(number)
        return number if str(faces.ids[index]) == name else None


def report_sizes(roll: Roll) -> Iterator[Finding]:
    """Yield each face whose picture was made larger, was stretched, or is of another size than nearly all others."""
    sizes = read_sizes(roll)
    known = np.flatnonzero(sizes[:, 0])
    if not len(known):
        return
    distinct, kinds, counts = np.unique(sizes[known], axis=0, return_inverse=True, return_counts=True)
    common = counts.argmax()
    has_usual = counts[common] >= USUAL_SHARE * len(known)
    side = roll.parts[0].images.shape[1]
    told = [_judge(_pair(size), side, _pair(distinct[common]) if has_usual else _pair(size)) for size in distinct]
    for number, kind in zip(known.tolist(), kinds.reshape(-1).tolist(), strict=True):
        if told[kind]:
            width, height = _pair(distinct[kind])
            yield roll.report(
                "size", number, detail=f"{width}x{height}: {told[kind]}", score=-float(min(width, height))
            )


def _pair(size: Sizes) -> Size:
    width, height = size.tolist()
    return width, height


def _judge(size: Size, side: int, usual: Size) -> str:
    width, height = size
    if max(size) > WIDEST_RATIO * min(size):
        return "stretched to a square"
    if min(width, height) < side:
        return f"made larger, to {side}x{side}"
    return f"most are {usual[0]}x{usual[1]}" if size != usual else ""


def read_sizes(roll: Roll) -> Sizes:
    """Return width and height in pixels of each face's picture, int32 (N, 2); zeros where a face is no picture."""
    source, sizes = Path(roll.splits.source).expanduser(), np.zeros((len(roll), 2), np.int32)
    if roll.splits.source in ("synthetic", IN_MEMORY) or "table of pixels" in roll.splits.kind:
        return sizes
    root = source.resolve().parent if needs_folder(source) else source
    with open_tree(root, BadInputs(skip=True)) as tree, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the readers have refused what is too large
        pictures = tree.pictures
        names = _Names(roll) if pictures else None  # nothing is held for data without any
        for file in pictures:
            number = None if names is None else _find_number(names, file)
            if number is not None:
                sizes[number] = _read_size(tree, file) or (0, 0)
    return sizes


def _find_number(names: _Names, file: str) -> int | None:
    """Return the face that a picture became: an id is its path, or the end of it, with or without the suffix."""
    parts = file.split("/")
    tails = ["/".join(parts[start:]) for start in range(len(parts))]
    told = (name for tail in tails for name in (tail, tail.rpartition(".")[0]))
    found = (number for name in told if (number := names.find(name)) is not None)
    return next(found, None)


def _read_size(tree: Tree, file: str) -> Size | None:
    try:
        with tree.open(file) as stream, Image.open(stream) as image:
            return image.width, image.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # the readers have said so
