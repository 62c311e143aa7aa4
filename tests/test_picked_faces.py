"""Pictures that are too many for memory: what is read of them, and that they are the same."""

from __future__ import annotations

import numpy as np
import pytest

import mien.faces
from mien.faces import Faces, Images, Picked, cut, cut_blocks, join, pick

WHOLE: Images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
ROWS = np.array([7, 3, 39, 3, 0, 21])


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no picture fit into memory."""
    monkeypatch.setattr(mien.faces, "RESIDENT_BYTES", 0)


def test_few_pictures_are_copied_and_many_stay_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit counts the pictures that are picked, not those that they are picked from."""
    monkeypatch.setattr(mien.faces, "RESIDENT_BYTES", 6 * 64)
    assert isinstance(pick(WHOLE, ROWS), np.ndarray)
    many = pick(WHOLE, np.arange(7))
    assert isinstance(many, Picked)
    assert (WHOLE,) == many.parts


@pytest.mark.parametrize(
    "index", [0, -1, slice(1, 4), slice(None), np.array([4, 1]), (2, slice(3)), (slice(2), slice(None), 5)], ids=repr
)
def test_picked_pictures_read_like_an_array(index: object, small_memory: None) -> None:
    """Of one array or of several, an index gives what it gives of the copy."""
    copy = WHOLE[ROWS]
    for picked in (pick(WHOLE, ROWS), join([WHOLE[:5], WHOLE[5:22], WHOLE[22:]], ROWS)):
        assert isinstance(picked, Picked)
        np.testing.assert_array_equal(copy[index], picked[index])  # type: ignore[index]


def test_what_is_picked_of_picked_pictures_goes_back_to_the_array(small_memory: None) -> None:
    """However often; their shape and size are those of the copy."""
    picked = pick(cut(pick(WHOLE, ROWS), 1, 6), np.array([4, 0]))
    np.testing.assert_array_equal(WHOLE[[21, 3]], np.asarray(picked))
    np.testing.assert_array_equal(WHOLE[[21, 3]], np.stack(list(picked)))
    assert ((2, 8, 8), 128, 128, 2) == (picked.shape, picked.size, picked.nbytes, len(picked))
    with pytest.raises(IndexError):
        picked[2]


def test_blocks_are_all_pictures_in_order(small_memory: None) -> None:
    """Each of about the size that is asked for, and never of none."""
    blocks = list(cut_blocks(pick(WHOLE, ROWS), 2 * 64))
    assert [2, 2, 2] == [len(block) for block in blocks]
    np.testing.assert_array_equal(WHOLE[ROWS], np.concatenate(blocks))
    assert 40 == len(list(cut_blocks(WHOLE, 1)))


def test_faces_that_are_taken_hold_no_copy(small_memory: None) -> None:
    """Labels and ids are copied, they are few bytes; so a held-out split costs no second data set."""
    faces = Faces.of(WHOLE, np.arange(40) % 7)
    taken = faces.take(ROWS)
    assert isinstance(taken.images, Picked)
    assert ROWS.astype(str).tolist() == taken.ids.tolist()
    assert "Faces(6 of 8×8 pixels, labelled)" == repr(taken)
