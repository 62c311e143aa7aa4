"""Where faces lie while they are read: in memory while they are few, otherwise in a file.

A `Space` belongs to one reading and gives a `Room` for each array of faces. With a folder, a room notes how far it is
filled, so that a reading that was cut off goes on from there; without one its file has no name and ends with the
process. Bytes are on the disk before they are noted: a power cut costs some work, never a wrong face.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, final

import numpy as np

from mien.errors import MienError
from mien.faces import Images, fits_memory
from mien.files import OWN_FILE, is_own, make_folder, take_lock, write_text

PIXELS = ".u8"
"""The ending of the files that faces lie in; a note beside each tells how far it is filled."""

NOTE_BYTES = 1 << 26
"""Faces between two notes of how far a room is filled."""


@final
class Room:
    """An array of faces that is being filled, in order.

    Attributes:
        images: uint8 (N, …), to write to.
        done: so many rows were filled by an earlier reading.
        again: of these, the ones that have to be read once more, because they could not be used.
    """

    def __init__(self, shape: tuple[int, ...], file: IO[bytes] | None = None, note: Path | None = None) -> None:
        is_new = file is None or note is None or not os.fstat(file.fileno()).st_size
        self.done, self.again = (0, frozenset[int]()) if is_new or note is None else _read_note(note)
        self._file, self._note = None if file is None else os.dup(file.fileno()), note
        if self._file is not None:
            weakref.finalize(self, os.close, self._file)
        self._noted, self._bad = self.done, set(self.again)
        self.images: Images = np.empty(shape, np.uint8) if self._file is None else _map(self._file, shape)

    def grow(self, count: int) -> None:
        """Make room for `count` rows; those that are filled stay."""
        shape = (count, *self.images.shape[1:])
        if self._file is None:
            grown = np.empty(shape, np.uint8)
            grown[: len(self.images)] = self.images
            self.images = grown
        else:
            self.images = _map(self._file, shape)

    def fill(self, stop: int, bad: Iterable[int] = ()) -> None:
        """Note that all rows before `stop` are filled; `bad` are those that could not be used."""
        self._bad.update(bad)
        if self._note is None or (stop - self._noted) * self.images[:1].size < NOTE_BYTES:
            return
        assert self._file is not None
        os.fsync(self._file)  # writes what was changed through the map, too
        write_text(self._note, json.dumps({"rows": stop, "again": sorted(self._bad)}), mode=OWN_FILE)
        self._noted = stop


@dataclass(frozen=True, slots=True)
class Space:
    """Where one reading puts its faces.

    Attributes:
        folder: of files that a later reading of the same source goes on with; None: nothing is kept.
        key: of the source: what the names of its files begin with.
    """

    folder: Path | None = None
    key: str = ""

    def make(self, shape: tuple[int, ...], name: str) -> Room:
        """Return room for faces, (N, …); `name` tells it from the other rooms of the reading.

        Raises:
            MienError: the disk is full.
        """
        if fits_memory(math.prod(shape)):
            return Room(shape)
        if self.folder is not None:
            digest = hashlib.blake2b(f"{name} {shape[1:]}".encode(), digest_size=8).hexdigest()
            path = make_folder(self.folder) / f"{self.key}-{digest}{PIXELS}"
            with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, OWN_FILE), "r+b") as file:
                if is_own(os.fstat(file.fileno())) and take_lock(file):
                    return Room(shape, file, path.with_suffix(".json"))
        # Another process reads the same source, or nobody will come back to this reading.
        with tempfile.TemporaryFile(dir=self.folder) as file:
            return Room(shape, file)

    def clear(self) -> None:
        """Remove what a later reading would go on with; rooms that are in use stay until they are let go."""
        for path in [] if self.folder is None else self.folder.glob(f"{self.key}-*"):
            with suppress(OSError):
                path.unlink()


def _map(file: int, shape: tuple[int, ...]) -> Images:
    """Return a map of the file, made as large as it takes: a hole in it would end the process on a full disk."""
    size = max(1, math.prod(shape))
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)
        elif os.fstat(file).st_size < size:
            os.truncate(file, size)
    except OSError as error:
        reason = error.strerror or error
        raise MienError(f"{size:,} bytes on the disk for faces that memory does not hold: {reason}") from error
    pixels = np.frombuffer(mmap.mmap(file, size), np.uint8)
    return pixels[: math.prod(shape)].reshape(shape)


def _read_note(path: Path) -> tuple[int, frozenset[int]]:
    try:
        if not is_own(path.stat()):
            return 0, frozenset()
        held = json.loads(path.read_text(encoding="utf-8"))
        return int(held["rows"]), frozenset(map(int, held["again"]))
    except (OSError, ValueError, KeyError, TypeError):  # as good as none: it is read from the beginning
        return 0, frozenset()
