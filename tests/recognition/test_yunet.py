"""YuNet through onnxruntime: the same faces as OpenCV finds with it, in pictures of any size."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.pasted import paste_faces
from PIL import Image

from conftest import ROOT
from mien.errors import RunError
from mien.recognition import Box
from mien.recognition.free_shape import free_shape
from mien.recognition.model import BUNDLED
from mien.recognition.priors import STRIDES, decode, keep_one_a_face
from mien.recognition.roll import measure_roll
from mien.recognition.yunet import YunetDetector, find_yunet
from mien.synthetic import draw_faces


@pytest.fixture(scope="module")
def yunet():
    """Return the detector with the file that is installed."""
    return YunetDetector(find_yunet())


@pytest.fixture(scope="module")
def astronaut():
    """Return a photograph of one woman, uint8 (512, 512, 3)."""
    return np.asarray(Image.open(ROOT / "docs" / "astronaut.jpg").convert("RGB"))


def test_the_face_of_a_photograph_is_found(yunet, astronaut):
    """Once, with a score of nearly 1."""
    (box,) = yunet(astronaut)
    middle = (box.left + box.width / 2, box.top + box.height / 2)
    assert np.hypot(middle[0] - 222, middle[1] - 120) < 12
    assert 0.9 < box.score <= 1.0


def test_faces_are_found_where_opencv_finds_them_with_the_same_file(yunet, astronaut):
    """OpenCV's own decoding as a witness: boxes to 2 pixels, scores to 0.02."""
    cv2 = pytest.importorskip("cv2")
    faces = draw_faces(["happy", "neutral", "surprise"], np.random.default_rng(3), size=96)
    for picture in (astronaut, next(paste_faces(faces, seed=1)).picture, astronaut[:250, 100:441]):
        height, width = picture.shape[:2]
        witness = cv2.FaceDetectorYN.create(str(find_yunet()), "", (width, height), 0.7, 0.3, 5000)
        _, rows = witness.detect(np.ascontiguousarray(picture[:, :, ::-1]))
        expected = sorted(map(tuple, rows[:, [0, 1, 2, 3, 14]].tolist()))
        found = sorted((box.left, box.top, box.width, box.height, box.score) for box in yunet(picture))
        assert len(expected) == len(found)
        np.testing.assert_allclose(np.array(expected)[:, :4], np.array(found)[:, :4], atol=2.0)
        np.testing.assert_allclose(np.array(expected)[:, 4], np.array(found)[:, 4], atol=0.02)


def test_an_empty_picture_holds_no_face(yunet):
    """An empty list, at any size and shape."""
    for shape in ((1, 1, 3), (480, 640, 3), (3, 4000, 3), (31, 33, 3)):
        assert [] == yunet(np.full(shape, 128, np.uint8))


def test_a_face_that_fills_a_large_picture_is_found_at_a_second_look(yunet, astronaut):
    """1,280 pixels of a face are more than the network sees at once; at 320 it is there, and its box is whole."""
    face = Image.fromarray(astronaut[50:190, 150:290]).resize((1280, 1280), Image.Resampling.BICUBIC)
    found = yunet(np.asarray(face))
    assert 1 == len(found)
    assert found[0].width > 500


@pytest.mark.parametrize(("degrees", "low", "high"), [(0, -6, 6), (30, 12, 35), (-30, -35, -8)])
def test_the_roll_of_turned_faces_is_told(yunet, degrees, low, high):
    """Of sixteen drawn ones, some of which lean by nature, the median: clockwise is positive."""
    rolls = []
    for face in draw_faces(["happy", "neutral", "surprise", "sad"] * 4, np.random.default_rng(3), size=200):
        picture = np.full((480, 480, 3), 150, np.uint8)
        picture[140:340, 140:340] = face[..., None]
        turned = Image.fromarray(picture).rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=(150, 150, 150))
        rolls += [box.roll for box in yunet(np.asarray(turned))]
    assert len(rolls) >= 6
    assert low < np.median(rolls) < high


def test_eyes_near_each_other_tell_no_tilt():
    """A face that looks aside is left as it is, and no further look is taken."""
    picture, box = np.zeros((100, 100, 3), np.uint8), Box(left=20, top=20, width=50, height=60)
    found = np.zeros(15, np.float32)
    found[:5] = (20, 20, 50, 60, 0.9)
    looks = []

    def look(patch):
        looks.append(patch.shape)
        return found[None]

    found[5:9] = (30, 40, 40, 50)  # 14 pixels apart, 45 degrees
    assert 45.0 == pytest.approx(measure_roll(picture, box, found, look))
    assert [] == looks
    found[5:9] = (30, 40, 55, 42)  # 4.6 degrees: not worth a look
    assert 4.57 == pytest.approx(measure_roll(picture, box, found, look), abs=0.01)
    assert [] == looks
    found[5:9] = (30, 40, 55, 50)  # 21.8 degrees, and as much again at each look of a face in the middle
    found[:4] = (50, 50, 60, 60)
    assert 3 * 21.80 == pytest.approx(measure_roll(picture, box, found, look), abs=0.01)
    assert [(160, 160, 3)] * 2 == looks


def test_scores_are_the_geometric_mean_and_boxes_and_landmarks_stand_in_their_grid():
    """One place of each grid answers, by hand; a value beyond 1 counts as 1."""
    across, down = 64, 32
    maps = {}
    for stride in STRIDES:
        places = (across // stride) * (down // stride)
        for part, size in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            maps[f"{part}_{stride}"] = np.zeros((1, places, size), np.float32)
    place = 1 * (across // 8) + 3  # second row, fourth column
    maps["cls_8"][0, place], maps["obj_8"][0, place] = 1.44, 0.64
    maps["bbox_8"][0, place] = (0.5, -0.5, np.log(2.0), np.log(4.0))
    maps["kps_8"][0, place] = np.arange(10)
    maps["cls_32"][0, 1], maps["obj_32"][0, 1] = 0.5, 0.5
    found = decode(maps, across, min_score=0.5)
    left, top, width, height = (3.5 * 8 - 8, 0.5 * 8 - 16, 16, 32)
    marks = [(at + (3 if at % 2 == 0 else 1)) * 8 for at in range(10)]
    np.testing.assert_allclose([left, top, width, height, 0.8, *marks], found[0], rtol=1e-6)
    np.testing.assert_allclose([16, -16, 32, 32, 0.5], found[1, :5], rtol=1e-6)
    assert 1 == len(decode(maps, across, min_score=0.6))
    assert (0, 15) == decode(maps, across, min_score=0.9).shape


def test_of_candidates_that_overlap_the_best_stays():
    """By intersection over union; one at the very limit is another face."""
    found = np.zeros((4, 15), np.float32)
    found[:, :5] = [(0, 0, 10, 10, 0.9), (2, 0, 10, 10, 0.8), (0, 5, 10, 10, 0.7), (50, 50, 10, 10, 0.6)]
    assert [0.9, 0.7, 0.6] == pytest.approx(keep_one_a_face(found, overlap=1 / 3 + 1e-6)[:, 4].tolist())
    assert [0.9, 0.6] == pytest.approx(keep_one_a_face(found, overlap=0.3)[:, 4].tolist())
    assert (0, 15) == keep_one_a_face(found[:0], overlap=0.3).shape


def test_a_network_that_is_no_yunet_is_named_at_once(tmp_path):
    """Not blamed on the first picture: another network, text, half a file, nothing, each in one line."""
    whole = find_yunet().read_bytes()
    for name, content in (("text", b"dear diary"), ("half", whole[:90_000]), ("none", b"")):
        (tmp_path / name).write_bytes(content)
    for path in (BUNDLED, tmp_path / "text", tmp_path / "half", tmp_path / "none"):
        with pytest.raises(RunError, match="expected the file of YuNet, found another or a broken one") as caught:
            YunetDetector(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_a_network_without_sizes_answers_as_it_does_with_them():
    """At its own size of 640 pixels to the last bit; and it takes others, where the published file takes none."""
    import onnxruntime

    model, names = find_yunet().read_bytes(), [f"cls_{stride}" for stride in STRIDES]
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    fixed, free = (
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        for content in (model, free_shape(model))
    )
    planes = np.random.default_rng(0).integers(0, 256, (1, 3, 640, 640)).astype(np.float32)
    for expected, found in zip(fixed.run(names, {"input": planes}), free.run(names, {"input": planes}), strict=True):
        np.testing.assert_array_equal(expected, found)
    assert (1, 6, 1) == free.run(["cls_32"], {"input": planes[..., :64, :96]})[0].shape


@pytest.mark.parametrize("message", [b"\x3a\x05ab", b"\x3a", b"\xff" * 12, b"\x0b"])
def test_bytes_that_are_no_message_are_refused(message):
    """A field beyond the end, half a field, an endless number, a kind of field that does not exist."""
    with pytest.raises(ValueError, match=r"a field|a number"):
        free_shape(message)
