"""Names beside faces: none covers a face, letters follow the face, what is unsure or unclear does not look sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from conftest import ROOT
from mien.errors import ConfigError
from mien.labels import EXPRESSIONS
from mien.recognition import Box, Clarity, Face
from mien.recognition.clarity import measure_sharpness
from mien.recognition.face import Crop
from mien.recognition.layout import (
    INSIDE,
    LARGEST,
    LINE,
    WIDEST,
    Mark,
    Rectangle,
    lay_out,
    lay_out_legend,
    surround,
    tell_face,
)

WIDTH, HEIGHT, SMALLEST = 1000, 700, 11.0


def make_face(left: int, top: int, side: int, *, confidence: float = 0.97, is_clear: bool = True) -> Face:
    """Return a happy face, of which the network is so sure."""
    rest = (1.0 - confidence) / (len(EXPRESSIONS) - 1)
    probabilities = dict.fromkeys(EXPRESSIONS, rest) | {"happy": confidence}
    box = Box(left=left, top=top, width=side, height=side)
    crop = Crop(left=left, top=top, side=side)
    return Face(
        box=box,
        expression="happy",
        confidence=confidence,
        probabilities=probabilities,
        crop=crop,
        is_clear=is_clear,
    )


def lay(*faces: Face) -> list[Mark]:
    """Return their marks in the usual picture."""
    return lay_out(faces, width=WIDTH, height=HEIGHT, smallest=SMALLEST)


def draw_crowd(seed: int) -> list[Face]:
    """Return faces of all sizes and sets, some over each other, the largest first, in a picture of the usual size."""
    rng = np.random.default_rng(seed)
    sides = sorted(rng.integers(12, 220, 40).tolist(), reverse=True)
    faces = [
        make_face(
            int(rng.integers(0, WIDTH - side)),
            int(rng.integers(0, HEIGHT - side)),
            side,
            confidence=float(rng.uniform(0.2, 1.0)),
            is_clear=bool(rng.integers(4)),
        )
        for side in sides
    ]
    held = ("happy", "sad", "neutral", "angry", "fear")
    return [replace(face, expressions=held[: rng.integers(len(held) + 1)]) for face in faces]


def overlap(one: Rectangle, other: Rectangle) -> bool:
    """Return whether two rectangles share more than an edge."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("seed", range(5))
def test_no_name_covers_a_face_or_another_name(seed: int) -> None:
    """Nor does it leave the picture, nor does the legend; in a crowd of all sizes."""
    faces = draw_crowd(seed)
    marks = lay(*faces)
    legend = lay_out_legend(faces, marks, width=WIDTH, height=HEIGHT, smallest=SMALLEST)
    places = [mark.place for mark in marks if mark.place] + ([legend.place] if legend else [])
    assert len(places) > 5
    for index, place in enumerate(places):
        assert 0 <= place[0] < place[2] <= WIDTH
        assert 0 <= place[1] < place[3] <= HEIGHT
        assert [] == [other for other in places[:index] if overlap(place, other)]
    for mark in marks:
        if mark.place and not mark.is_number:
            allowed = {mark.place[3] - mark.place[1]}
            covered = [face for face in faces if overlap(mark.place, surround(face, WIDTH, HEIGHT))]
            assert all(min(allowed) * INSIDE <= face.box.height for face in covered if face.box)
            assert len(covered) <= 1


def test_the_font_follows_the_face_and_not_the_picture() -> None:
    """Within what can be read; a label is at most 1.5 faces wide."""
    small, middle, large = lay(make_face(700, 400, 60), make_face(500, 100, 150), make_face(100, 300, 300))
    assert small.font < middle.font < large.font <= LARGEST * SMALLEST
    for mark, side in ((small, 60), (middle, 150), (large, 300)):
        assert mark.place is not None
        assert mark.place[2] - mark.place[0] <= WIDEST * side + 1e-9
        assert mark.place[3] - mark.place[1] == pytest.approx(LINE * mark.font)


@pytest.mark.parametrize(("side", "text"), [(100, "happy 97 %"), (35, "happy"), (20, "1")])
def test_smaller_faces_get_fewer_letters(side: int, text: str) -> None:
    """Name and percent, the name alone, a number."""
    (mark,) = lay(make_face(300, 300, side))
    assert (text, text == "1") == (mark.text, mark.is_number)


def test_numbers_are_explained_in_a_corner_that_shows_no_face() -> None:
    """With name and percent; without numbers there is no legend."""
    faces = [make_face(0, 600, 100), make_face(300, 300, 20), make_face(500, 300, 20, confidence=0.3)]
    marks = lay(*faces)
    size = {"width": WIDTH, "height": HEIGHT, "smallest": SMALLEST}
    legend = lay_out_legend(faces, marks, **size)
    assert legend is not None
    assert ("2 happy 97 %", "3 happy? 30 %") == legend.lines
    assert WIDTH == legend.place[2]  # the left corner shows a face
    assert lay_out_legend(faces[:1], marks[:1], **size) is None


@pytest.mark.parametrize(("confidence", "sure"), [(0.97, True), (0.5, True), (0.49, False)])
def test_what_is_more_often_wrong_than_right_is_marked(confidence: float, sure: bool) -> None:
    """And has a question mark."""
    (mark,) = lay(make_face(300, 300, 200, confidence=confidence))
    assert (sure, sure) == (mark.is_sure, "?" not in mark.text)


@pytest.mark.parametrize(
    ("confidence", "held", "told"),
    [
        (0.4, ("happy", "neutral"), "happy or neutral?"),
        (0.4, ("happy", "sad", "neutral"), "happy, sad or neutral?"),
        (0.4, ("happy", "sad", "neutral", "angry"), "happy? 40 %"),
        (0.4, ("happy",), "happy? 40 %"),
        (0.6, ("happy", "neutral"), "happy 60 %"),
    ],
)
def test_in_doubt_the_set_is_told_in_the_place_of_one_name(confidence: float, held: tuple[str, ...], told: str) -> None:
    """Where it is small enough to say something; a face that is more often right than wrong has its name."""
    face = replace(make_face(300, 300, 300, confidence=confidence), expressions=held)
    (mark,) = lay(face)
    assert (told, told) == (tell_face(face), mark.text)


def test_a_face_that_is_not_clear_gets_no_name() -> None:
    """Lists say why."""
    face = make_face(300, 300, 200, is_clear=False)
    (mark,) = lay(face)
    assert ("", None, False) == (mark.text, mark.place, mark.is_clear)
    assert "too small or blurred" == tell_face(face)


def test_a_face_that_fills_its_picture_is_named_at_its_own_edge() -> None:
    """There is no room outside."""
    whole = Face(box=None, expression="happy", confidence=0.9, probabilities={"happy": 0.9, "sad": 0.1})
    (mark,) = lay(whole)
    assert ("happy 90 %", (0.0, 0.0)) == (mark.text, mark.place and mark.place[:2])


def test_a_picture_without_faces_has_no_marks() -> None:
    """And no legend."""
    assert [] == lay()
    assert lay_out_legend([], [], width=WIDTH, height=HEIGHT, smallest=SMALLEST) is None


def test_blur_and_enlarging_lower_the_sharpness() -> None:
    """Whatever the contrast; a face of one grey has none."""
    with Image.open(ROOT / "docs" / "astronaut.jpg") as portrait:
        sharp = portrait.convert("L").crop((170, 60, 280, 170)).resize((48, 48))
    blurred = sharp.filter(ImageFilter.GaussianBlur(2))
    enlarged = sharp.resize((12, 12)).resize((48, 48), Image.Resampling.BILINEAR)
    dim = sharp.point(lambda value: 100 + value // 4)
    found = measure_sharpness(np.stack([np.asarray(image) for image in (sharp, dim, blurred, enlarged)]))
    assert found[:2] == pytest.approx([found[0]] * 2, rel=0.1)
    assert found[2:].max() < 0.5 < found[:2].min()
    assert 0.0 == measure_sharpness(np.full((1, 48, 48), 7, np.uint8))[0]


def test_a_clarity_below_nothing_is_refused() -> None:
    """Its numbers are pixels and a ratio."""
    with pytest.raises(ConfigError, match="min_side: expected 0 or more, found -1"):
        Clarity(min_side=-1)
    with pytest.raises(ConfigError, match="min_sharpness: expected 0 or more, found nan"):
        Clarity(min_sharpness=float("nan"))
