"""What is no face, or none that can be read, has no expression, whoever asks and however it is told."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from conftest import draw_shapes
from mien import Recogniser
from mien.errors import ConfigError
from mien.recognition import Box, Face
from mien.recognition.draw import FRAME, PALE, draw
from mien.recognition.layout import UNREADABLE, lay_out, tell_face
from mien.recognition.network import OnnxNetwork
from tiny_network import CLASSES, SIZE, write_network, write_readable

BLACK = np.zeros((SIZE, SIZE), np.uint8)
FACE = draw_shapes(1, size=SIZE).images[0]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a network to which what is dark is no face."""
    return write_readable(tmp_path_factory.mktemp("network") / "readable.onnx")


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the same network, which does not tell."""
    return write_network(tmp_path_factory.mktemp("network") / "silent.onnx")


def test_what_is_not_readable_has_no_expression(network: Path) -> None:
    """None, no confidence and no probabilities in Python; null in JSON; nothing in a row of a table."""
    found = Recogniser(network, detector="none").recognise(BLACK)
    (face,) = found
    assert (None, 0.0, {}, (), False) == (
        *(face.expression, face.confidence, face.probabilities, face.expressions),
        face.readable,
    )
    (told,) = json.loads(json.dumps(found.to_dicts()))
    assert (None, {}, False, face.readability) == tuple(
        told[name] for name in ("expression", "probabilities", "readable", "readability")
    )
    (row,) = found.to_rows()
    assert {"expression": None, "confidence": 0.0, "readability": face.readability}.items() <= row.items()
    assert set(CLASSES).isdisjoint(row)


def test_what_is_readable_is_named_as_by_a_network_that_does_not_tell(network: Path, silent: Path) -> None:
    """The same probabilities; only what is said of readability differs."""
    (face,), (other,) = (Recogniser(file, detector="none").recognise(FACE) for file in (network, silent))
    assert (other.expression, other.probabilities) == (face.expression, face.probabilities)
    assert (True, None, None) == (face.readable, other.readable, other.readability)
    assert face.readability is not None
    assert 0.5 <= face.readability <= 1.0
    assert "readability" not in other.to_row()


def test_the_limit_is_the_caller_s_to_set(network: Path) -> None:
    """With 0 everything is named, with 1 hardly anything; a copy in another process has the same limit."""
    (named,) = Recogniser(network, detector="none", min_readability=0).recognise(BLACK)
    assert (True, 3) == (named.readable, len(named.probabilities))
    assert named.expression in CLASSES
    strict = pickle.loads(pickle.dumps(Recogniser(network, detector="none", min_readability=1.0)))  # noqa: S301
    assert [None] == [face.expression for face in strict.recognise(FACE)]


@pytest.mark.parametrize("limit", [-0.1, 1.1, float("nan")])
def test_an_impossible_limit_is_refused(network: Path, limit: float) -> None:
    """In one line that names the argument."""
    with pytest.raises(ConfigError, match="`min_readability`: expected 0 to 1, found"):
        Recogniser(network, min_readability=limit)


def test_a_limit_for_a_network_that_does_not_tell_is_refused(silent: Path) -> None:
    """Not passed over; to name everything may be asked of any."""
    with pytest.raises(ConfigError, match="`min_readability`: expected a network that tells"):
        Recogniser(silent, min_readability=0.5)
    (face,) = Recogniser(silent, detector="none", min_readability=0).recognise(BLACK)
    assert (None, True) == (face.readable, face.expression in CLASSES)


def test_probabilities_alone_name_everything(network: Path) -> None:
    """Whoever calls `predict` and `name` has not asked whether it is a face."""
    recogniser = Recogniser(network, detector="none")
    (face,) = recogniser.name([None], recogniser.predict(BLACK[None]))
    assert (None, True) == (face.readable, face.expression in CLASSES)
    (face,) = recogniser.name([None], recogniser.answer(BLACK[None]))
    assert (False, None) == (face.readable, face.expression)


def test_no_face_at_all_has_answers_of_the_right_shapes(network: Path, silent: Path) -> None:
    """As a picture without a face gives them."""
    told = OnnxNetwork(network).answer(np.empty((0, SIZE, SIZE), np.uint8))
    assert told.readability is not None
    assert ((0, 3), (0,)) == (told.probabilities.shape, told.readability.shape)
    assert OnnxNetwork(silent).answer(np.empty((0, SIZE, SIZE), np.uint8)).readability is None


def test_a_file_that_has_lost_the_output_does_not_tell(tmp_path: Path) -> None:
    """Its metadata speak of an output that is not there."""
    file = write_network(tmp_path / "lost.onnx", readability={"output": "readability"})
    assert not OnnxNetwork(file).tells_readable


def test_faces_of_many_pictures_keep_their_own_answers(network: Path) -> None:
    """In batches, with pictures without a face between them."""
    sides = Box(left=0, top=0, width=SIZE, height=SIZE), Box(left=SIZE, top=0, width=SIZE, height=SIZE)
    both = np.concatenate([FACE, BLACK], axis=1)
    shapes = {(SIZE, 2 * SIZE): [*sides], (SIZE, SIZE): []}
    recogniser = Recogniser(network, detector=lambda picture: shapes[picture.shape[:2]])
    found = recogniser.recognise([both, BLACK, both[:, ::-1].copy()] * 20)
    expected = [[True, False], [], [False, True]] * 20
    assert expected == [[face.readable for face in faces] for faces in found]


def test_what_is_not_readable_is_drawn_as_that() -> None:
    """Pale, with words in the place of a name; also where it is too small to be named."""
    face = Face(
        box=Box(left=100, top=100, width=120, height=120),
        **{"expression": None, "confidence": 0.0, "probabilities": {}, "readable": False, "readability": 0.1},
    )
    (mark,) = lay_out([face], width=400, height=300, smallest=11.0)
    assert (UNREADABLE, False, True) == (mark.text, mark.is_sure, mark.is_clear)
    assert "not readable" == tell_face(face)
    colours = set(map(tuple, draw(np.zeros((300, 400, 3), np.uint8), [face]).reshape(-1, 3).tolist()))
    assert {PALE} == colours & {PALE, FRAME}


def test_a_notebook_shows_no_numbers_for_it(network: Path) -> None:
    """Beside a face that has them."""
    recogniser = Recogniser(network, detector=lambda picture: [Box(left=0, top=0, width=SIZE, height=SIZE)])
    found = recogniser.recognise(BLACK)
    found.extend(recogniser.recognise(FACE))
    page = found._repr_html_()
    assert "<th>1 not readable</th><td></td><td></td><td></td>" in page
    assert all(f"<th>{name}</th>" in page for name in CLASSES)


def test_base_rates_are_those_of_faces_that_can_be_read(tmp_path: Path) -> None:
    """Black pictures among them change nothing, and stay without an expression."""
    file = write_readable(tmp_path / "rates.onnx", rates=[1 / 3] * 3)
    images = [*draw_shapes(20, size=SIZE).images]
    estimating = Recogniser(file, detector="none", prior="estimate")
    alone = [found[0] for found in estimating.recognise(images)]
    among = [found[0] for found in estimating.recognise([*images, *[BLACK] * 30])]
    assert alone == among[: len(images)]
    assert [(None, False)] * 30 == [(face.expression, face.readable) for face in among[len(images) :]]
