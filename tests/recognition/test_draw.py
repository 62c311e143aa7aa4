"""Drawings: the frame is what the network saw, its colour how sure it is; unclear faces get no name."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from conftest import ROOT
from mien import Recogniser
from mien.recognition import Box, Clarity, Face, draw
from mien.recognition.draw import FRAME, PALE, QUIET, draw_on, list_corners
from mien.recognition.face import Crop
from mien.recognition.pictures import WholePicture

BLACK = np.zeros((300, 400, 3), np.uint8)
PORTRAIT = Image.open(ROOT / "docs" / "astronaut.jpg")


def make_face(*, confidence: float = 0.9, turn: float = 0.0, is_clear: bool = True) -> Face:
    """Return a face whose box is 100 x 120 pixels, and of which the network saw 108 x 108."""
    return Face(
        box=Box(left=100, top=100, width=100, height=120),
        expression="happy",
        confidence=confidence,
        probabilities={"happy": confidence, "sad": 1 - confidence},
        crop=Crop(left=96, top=106, side=108, turn=turn),
        is_clear=is_clear,
    )


def colours_of(picture: np.ndarray) -> set[tuple[int, ...]]:
    """Return the colours of a picture."""
    return set(map(tuple, np.unique(picture.reshape(-1, 3), axis=0).tolist()))


@pytest.mark.parametrize(
    ("face", "colour"),
    [
        (make_face(), FRAME),
        (make_face(confidence=0.4), PALE),
        (make_face(is_clear=False), QUIET),
    ],
    ids=["sure", "unsure", "not clear"],
)
def test_the_frame_is_what_the_network_saw_in_a_colour_that_tells_how_sure_it_is(
    face: Face, colour: tuple[int, int, int]
) -> None:
    """Its corners are those of the square, not those of the box."""
    drawn = draw(BLACK, [face])
    assert [colour] * 3 == [tuple(drawn[row, column]) for row, column in ((106, 150), (213, 150), (150, 96))]
    assert (0, 0, 0) == tuple(drawn[218, 150])
    assert {FRAME, PALE, QUIET} & colours_of(drawn) == {colour}


def test_a_turned_face_has_a_turned_frame() -> None:
    """By the degrees by which it was turned back."""
    corners = list_corners(make_face(turn=45.0), (400, 300))
    middle = (96 + 53.5, 106 + 53.5)
    assert pytest.approx(middle[0]) == corners[0][0]
    assert pytest.approx(middle[1] - 53.5 * 2**0.5) == corners[0][1]


def test_a_smaller_copy_is_laid_out_for_its_own_size() -> None:
    """Boxes and squares are in pixels of the picture itself."""
    small = WholePicture(pixels=BLACK[::2, ::2], width=400, height=300)
    drawn = draw_on(small, [make_face()])
    assert (150, 200, 3) == drawn.shape
    assert FRAME == tuple(drawn[53, 75])


@pytest.mark.parametrize(
    ("picture", "is_clear"),
    [
        (PORTRAIT, True),
        (PORTRAIT.filter(ImageFilter.GaussianBlur(8)), False),
        (PORTRAIT.resize((PORTRAIT.width // 5, PORTRAIT.height // 5)), False),
    ],
    ids=["as it is", "out of focus", "far back"],
)
def test_a_blurred_or_tiny_face_is_not_clear(picture: Image.Image, is_clear: bool) -> None:
    """It is found and keeps its probabilities; the limits are the caller's to set."""
    (face,) = Recogniser(threads=1).recognise(picture)
    assert (is_clear, 7) == (face.is_clear, len(face.probabilities))
    (face,) = Recogniser(threads=1, clarity=Clarity(min_side=0, min_sharpness=0)).recognise(picture)
    assert face.is_clear


def test_what_is_told_of_a_face_is_what_was_cut() -> None:
    """The square goes into the picture's own pixels, and into JSON."""
    (face,) = Recogniser(threads=1).recognise(PORTRAIT)
    assert face.crop is not None
    assert face.box is not None
    assert round(0.9 * max(face.box.width, face.box.height)) == face.crop.side
    assert {"left", "top", "side", "turn"} == set(face.to_dict()["crop"])
