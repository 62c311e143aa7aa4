"""One more output of a file tells whether a face can be read; the others stay as they are, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from benchmarks import readable
from benchmarks.bundle import bundle
from benchmarks.not_faces import KEPT, TAUGHT, draw_all, turn_away
from benchmarks.photographs import make_box, overlap, place_beside, place_pieces
from sklearn.metrics import roc_auc_score

from mien import Recogniser, export
from mien.data.loading import load
from mien.data.votes import read_votes
from mien.errors import ConfigError
from mien.exporting import write_model
from mien.exporting.drop_in import OUTPUT as LIKENESS
from mien.exporting.readability import (
    OUTPUT,
    add_readability,
    find_features,
    read_features,
    remove_readability,
)
from mien.recognition.model import BUNDLED
from mien.recognition.network import OnnxNetwork
from mien.robustness.corruptions import CORRUPTIONS
from mien.synthetic import draw_faces
from tiny_network import write_network, write_readable


@pytest.fixture(scope="module")
def model() -> Any:
    """Return the network that ships, without what it tells of readability."""
    return remove_readability(onnx.load(BUNDLED))


def draw(count: int = 60, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return drawn faces."""
    return draw_faces(np.arange(count) % 7, np.random.default_rng(seed))


@pytest.mark.parametrize("labels", ["people", "fer2013", "ferplus", "ferplus8"])
def test_the_answers_of_what_ships_are_the_same_bits_without_it(model: Any, tmp_path: Path, labels: str) -> None:
    """Each head, on faces, noise and black."""
    write_model(model, tmp_path / "without.onnx")
    pictures = np.concatenate([draw(), draw_all(TAUGHT["noise"], 20, 0), np.zeros((1, 48, 48), np.uint8)])
    expected, found = (
        OnnxNetwork(file, threads=1, labels=labels).predict(pictures) for file in (tmp_path / "without.onnx", BUNDLED)
    )
    np.testing.assert_array_equal(expected, found)
    assert not OnnxNetwork(tmp_path / "without.onnx").tells_readable


def test_the_score_is_the_regression_on_the_features_of_the_last_layer(model: Any, tmp_path: Path) -> None:
    """As NumPy computes it; teaching a file anew replaces what it told, and takes no more room."""
    features = read_features(model, draw())
    assert (60, 256) == features.shape
    weights = np.random.default_rng(0).normal(0, 0.05, 256)
    once = add_readability(model, weights[::-1], 3.0, {})
    again = add_readability(once, weights, 0.5, {"lost": 0.01})
    write_model(again, tmp_path / "again.onnx")
    network = OnnxNetwork(tmp_path / "again.onnx", threads=1)
    expected = 1 / (1 + np.exp(-(features @ weights + 0.5)))
    np.testing.assert_allclose(expected, network.answer(draw()).readability, atol=1e-5)
    assert {"output": OUTPUT, "lost": 0.01} == network.card[OUTPUT]
    assert [OUTPUT] == [entry.name for entry in again.graph.output if entry.name == OUTPUT]
    assert pytest.approx(once.ByteSize(), abs=64) == again.ByteSize()


def test_a_network_without_a_dense_layer_is_refused() -> None:
    """It has no features to look at."""
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    with pytest.raises(ConfigError, match="ends in a dense layer"):
        find_features(empty)


def test_the_score_stays_where_base_rates_are_built_in_and_goes_with_another_s_form(tmp_path: Path) -> None:
    """A file for other rates still tells; one that imitates `emotion-ferplus-8.onnx` has that file's output alone."""
    faces = draw()
    rates = Recogniser(export("bundled", tmp_path / "rates.onnx", prior="uniform"), detector="none")
    np.testing.assert_array_equal(
        rates.answer(faces).readability, Recogniser(detector="none").answer(faces).readability
    )
    other = onnx.load(export("bundled", tmp_path / "other.onnx", like="ferplus"))
    assert [LIKENESS] == [entry.name for entry in other.graph.output]
    assert f"mien.{OUTPUT}" not in {entry.key for entry in other.metadata_props}


def test_what_is_taught_tells_faces_from_what_was_not_shown(model: Any) -> None:
    """The network that ships, 300 drawn faces against six kinds of drawings; measured on six others: AUROC over 0.9."""
    groups = {
        "faces": draw(300),
        "drawn": np.concatenate([draw_all(one, 50, seed=0) for one in TAUGHT.values()]),
    }
    weights, shift = readable.fit(model, groups)
    known = read_features(model, draw(200, seed=1)) @ weights + shift
    for name, one in KEPT.items():
        none = read_features(model, draw_all(one, 100, seed=1)) @ weights + shift
        assert 0.9 < roc_auc_score(np.repeat([1, 0], [200, 100]), np.concatenate([known, none])), name


def test_a_file_is_taught_where_it_is_made(
    trained_heads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By train's votes, with few pictures; all heads keep their answers, and the tables of its quality can be told."""
    monkeypatch.setattr(readable, "EACH", 40)
    monkeypatch.setattr(readable, "KEPT", {"black, white, grey": KEPT["black, white, grey"]})
    bundle(trained_heads / "run", tmp_path, ("plain",), mirrored=0.0)
    file, faces = tmp_path / "mien.onnx", draw_faces([0, 3, 6], np.random.default_rng(0), size=16)
    before = OnnxNetwork(file).predict(faces)
    splits, votes = load(trained_heads / "fer2013.csv"), read_votes(trained_heads / "fer2013new.csv")
    readable.teach(file, splits, votes, None)
    network = OnnxNetwork(file)
    np.testing.assert_array_equal(before, network.predict(faces))
    assert {"faces", "corrupted", "drawn faces", "drawn"} == set(network.card[OUTPUT]["faces"])  # votes name none
    valid = network.answer(splits.named()["valid"].images).readability
    assert valid is not None
    assert 1 == (valid < 0.5).sum()  # of twelve: a hundredth of them, interpolated between the first two
    table = "\n".join(readable.measure(file, splits, votes, None, "valid"))
    assert "| drawn: black, white, grey | 500 | " in table
    assert 2 * len(CORRUPTIONS) + 1 == table.partition("taken for none")[2].count("| valid: ")


def test_pieces_lie_in_the_photograph_and_touch_no_face() -> None:
    """Of all sizes; beside a face, as large as it is."""
    rng, face = np.random.default_rng(0), make_box([240.2, 230, 300.1, 290])
    pieces, beside = list(place_pieces((520, 600), rng)), list(place_beside(face, (520, 600), rng))
    for box in (*pieces, *beside):
        assert min(box.left, box.top) >= 0
        assert box.left + box.width <= 600
        assert box.top + box.height <= 520
    assert len({box.width for box in pieces}) > 5
    assert {60} == {box.width for box in beside}
    assert pytest.approx(1.0) == overlap(face, face)
    assert 0.0 == overlap(face, make_box([300, 230, 360, 290]))


def test_a_head_from_behind_keeps_its_surroundings_and_loses_its_features() -> None:
    """Corners stay nearly as they were, the middle has no eyes and mouth; by its seed, for faces of any side."""
    faces = draw(20)
    first, again, other = (turn_away(faces, seed) for seed in (1, 1, 2))
    assert (faces.shape, np.uint8) == (first.shape, first.dtype)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    far = np.abs(first.astype(int) - faces).mean(axis=0)
    assert far[:4, :4].mean() < far[18:30, 18:30].mean()
    assert (2, 20, 20) == turn_away(np.zeros((2, 20, 20), np.uint8), 0).shape


@pytest.mark.parametrize("name", [*TAUGHT, *KEPT])
def test_pictures_that_are_none_are_drawn_by_their_seed(name: str) -> None:
    """Bytes of 48 pixels a side; another seed gives others, where there is more than one."""
    kind = {**TAUGHT, **KEPT}[name]
    first, again, other = (draw_all(kind, 12, seed=seed) for seed in (3, 3, 4))
    assert ((12, 48, 48), np.uint8) == (first.shape, first.dtype)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_tiny_network_is_taught_alike(tmp_path: Path) -> None:
    """Whatever the pixels that it takes, and without 8 bits."""
    silent, telling = write_network(tmp_path / "silent.onnx"), write_readable(tmp_path / "telling.onnx")
    assert "flat" == find_features(onnx.load(silent))
    scores = OnnxNetwork(telling).answer(np.stack([np.full((24, 24), grey, np.uint8) for grey in (0, 40, 255)]))
    assert scores.readability is not None
    assert pytest.approx([0.0, 0.5, 1.0], abs=1e-3) == scores.readability.tolist()
