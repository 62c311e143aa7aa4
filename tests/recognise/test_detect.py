"""Finding faces in pictures, scaling pictures down for it, and cutting faces out."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from benchmarks.pasted import paste_faces

from mien.errors import ConfigError, RunError
from mien.recognise import Box
from mien.recognise.crop import cut_faces
from mien.recognise.detect import CascadeDetector, find_detector
from mien.recognise.model import BUNDLED
from mien.recognise.shrink import fit_boxes, shrink
from mien.recognise.yunet import find_yunet
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


def test_no_box_is_the_whole_picture_and_no_boxes_are_no_faces():
    """The first is stretched to a square; the second is an empty stack."""
    picture = np.full((10, 30, 3), 7, np.uint8)
    assert (1, 12, 12) == cut_faces(picture, [None], side=12).shape
    assert (0, 12, 12) == cut_faces(picture, [], side=12).shape


def test_a_yunet_without_a_file_says_how_to_name_one(monkeypatch, tmp_path):
    """Nothing told, a missing file, a file of another kind."""
    monkeypatch.delenv("MIEN_YUNET", raising=False)
    with pytest.raises(ConfigError, match="as yunet:FILE or in MIEN_YUNET"):
        find_detector("yunet")
    with pytest.raises(RunError, match="does not exist"):
        find_detector(f"yunet:{tmp_path / 'none.onnx'}")
    (tmp_path / "text.onnx").write_text("dear diary")
    with pytest.raises(RunError, match="found one that OpenCV cannot read"):
        find_detector(f"yunet:{tmp_path / 'text.onnx'}")


def test_a_fetched_file_is_kept_only_with_the_right_checksum(monkeypatch, tmp_path):
    """From a URL, once: the second time the source may be gone."""
    source = tmp_path / "yunet.onnx"
    source.write_bytes(b"a network")
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    with pytest.raises(RunError, match=r"expected the SHA-256 8f2383e4dd3cfbb4…, found .*: not kept"):
        find_yunet(source.as_uri())
    assert not list(tmp_path.glob("cache/detectors/*"))
    place = f"{source.as_uri()}#sha256={hashlib.sha256(b'a network').hexdigest()}"
    kept = find_yunet(place)
    source.unlink()
    assert kept.read_bytes() == b"a network"
    assert kept == find_yunet(place)
    with pytest.raises(RunError, match="cannot be fetched"):
        find_yunet(source.as_uri())


def test_a_network_that_is_no_yunet_is_named_at_once():
    """Not blamed on the first picture."""
    with pytest.raises(RunError, match=r"mien\.onnx: expected the file of YuNet"):
        find_detector(f"yunet:{BUNDLED}")
