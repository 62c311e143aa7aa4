"""The pages that pictures lie on: those, and no more."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

import mien.faces
from conftest import draw_shapes, map_faces
from mien.data.pages import announce, find_place
from mien.data.space import Space
from mien.faces import Images, join


@pytest.fixture
def spaced(monkeypatch: pytest.MonkeyPatch) -> Images:
    """Return pictures that lie in a file without a name."""
    monkeypatch.setattr(mien.faces, "RESIDENT_BYTES", 0)
    images = Space().make((96, 16, 16), "faces").images
    images[:] = draw_shapes(32).images
    return images


def test_the_pages_of_a_picture_hold_its_pixels(tmp_path: Path, spaced: Images) -> None:
    """In an entry of the cache, in a slice of it, and in a reading that is under way."""
    rows = np.array([17, 0, 40])
    for images in (map_faces(tmp_path / "entry").images, map_faces(tmp_path / "entry").images[7:], spaced):
        place = find_place(images)
        assert place is not None
        for row, (start, length) in zip(rows, place.list_pages(rows), strict=True):
            within = place.offset + row * place.row_bytes - start
            assert 0 == start % mmap.PAGESIZE
            assert images[row].tobytes() == place.map[start + within : start + length]
            assert length <= mmap.PAGESIZE + 256


def test_pictures_in_memory_have_no_place() -> None:
    """Nor have those of which every second one is shown."""
    assert find_place(draw_shapes(2).images) is None
    announce(draw_shapes(2).images, np.array([1, 0]))


def test_pictures_of_several_files_are_announced_each_in_its_own(tmp_path: Path, spaced: Images) -> None:
    """Announcing changes nothing of what is read."""
    first = map_faces(tmp_path / "entry").images
    both = join([first, draw_shapes(32).images, spaced[::2]])
    rows = np.array([3, 100, 200, 95])
    announce(both, rows)
    np.testing.assert_array_equal(np.concatenate([first, draw_shapes(32).images, spaced[::2]])[rows], both[rows])
