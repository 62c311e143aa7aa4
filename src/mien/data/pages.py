"""Which pages of a file hold some pictures, so that the system fetches these at once, and nothing beside them.

In: pictures, which may be maps of files, and the numbers of some. A page that is met by chance brings its neighbours:
640 faces (1.5 MB) out of 2.4 GB took 1.1 to 1.2 GB of reading and 4 s; announced they take 2.7 MB and 0.1 s.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.faces import Images, Picked


@dataclass(frozen=True, slots=True)
class Place:
    """Where pictures lie in a map of a file: the first one, and from there one every `row_bytes`."""

    map: mmap.mmap
    offset: int
    row_bytes: int

    def list_pages(self, rows: npt.NDArray[np.intp]) -> Iterator[tuple[int, int]]:
        """Yield start and length, in bytes of the map, of the whole pages that each picture lies on."""
        for first in (self.offset + rows * self.row_bytes).tolist():
            start = first - first % mmap.PAGESIZE
            yield start, min(first + self.row_bytes, len(self.map)) - start


def find_place(images: Images) -> Place | None:
    """Return where pictures lie in a file; None for those in memory, or that do not lie one after the other."""
    held: object = images
    while isinstance(held, np.ndarray | memoryview):
        held = held.base if isinstance(held, np.ndarray) else held.obj
    if not isinstance(held, mmap.mmap) or not images.flags.c_contiguous or not len(images):
        return None
    start, first = (array.__array_interface__["data"][0] for array in (np.frombuffer(held, np.uint8, 1), images))
    return Place(held, first - start, images[0].nbytes)


def announce(images: Images, indices: npt.NDArray[np.int64]) -> None:
    """Let the system fetch the pictures at `indices`, of those that lie in a file; returns before they are there."""
    if not hasattr(mmap, "MADV_WILLNEED"):
        return
    held: Images | Picked = images
    if not isinstance(held, Picked):
        _announce_part(images, indices)
        return
    numbers, rows = held.locate(indices)
    for number in np.unique(numbers).tolist():
        announce(held.parts[number], rows[numbers == number])


def _announce_part(images: Images, rows: npt.NDArray[np.int64]) -> None:
    place = find_place(images)
    if place is not None:
        for start, length in place.list_pages(rows):
            place.map.madvise(mmap.MADV_WILLNEED, start, length)
