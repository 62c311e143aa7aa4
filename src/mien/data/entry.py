"""One file of the cache: `Splits` go in; the same come out, their images a read-only map of the file.

The file holds four arrays one after the other as NumPy writes them: images, labels, ids, and a JSON text.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from mien.errors import DataError
from mien.faces import Faces, Splits, cut_blocks, fits_memory
from mien.files import OWN_FILE, hold_file, is_own, write_aside

SHAPE_SIDES = 3
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, IndexError, DataError)
_FACTS = ("expressions", "source", "kind", "synthetic", "skipped", "warnings")


def write_entry(path: Path, splits: Splits) -> None:
    """Write `splits` to `path`, all of them or nothing.

    Raises:
        MienError: the file cannot be written.
    """
    named = splits.named()
    labels = np.concatenate([faces.labels for faces in named.values()])
    ids = np.concatenate([faces.ids for faces in named.values()])
    facts: dict[str, Any] = {name: getattr(splits, name) for name in _FACTS}
    facts["counts"] = {name: len(faces) for name, faces in named.items()}
    facts["checksum"] = _sum(labels, ids)
    with write_aside(path, mode=OWN_FILE) as aside, aside.open("wb") as file:
        _write_images(file, [faces.images for faces in named.values()])
        for array in (labels, ids, np.frombuffer(json.dumps(facts).encode(), np.uint8)):
            np.save(file, array, allow_pickle=False)


def read_entry(path: Path) -> Splits | None:
    """Return the splits that `path` holds, or None where it is missing, cut off, not what was written or not our own.

    All but the pixels is held against its checksum; to read 83 MB of pixels would cost more than the cache saves. So
    a file that others may have written is not believed.
    """
    try:
        with path.open("rb") as file:
            if not is_own(os.fstat(file.fileno())):
                return None
            images = _map_images(file)
            labels, ids, facts = _read_rest(file)
        if facts.pop("checksum") != _sum(labels, ids) or sum(facts["counts"].values()) != len(images):
            return None
        return _cut(images, labels, ids, facts)
    except _DAMAGE:
        return None


def describe_entry(path: Path) -> str | None:
    """Return in words what `path` holds, without the pixels; None where it is no entry."""
    try:
        with path.open("rb") as file:
            shape = _skip_images(file)[0]
            facts = _read_rest(file)[2]
        drawn = ", drawn" if facts["synthetic"] else ""
        return f"{shape[0]:,} faces of {shape[2]}×{shape[1]} pixels{drawn}"
    except _DAMAGE:
        return None


def _write_images(file: BinaryIO, parts: list[npt.NDArray[np.uint8]]) -> None:
    """Write all `parts` as one array, without making it in memory."""
    shape = (sum(map(len, parts)), *parts[0].shape[1:])
    npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    for part in parts:
        for block in cut_blocks(part):
            np.ascontiguousarray(block).tofile(file)


def _map_images(file: BinaryIO) -> npt.NDArray[np.uint8]:
    """Return the pixels as a map of the file, which is held as in use for as long as the map is there."""
    shape, dtype, start = _skip_images(file)
    hold_file(file.fileno())
    images = np.memmap(file, dtype=dtype, mode="r", offset=start, shape=shape)
    file.seek(start + images.size)
    return images.view(np.ndarray)


def _skip_images(file: BinaryIO) -> tuple[tuple[int, ...], Any, int]:
    """Return shape, type and place of the pixels; the file then stands behind them."""
    npy.read_magic(file)
    shape, _, dtype = npy.read_array_header_1_0(file)
    start = file.tell()
    if len(shape) != SHAPE_SIDES or dtype != np.uint8:
        raise ValueError("no pixels")
    file.seek(start + math.prod(shape))
    return shape, dtype, start


def _read_rest(file: BinaryIO) -> tuple[Any, Any, dict[str, Any]]:
    """Return labels, ids and facts."""
    labels, ids, text = np.load(file, allow_pickle=False), _map_array(file), np.load(file, allow_pickle=False)
    facts: dict[str, Any] = json.loads(text.tobytes())
    return labels, ids, facts


def _map_array(file: BinaryIO) -> npt.NDArray[Any]:
    """Return the array that the file stands before, as a map if it is large: ids take up to hundreds of bytes each."""
    place = file.tell()
    npy.read_magic(file)
    shape, _, dtype = npy.read_array_header_1_0(file)
    start, size = file.tell(), math.prod(shape) * dtype.itemsize
    if dtype.hasobject or fits_memory(16 * size):
        file.seek(place)
        loaded: npt.NDArray[Any] = np.load(file, allow_pickle=False)
        return loaded
    array = np.memmap(file, dtype=dtype, mode="r", offset=start, shape=shape)
    file.seek(start + size)
    return array.view(np.ndarray)


def _cut(images: npt.NDArray[np.uint8], labels: Any, ids: Any, facts: dict[str, Any]) -> Splits:
    parts: dict[str, Any] = {}
    start = 0
    for name, count in facts.pop("counts").items():
        rows = slice(start, start + count)
        parts[name] = Faces(images=images[rows], labels=labels[rows], ids=ids[rows])
        start += count
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    return Splits(**values, **parts)


def _sum(labels: npt.NDArray[Any], ids: npt.NDArray[Any]) -> int:
    return zlib.crc32(_view_bytes(ids).data, zlib.crc32(_view_bytes(labels).data))


def _view_bytes(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(array).view(np.uint8) if array.size else np.empty(0, np.uint8)
