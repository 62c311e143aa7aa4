"""NumPy's files: faces.npz with images and labels, X_train.npy beside y_train.npy; streams go in, faces come out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import isqrt
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from mien.data.archives import name_damage
from mien.data.bad import BadInputs
from mien.data.gather import Gathered
from mien.data.images import resize_faces
from mien.data.listing import Reading, plain_number
from mien.data.names import SPLITS, canonical_split, order_classes
from mien.errors import DataError
from mien.faces import UNLABELLED, Images, Labels, fits_memory, join

ARRAY_SUFFIXES = (".npz", ".npy")
_LABEL_WORDS = ("label", "emotion", "target", "class")
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_WHITE = 255.0


@dataclass(frozen=True, slots=True)
class _Part:
    """The images of one split; the words that its labels are, and which of them each image has."""

    split: str | None
    images: Images
    labels: tuple[list[str], npt.NDArray[np.intp]] | None


def read_arrays(
    files: Sequence[str], open_file: Callable[[str], BinaryIO], reading: Reading, bad: BadInputs, name: str
) -> Gathered:
    """Return the faces of all arrays: uint8 (N, H, W), (N, H, W, 1 or 3), (N, 1, H, W) or (N, H x W), or floats.

    Raises:
        DataError: an array of another shape, images without labels of their number, or Python objects.
    """
    arrays = {key: array for file in files for key, array in _open(file, open_file).items()}
    parts = _pair(arrays, name, bad)
    images = [
        resize_faces(part.images, reading.size, space=reading.space, name=f"{part.split}")
        if reading.size
        else part.images
        for part in parts
    ]
    sizes = {part.shape[1:] for part in images}
    if len(sizes) > 1:
        raise DataError(name, "expected arrays with faces of one size, found several: choose a `size`")
    words = [("",) if part.labels is None else part.labels[0] for part in parts]
    plain = {label: plain_number(label) for part in words for label in part if label}
    if reading.naming:
        names = reading.naming.resolve(plain.values())
        plain = {label: names[number] for label, number in plain.items()}
    expressions, classes, warnings = order_classes(plain.values())
    positions = {label: expressions.index(classes[said]) for label, said in plain.items()}
    splits = [part.split or "train" if part.labels is not None else "unlabelled" for part in parts]
    counts = [len(part.images) for part in parts]
    return Gathered(
        images=join(images),
        labels=np.concatenate([_number(part, positions) for part in parts]),
        splits=np.repeat([SPLITS.index(split) for split in splits], counts).astype(np.int8),
        ids=np.concatenate([_name_rows(split, count) for split, count in zip(splits, counts, strict=True)]),
        expressions=expressions,
        kind="NumPy arrays",
        warnings=warnings,
    )


def _number(part: _Part, positions: Mapping[str, int]) -> Labels:
    if part.labels is None:
        return np.full(len(part.images), UNLABELLED, np.int64)
    words, places = part.labels
    return np.array([positions.get(word, UNLABELLED) for word in words], np.int64)[places]


def _name_rows(split: str, count: int) -> npt.NDArray[np.str_]:
    numbers = np.arange(count).astype(f"<U{len(str(max(count - 1, 0)))}")
    return np.char.add(f"{split}/", numbers)


def _open(file: str, open_file: Callable[[str], BinaryIO]) -> dict[str, npt.NDArray[Any]]:
    with name_damage(file), open_file(file) as stream:
        mapped = _map(stream)
        data = b"" if mapped is not None else stream.read()
    try:
        loaded = np.load(BytesIO(data), allow_pickle=False) if mapped is None else mapped
        if isinstance(loaded, np.ndarray):
            return {file.rpartition("/")[2].rpartition(".")[0]: loaded}
        return {key: loaded[key] for key in loaded.files}
    except ValueError as error:
        is_pickle = "pickle" in str(error)
        found = "Python objects, which may run code: save plain arrays" if is_pickle else f"others ({error})"
        raise DataError(file, f"expected arrays of numbers, found {found}") from error
    except (OSError, EOFError, KeyError) as error:
        raise DataError(file, f"expected a whole file of arrays, found a damaged one ({error})") from error


def _map(stream: BinaryIO) -> npt.NDArray[Any] | None:
    """Return the array of a large .npy file as a map of it; None for all else, which is read."""
    try:
        size = os.fstat(stream.fileno()).st_size
    except (OSError, AttributeError):  # a stream within an archive has no file of its own
        return None
    is_large = not fits_memory(size) and stream.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX
    stream.seek(0)
    if not is_large:
        return None
    array: npt.NDArray[Any] = np.load(stream.name, mmap_mode="r", allow_pickle=False)
    return array


def _pair(arrays: dict[str, npt.NDArray[Any]], name: str, bad: BadInputs) -> list[_Part]:
    labels = {_name_split(key): (key, array) for key, array in arrays.items() if _is_labels(key, array)}
    faces = {key: array for key, array in arrays.items() if not _is_labels(key, array) and array.ndim > 1}
    shown = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())[:100]
    if not faces or len({_name_split(key) for key in faces}) < len(faces):
        raise DataError(name, f"expected an array of images, and of labels, for each split, found {shown}")
    parts = []
    for key, array in faces.items():
        split = _name_split(key)
        told = labels.get(split)
        if told is not None and len(told[1]) != len(array):
            found = f"{len(array):,} in {key} and {len(told[1]):,} in {told[0]}"
            raise DataError(name, f"expected as many labels as images, found {found}")
        said = None if told is None else _say_labels(told[1])
        parts.append(_Part(split, _make_images(array, f"{name}: {key}", bad), said))
    unread = [key for key in arrays if key not in faces and key not in {one for one, _ in labels.values()}]
    if unread:
        bad.note(f"{name}: arrays that are not read: {', '.join(unread)}")
    return parts


def _name_split(key: str) -> str | None:
    """Return the split that the name of an array tells.

    >>> _name_split("x_train"), _name_split("images"), _name_split("test_labels")
    ('train', None, 'test')
    """
    words = [word for word in key.replace("-", "_").split("_") if word]
    return next((split for word in words if (split := canonical_split(word))), None)


def _is_labels(key: str, array: npt.NDArray[Any]) -> bool:
    lower = key.lower()
    is_called = (
        any(word in lower for word in _LABEL_WORDS) or lower == "y" or lower.startswith("y_") or lower[-2:] == "_y"
    )
    return array.ndim <= 2 and is_called


def _say_labels(array: npt.NDArray[Any]) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Return labels as words, and which of them each is; of rows with a single 1, the number of its column."""
    flat = array.argmax(axis=1) if array.ndim == 2 and array.shape[1] > 1 else array.reshape(-1)
    values, places = np.unique(flat, return_inverse=True)
    words = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values.astype(np.str_)
    return words.tolist(), places.reshape(-1)


def _make_images(array: npt.NDArray[Any], where: str, bad: BadInputs) -> Images:
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    elif array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    elif array.ndim == 2 and isqrt(array.shape[1]) ** 2 == array.shape[1]:
        array = array.reshape(len(array), isqrt(array.shape[1]), -1)
    is_colour = array.ndim == 4 and array.shape[3] == 3
    if not (array.ndim == 3 or is_colour) or array.dtype.kind not in "uif" or not array.size:
        found = f"{array.dtype} {array.shape}"
        raise DataError(where, f"expected images (N, H, W), (N, H, W, 1 or 3) or (N, pixels), found {found}")
    if array.dtype != np.uint8:
        array = _scale(array, where, bad)
    grey = np.rint(array @ _LUMA) if is_colour else array
    return np.ascontiguousarray(grey, dtype=np.uint8)  # no copy of what is a map of grey bytes


def _scale(array: npt.NDArray[Any], where: str, bad: BadInputs) -> npt.NDArray[np.float32]:
    """Return values from 0 to 255; floats from 0 to 1 are stretched, which is said."""
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= _WHITE):
        raise DataError(where, f"expected values from 0 to 255, or from 0 to 1, found {low:g} to {high:g}")
    is_part = array.dtype.kind == "f" and high <= 1.0
    if is_part:
        bad.note(f"{where}: values from 0 to 1 are read as black to white")
    scaled: npt.NDArray[np.float32] = np.rint(array.astype(np.float32) * (_WHITE if is_part else 1.0))
    return scaled
