"""What every reader returns: `Faces` (images, labels, ids) and `Splits` (train, valid, test).

Pictures that are too many for memory stay in the file that they are mapped from: `pick` takes some of them without
reading them, `cut_blocks` reads them a few at a time.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, cast, final

import numpy as np
import numpy.typing as npt

from mien.errors import DataError

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Targets = npt.NDArray[np.float32]

RESIDENT_BYTES = 1 << 28
"""Pictures up to this size are copied to memory; more stay where they are. FER2013 at 48 pixels takes 83 MB."""

BLOCK_BYTES = 1 << 24
"""Of pictures that are read one after the other, so much at a time."""

SHOWN = 12
"""Faces, and classes, that a notebook shows at most."""

IN_MEMORY = "arrays in memory"
"""The source of data that came from no file."""

UNLABELLED = -1
"""The label of a face whose expression the data does not tell."""


@final
class Picked:
    """Pictures out of one or several arrays, read when they are asked for: it holds their places, not their pixels.

    Reads like an array uint8 (N, H, W): an index, a slice or an array of indices gives an array in memory.

    Args:
        parts: uint8 (M, H, W) each, of one height and width; they count as one array, one after the other.
        rows: (N,) places in it.
    """

    __slots__ = ("_parts", "_rows", "_starts")
    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, parts: Sequence[Images], rows: npt.NDArray[np.intp]) -> None:
        self._parts, self._rows = tuple(parts), rows
        self._starts = np.cumsum([0, *map(len, parts)])

    @property
    def parts(self) -> tuple[Images, ...]:
        """The arrays that pictures are read from."""
        return self._parts

    @property
    def shape(self) -> tuple[int, ...]:
        """N, height and width."""
        return (len(self._rows), *self._parts[0].shape[1:])

    @property
    def size(self) -> int:
        """How many pixels there are."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """How much memory they would take."""
        return self.size

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Images:
        first, rest = (index[0], index[1:]) if isinstance(index, tuple) else (index, ())
        rows = self._rows[first]
        is_one = np.ndim(rows) == 0
        within = (0 if is_one else slice(None), *rest)
        found: Images = self._read(np.atleast_1d(rows))[within]
        return found

    def __iter__(self) -> Iterator[Images]:
        for block in cut_blocks(cast("Images", self)):
            yield from block

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return self._read(self._rows).astype(self.dtype if dtype is None else dtype, copy=False)

    def locate(self, index: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return the number of the part that each picture lies in, and its row there."""
        rows = self._rows[index]
        numbers = np.searchsorted(self._starts, rows, side="right") - 1
        return numbers, rows - self._starts[numbers]

    def pick(self, rows: npt.NDArray[np.intp] | slice) -> Picked:
        """Return the pictures at `rows`, likewise unread."""
        return Picked(self._parts, self._rows[rows])

    def _read(self, rows: npt.NDArray[np.intp]) -> Images:
        if len(self._parts) == 1:
            return self._parts[0][rows]
        read = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for start, part in zip(self._starts, self._parts, strict=False):
            here = (rows >= start) & (rows < start + len(part))
            read[here] = part[rows[here] - start]
        return read


def fits_memory(size_bytes: int) -> bool:
    """Tell whether pictures of this size are copied to memory, rather than read where they lie."""
    return size_bytes <= RESIDENT_BYTES


def pick(images: Images, rows: npt.NDArray[np.intp]) -> Images:
    """Return the pictures at `rows` of uint8 (N, H, W): a copy, or, of more than `RESIDENT_BYTES`, `Picked`.

    >>> pick(np.zeros((5, 8, 8), np.uint8), np.array([4, 0, 4])).shape
    (3, 8, 8)
    """
    if fits_memory(len(rows) * images[:1].size):
        return images[rows]
    held: Images | Picked = images
    found = held.pick(rows) if isinstance(held, Picked) else Picked([images], rows)
    return cast("Images", found)


def cut(images: Images, start: int, stop: int) -> Images:
    """Return the pictures from `start` to `stop` without reading them."""
    held: Images | Picked = images
    return cast("Images", held.pick(slice(start, stop))) if isinstance(held, Picked) else images[start:stop]


def join(parts: Sequence[Images], rows: npt.NDArray[np.intp] | None = None) -> Images:
    """Return the pictures of all `parts`, one after the other, or those at `rows` of them: see `pick`."""
    count = sum(map(len, parts)) if rows is None else len(rows)
    if len(parts) == 1:
        return parts[0] if rows is None else pick(parts[0], rows)
    found = Picked(parts, np.arange(count) if rows is None else rows)
    return np.asarray(found) if fits_memory(found.nbytes) else cast("Images", found)


def cut_blocks(images: Images, size_bytes: int = BLOCK_BYTES) -> Iterator[Images]:
    """Yield all pictures in order, about `size_bytes` at a time, so that memory stays bounded however many there are.

    >>> [len(block) for block in cut_blocks(np.zeros((5, 8, 8), np.uint8), 128)]
    [2, 2, 1]
    """
    count = max(1, size_bytes // (images[:1].size or 1))
    for start in range(0, len(images), count):
        yield images[start : start + count]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Faces:
    """N grey faces of one size. Prints as one line; a notebook shows some of them.

    Attributes:
        images: uint8 (N, H, W), 0 black to 255 white; may be a read-only memory map, or `Picked`.
        labels: int64 (N,), indices into the expressions of the splits they belong to, or `UNLABELLED`.
        ids: str (N,), where each face came from: a path inside the folder or archive, or a row number.
        targets: float32 (N, K), rows that sum to 1: how sure people are of each expression, where training is to learn
            that instead of the label; None: the label is all there is.
    """

    images: Images
    labels: Labels
    ids: npt.NDArray[np.str_]
    targets: Targets | None = None

    @classmethod
    def of(cls, images: npt.ArrayLike, labels: npt.ArrayLike | None = None) -> Faces:
        """Return faces of arrays: their numbers are their ids.

        Args:
            images: uint8 (N, H, W), 0 to 255.
            labels: int (N,), indices into the expressions; None: unlabelled.

        Raises:
            DataError: other types or shapes.

        >>> Faces.of(np.zeros((3, 48, 48), np.uint8), [0, 1, 0])
        Faces(3 of 48×48 pixels, labelled)
        """
        pictures = np.asarray(images)
        known = np.full(len(pictures), UNLABELLED) if labels is None else np.asarray(labels)
        if known.ndim != 1 or known.dtype.kind not in "iu":
            raise DataError("labels", f"expected whole numbers (N,), found {known.dtype} {known.shape}")
        return cls(images=pictures, labels=known.astype(np.int64), ids=np.arange(len(pictures)).astype(np.str_))

    def __repr__(self) -> str:
        height, width = self.images.shape[1:]
        known = int((self.labels != UNLABELLED).sum())
        labelled = "labelled" if known == len(self) else "unlabelled" if not known else f"{known:,} labelled"
        return f"Faces({len(self):,} of {width}×{height} pixels, {labelled})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{show_sheet(self.images[:SHOWN])}"

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or self.images.dtype != np.uint8:
            raise DataError("faces", f"expected uint8 (N, H, W), found {self.images.dtype} {self.images.shape}")
        if not len(self.images) == len(self.labels) == len(self.ids):
            found = f"{len(self.images)} images, {len(self.labels)} labels and {len(self.ids)} ids"
            raise DataError("faces", f"expected one label and one id for each image, found {found}")
        if self.targets is not None and len(self.targets) != len(self.images):
            found = f"{len(self.images)} images and {len(self.targets)} rows of targets"
            raise DataError("faces", f"expected one row of targets for each image, found {found}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: npt.NDArray[np.intp]) -> Faces:
        """Return the faces at `indices`, in that order; see `pick` for whether their pixels are copied."""
        targets = None if self.targets is None else self.targets[indices]
        images = pick(self.images, indices)
        return Faces(images=images, labels=self.labels[indices], ids=self.ids[indices], targets=targets)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Splits:
    """A data set: its faces by split, and what is known of it. A split that the data lacks is None.

    Prints a line a split; a notebook shows a table of classes and some faces of each.

    Attributes:
        expressions: class names; labels index into them.
        source: the path as the user gave it, or "synthetic".
        kind: what was recognised, in words ("FER2013 CSV", "folder of class folders", …).
        synthetic: True if the faces are drawn: every result made from them has to say so.
        skipped: one line for each bad input that `skip_bad` left out.
        warnings: one line for each thing about the data that a user should know.
        labels: who gave the labels: "own" (the data itself), or FER+ taggers ("ferplus", "ferplus8").
    """

    expressions: tuple[str, ...]
    source: str
    kind: str
    train: Faces | None = None
    valid: Faces | None = None
    test: Faces | None = None
    unlabelled: Faces | None = None
    synthetic: bool = False
    skipped: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())
    labels: str = "own"

    def named(self) -> dict[str, Faces]:
        """Return the splits that exist, by name, in the order train, valid, test, unlabelled."""
        faces = {"train": self.train, "valid": self.valid, "test": self.test, "unlabelled": self.unlabelled}
        return {name: split for name, split in faces.items() if split is not None}

    @classmethod
    def of(cls, expressions: Sequence[str], **parts: Faces) -> Splits:
        """Return a data set of faces in memory.

        Args:
            expressions: class names, in the order of the labels.
            parts: train, valid, test or unlabelled.

        Raises:
            DataError: no such split, labels without a name, or two classes of one name.

        >>> Splits.of(["happy", "sad"], train=Faces.of(np.zeros((3, 48, 48), np.uint8), [0, 1, 0]))
        Splits(arrays in memory: arrays, 2 expressions)
          train            3 faces of 48×48: happy 2, sad 1
        """
        unknown = set(parts) - {"train", "valid", "test", "unlabelled"}
        if unknown:
            raise DataError("splits", f"expected train, valid, test or unlabelled, found {', '.join(sorted(unknown))}")
        twice = next((name for name in expressions if list(expressions).count(name) > 1), None)
        if twice is not None:
            raise DataError("splits", f"expected each class once, found {twice} twice")
        for name, faces in parts.items():
            if len(faces) and not UNLABELLED <= faces.labels.min() <= faces.labels.max() < len(expressions):
                found = f"{faces.labels.min()} to {faces.labels.max()}"
                raise DataError(name, f"expected labels 0 to {len(expressions) - 1}, found {found}")
        empty = cls(expressions=tuple(expressions), source=IN_MEMORY, kind="arrays")
        return replace(empty, **parts)  # type: ignore[arg-type]

    def count(self) -> dict[str, dict[str, int]]:
        """Return split -> expression -> number of faces; those without a label count as "unlabelled"."""
        return {name: self._count(faces) for name, faces in self.named().items()}

    def _count(self, faces: Faces) -> dict[str, int]:
        numbers = [int((faces.labels == index).sum()) for index in range(len(self.expressions))]
        rest = len(faces) - sum(numbers)
        return {**dict(zip(self.expressions, numbers, strict=True)), **({"unlabelled": rest} if rest else {})}

    def __repr__(self) -> str:
        drawn = ", synthetic faces" if self.synthetic else ""
        lines = [f"Splits({self.source}: {self.kind}{drawn}, {len(self.expressions)} expressions)"]
        for name, counts in self.count().items():
            height, width = self.named()[name].images.shape[1:]
            told = ", ".join(f"{expression} {number:,}" for expression, number in list(counts.items())[:10])
            more = f", and {len(counts) - 10} more" if len(counts) > 10 else ""
            lines.append(f"  {name:10} {sum(counts.values()):>7,} faces of {width}×{height}: {told}{more}")
        lines += [f"  warning: {warning}" for warning in self.warnings[:5]]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        counts = self.count()
        names = list(dict.fromkeys(name for row in counts.values() for name in row))
        head = "".join(f"<th>{escape(name)}</th>" for name in ("", *counts))
        rows = (
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{row.get(name, 0):,}</td>' for row in counts.values())}</tr>"
            for name in names
        )
        sheets = (
            f"<p>{escape(name)}</p>{show_sheet(faces.images[np.flatnonzero(faces.labels == index)[:SHOWN]])}"
            for faces in list(self.named().values())[:1]
            for index, name in enumerate(self.expressions[:SHOWN])
        )
        about = escape(repr(self).split("\n")[0])
        return f"<p>{about}</p><table><tr>{head}</tr>{''.join(rows)}</table>{''.join(sheets)}"


def show_sheet(images: Images) -> str:
    """Return an HTML picture of a row of faces, uint8 (N, H, W); nothing for none."""
    if not len(images):
        return ""
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(np.concatenate(list(images), axis=1)).save(written, "PNG")
    pixels = base64.b64encode(written.getvalue()).decode()
    return f'<img alt="{len(images)} faces" src="data:image/png;base64,{pixels}">'
