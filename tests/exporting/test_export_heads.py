"""Several heads in one file: each answers as torch does, the recogniser picks one, another file can be imitated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mien
from conftest import run_mien
from mien import Recogniser
from mien.errors import ConfigError
from mien.evaluation.known import know_splits
from mien.evaluation.predict import predict_probabilities
from mien.exporting import export_run, write_model
from mien.exporting.check import run_model
from mien.exporting.drop_in import INPUT, ORDER, OUTPUT, imitate_ferplus
from mien.exporting.graph import describe
from mien.labels import EXPRESSIONS
from mien.recipes.heads import HEADS
from mien.runs.run import Run, load_run
from mien.runs.temperatures import scale_probabilities


@pytest.fixture(scope="module")
def run(trained_heads: Path) -> Run:
    """Return a run with three heads."""
    return load_run(trained_heads / "run")


@pytest.fixture(scope="module")
def model(run: Run) -> Any:
    """Return it as a model."""
    return export_run(run, know_splits(run).splits).model


@pytest.fixture(scope="module")
def file(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model as a file."""
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    write_model(model, path)
    return path


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """Return noise of 16x16 pixels."""
    return np.random.default_rng(0).integers(0, 256, (5, 16, 16)).astype(np.uint8)


@pytest.mark.parametrize("name", list(HEADS))
def test_each_head_of_the_file_answers_as_torch_does(name: str, run: Run, file: Path, faces: np.ndarray) -> None:
    """Asked for by its name; calibrated; seven classes of votes are eight without contempt."""
    head = run.head(name)
    recogniser = Recogniser(file, labels=name)
    assert HEADS[name].expressions == recogniser.expressions
    temperature = run.head("ferplus8" if name == "ferplus" else name).temperature()
    expected = scale_probabilities(predict_probabilities(head.network, faces), temperature)
    np.testing.assert_allclose(expected, recogniser.predict(faces), atol=1e-5)


def test_people_are_answered_where_nothing_is_asked(file: Path, trained_heads: Path, faces: np.ndarray) -> None:
    """By a file as by the folder of its run."""
    expected = Recogniser(file, labels="people").predict(faces)
    np.testing.assert_array_equal(expected, Recogniser(file).predict(faces))
    np.testing.assert_allclose(expected, Recogniser(trained_heads / "run").predict(faces), atol=1e-6)


def test_labels_that_a_network_does_not_know_are_told(file: Path, trained: Path) -> None:
    """A misspelt name at once; a network of one answer by what it has."""
    with pytest.raises(ConfigError, match="expected one of fer2013, ferplus, ferplus8, people, found 'poeple'"):
        Recogniser(file, labels="poeple")
    with pytest.raises(ConfigError, match=r"several heads.* found a single answer in .*run: leave it out"):
        Recogniser(trained, labels="people")


def test_one_head_alone_makes_a_file_of_one_answer(trained_heads: Path) -> None:
    """`mien export --head` writes what knows of no other."""
    result = run_mien("export", "run", "--head", "ferplus", "--out", "one.onnx", cwd=trained_heads)
    assert result.status == 0, result.err
    recogniser = Recogniser(trained_heads / "one.onnx")
    assert f"temperature {recogniser.card['temperature']:.3f}" in result.out
    assert (EXPRESSIONS, True) == (recogniser.expressions, "heads" not in recogniser.card)


def test_faces_that_the_network_is_unsure_of_are_looked_at_in_the_mirror_too(
    model: Any, tmp_path: Path, faces: np.ndarray
) -> None:
    """Below the confidence in the file's metadata, by the head that has one, and by no other."""
    plain, mirrored = (run_model(model, shown, output="fer2013") for shown in (faces, faces[..., ::-1]))
    limit = float(np.median(plain.max(axis=1)))
    facts = {entry.key.removeprefix("mien."): entry.value for entry in model.metadata_props}
    import json

    known = {name: json.loads(text) for name, text in facts.items()}
    known["heads"]["fer2013"]["mirror_below"] = limit
    write_model(describe(model, known), tmp_path / "unsure.onnx")
    unsure = (plain.max(axis=1) < limit)[:, None]
    answers = Recogniser(tmp_path / "unsure.onnx", labels="fer2013").predict(faces)
    np.testing.assert_allclose(np.where(unsure, (plain + mirrored) / 2, plain), answers, atol=1e-6)
    expected = run_model(model, faces)
    np.testing.assert_allclose(expected, Recogniser(tmp_path / "unsure.onnx").predict(faces), atol=1e-6)


def test_a_file_takes_the_place_of_emotion_ferplus(file: Path, model: Any) -> None:
    """Its names, shapes and order; the softmax of what it says are the votes' probabilities of the shrunk face."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        imitate_ferplus(model).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (INPUT, [1, 1, 64, 64], "tensor(float)") == (taken.name, taken.shape, taken.type)
    assert (OUTPUT, [1, 8]) == (given.name, given.shape)
    recogniser = Recogniser(file, labels="ferplus8")
    for level in (0, 128, 255):  # an even face stays the same, however it is shrunk
        logits = session.run(None, {INPUT: np.full((1, 1, 64, 64), level, np.float32)})[0][0]
        expected = recogniser.predict(np.full((1, 16, 16), level, np.uint8))[0]
        order = [recogniser.expressions.index(name) for name in ORDER]
        np.testing.assert_allclose(expected[order], np.exp(logits) / np.exp(logits).sum(), atol=1e-5)


def test_the_likeness_tells_what_its_own_answer_assumes_and_holds_nothing_else(model: Any) -> None:
    """Rates and temperature of the votes in the order of its outputs; no constant that no node takes, one opset."""
    made = imitate_ferplus(model)
    facts = {entry.key: json.loads(entry.value) for entry in made.metadata_props}
    votes = {entry.key: json.loads(entry.value) for entry in model.metadata_props}["mien.heads"]["ferplus8"]
    assert votes["temperature"] == facts["mien.temperature"]
    rates = dict(zip(votes["expressions"], votes["rates"], strict=True))
    assert [rates[name] for name in ORDER] == facts["mien.rates"]
    assert list(ORDER) == facts["mien.expressions"]
    assert not {"mien.sets", "mien.heads", "mien.readability"} & set(facts)
    used = {name for node in made.graph.node for name in node.input}
    assert {entry.name for entry in made.graph.initializer} <= used
    assert 1 == len(made.opset_import)


def test_opencv_opens_the_likeness(tmp_path: Path) -> None:
    """One face at a time; it shrinks without smoothing, so its answers are near, not equal."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    import onnxruntime

    file = mien.export("bundled", tmp_path / "like.onnx", like="ferplus")
    session, network = onnxruntime.InferenceSession(file), cv2.dnn.readNetFromONNX(str(file))
    face = np.tile(np.arange(64, dtype=np.float32) * 4, (64, 1))[None, None]
    network.setInput(face)
    near, exact = (np.exp(logits[0]) for logits in (network.forward(), session.run(None, {INPUT: face})[0]))
    np.testing.assert_allclose(exact, near, atol=0.1)


def test_the_likeness_takes_a_prior_on_what_it_answers(tmp_path: Path) -> None:
    """Contempt, which other answers of the same network do not know."""
    result = run_mien("export", "bundled", "--like", "ferplus", "--prior", "contempt=0.5", "--out", tmp_path / "c.onnx")
    assert result.status == 0, result.err
    import onnx

    facts = {entry.key: json.loads(entry.value) for entry in onnx.load(tmp_path / "c.onnx").metadata_props}
    assert pytest.approx(0.5) == facts["mien.rates"][ORDER.index("contempt")]
    assert facts["mien.own_rates"][ORDER.index("contempt")] < 0.05


def test_like_ferplus_takes_a_network_that_knows_contempt(trained: Path, trained_heads: Path, tmp_path: Path) -> None:
    """The command writes the file from a run with heads, and refuses another in one line."""
    result = run_mien("export", "run", "--like", "ferplus", "--out", tmp_path / "like.onnx", cwd=trained_heads)
    assert result.status == 0, result.err
    assert "Input3" in result.out
    other = run_mien("export", trained, "--like", "ferplus", "--out", tmp_path / "other.onnx")
    assert (2, True) == (other.status, "expected a network of neutral, happy" in other.err)
    assert not (tmp_path / "other.onnx").exists()


def test_commands_name_the_labels_that_answer(file: Path, tmp_path: Path) -> None:
    """Contempt has a column by eight classes of votes alone; unknown labels end in one line."""
    Image.fromarray(np.full((16, 16), 99, np.uint8)).save(tmp_path / "face.png")
    ask = ("recognise", "face.png", "--no-detect", "--run", file, "--out")
    for labels, expected in (("ferplus8", True), ("people", False)):
        result = run_mien(*ask, f"{labels}.csv", "--labels", labels, cwd=tmp_path)
        assert result.status == 0, result.err
        assert expected == ("contempt" in (tmp_path / f"{labels}.csv").read_text().splitlines()[0])
    wrong = run_mien(*ask, "wrong.csv", "--labels", "poeple", cwd=tmp_path)
    assert (2, 1) == (wrong.status, len(wrong.err.strip().splitlines()))
