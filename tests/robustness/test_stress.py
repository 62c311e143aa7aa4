"""A network under corruption, measured for real: a tiny ONNX file, and a run of a second."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import mien
from conftest import SHAPES, draw_shapes, tiny_recipe
from mien.errors import ConfigError, DataError, RunError
from mien.evaluation.predict import predict_probabilities
from mien.evaluation.reliability import measure_calibration
from mien.recognition.network import OnnxNetwork
from mien.robustness import CORRUPTIONS, corrupt
from mien.robustness.card import write_card
from mien.robustness.kept import FIGURES, TABLE, choose_folder, read_robustness, write_robustness
from tiny_network import write_network

SIDE = 12
SCREEN = (24, 150)


def in_memory(**parts: int) -> mien.Splits:
    """Return shapes that the tiny network knows, so many of each class in each split."""
    made = {name: draw_shapes(count, seed=seed, size=SIDE) for seed, (name, count) in enumerate(parts.items())}
    return mien.Splits.of(SHAPES, **{name: mien.Faces.of(one.images, one.labels) for name, one in made.items()})


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an ONNX file that answers by the brightest third."""
    return write_network(tmp_path_factory.mktemp("network") / "tiny.onnx", classes=SHAPES)


@pytest.fixture(scope="module")
def splits() -> mien.Splits:
    """Return train and valid, other faces each."""
    return in_memory(train=5, valid=20)


@pytest.fixture(scope="module")
def whole(network: Path, splits: mien.Splits) -> mien.Robustness:
    """Return everything measured on the tiny network."""
    return mien.stress(network, splits)


def test_every_corruption_is_measured_at_five_severities_on_valid(whole: mien.Robustness) -> None:
    """In the order of the registry, on faces that stay the same."""
    assert (len(CORRUPTIONS) * 5, 60, "valid", 0) == (len(whole), whole.n, whole.split, whole.seed)
    assert tuple(CORRUPTIONS) == tuple(whole.group())
    assert [1, 2, 3, 4, 5] * len(CORRUPTIONS) == [one.severity for one in whole.conditions]


def test_the_figures_of_a_condition_are_those_of_its_faces(
    whole: mien.Robustness, network: Path, splits: mien.Splits
) -> None:
    """Computed again, by hand."""
    assert splits.valid is not None
    answers = OnnxNetwork(network).predict(corrupt(splits.valid.images, "gaussian-noise", 5))
    right, confidence = answers.argmax(1) == splits.valid.labels, answers.max(1)
    found = whole.find("gaussian-noise", 5)
    assert right.mean() == pytest.approx(found.accuracy)
    assert confidence.mean() == pytest.approx(found.confidence, rel=1e-5)
    assert measure_calibration(splits.valid.labels, answers).ece == pytest.approx(found.ece)
    assert (confidence >= 0.5).mean() == pytest.approx(found.answered)
    assert found.interval.low <= found.accuracy <= found.interval.high
    with pytest.raises(KeyError, match="was not measured"):
        whole.find("rain", 1)


def test_the_mean_is_over_conditions_and_its_interval_over_faces(whole: mien.Robustness) -> None:
    """Clean is not part of it."""
    assert np.mean([one.accuracy for one in whole.conditions]) == pytest.approx(whole.accuracy)
    assert whole.interval.low < whole.accuracy < whole.interval.high
    assert whole.clean.accuracy > whole.accuracy


def test_a_network_that_is_never_wrong_has_an_interval_without_width(network: Path, splits: mien.Splits) -> None:
    """Darker shapes are still the same shapes."""
    found = mien.stress(network, splits, only="dark", severity=1)
    assert (1.0, 1.0, 1.0) == (found.accuracy, found.interval.low, found.interval.high)


def test_the_same_seed_gives_the_same_figures_and_another_one_others(network: Path, splits: mien.Splits) -> None:
    """To the last digit."""
    first, again, other = (mien.stress(network, splits, only=["cover"], seed=seed) for seed in (0, 0, 1))
    assert first == again != dataclasses.replace(other, seed=0)


def test_the_answer_rate_counts_from_a_confidence_on(network: Path, splits: mien.Splits) -> None:
    """From 0 on all are answered; from 1 on, of this network, none, and then nothing is right or wrong."""
    low, high = (mien.stress(network, splits, only="dark", severity=5, answer_from=one) for one in (0.0, 1.0))
    assert (1.0, low.accuracy) == (low.conditions[0].answered, low.conditions[0].answered_accuracy)
    assert (0.0, None) == (high.conditions[0].answered, high.conditions[0].answered_accuracy)
    with pytest.raises(ConfigError, match="`answer_from` 2: expected a confidence from 0 to 1"):
        mien.stress(network, splits, answer_from=2)


def test_it_prints_in_one_screen_and_shows_itself(whole: mien.Robustness, tmp_path: Path) -> None:
    """As text, as HTML, as a frame and as a plot."""
    lines = repr(whole).split("\n")
    assert len(lines) <= SCREEN[0]
    assert max(map(len, lines)) <= SCREEN[1]
    assert all(name in repr(whole) and name in whole._repr_html_() for name in CORRUPTIONS)
    frame = whole.to_frame()
    assert ["clean", *(one.corruption for one in whole.conditions)] == list(frame["corruption"])
    panels = [axes for axes in whole.plot(tmp_path / "plot.svg").axes if axes.get_title(loc="left")]
    assert list(CORRUPTIONS) == [axes.get_title(loc="left") for axes in panels]
    assert "gaussian-noise" in (tmp_path / "plot.svg").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match=r"expected a name that ends in \.svg or \.png"):
        whole.plot(tmp_path / "plot.gif")


def test_what_is_written_reads_back_equal(whole: mien.Robustness, tmp_path: Path) -> None:
    """And the table has a row a condition."""
    paths = write_robustness(whole, tmp_path / "kept")
    assert all(path.stat().st_size for path in paths)
    assert whole == read_robustness(tmp_path / "kept")
    assert 2 + len(whole) == len((tmp_path / "kept" / TABLE).read_text(encoding="utf-8").splitlines())


def test_figures_say_how_faces_were_shown(whole: mien.Robustness, tmp_path: Path) -> None:
    """In words, in the file, and by the folder, so that they do not stand for those of the plain view."""
    other = dataclasses.replace(whole, views=("plain", "mirror"))
    assert "views plain + mirror" in other.tell()[0]
    assert "views" not in whole.tell()[0]
    write_robustness(other, tmp_path / "kept")
    assert other == read_robustness(tmp_path / "kept")
    kept = json.loads((tmp_path / "kept" / FIGURES).read_text(encoding="utf-8"))
    older = {name: value for name, value in kept.items() if name != "views"}
    (tmp_path / "kept" / FIGURES).write_text(json.dumps(older), encoding="utf-8")
    assert whole == read_robustness(tmp_path / "kept")  # of an older file, when there was no other way
    places = [choose_folder(one, tmp_path, is_own=True) for one in (whole, other)]
    assert [tmp_path / "robustness", tmp_path / "robustness-views-plain-mirror"] == places


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "conditions": 3}'])
def test_a_damaged_file_is_told(text: str, tmp_path: Path) -> None:
    """In one line, as is a missing one."""
    with pytest.raises(RunError, match="cannot be read"):
        read_robustness(tmp_path)
    (tmp_path / FIGURES).write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=r"robustness\.json: expected"):
        read_robustness(tmp_path)


def test_a_card_has_a_row_for_clean_each_corruption_and_the_mean(whole: mien.Robustness) -> None:
    """With what was measured, on what, and whose protocol it is."""
    text = write_card(whole)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert 2 + 1 + len(CORRUPTIONS) + 1 == len(rows)
    assert {rows[0].count("|")} == {row.count("|") for row in rows}
    assert f"**{whole.accuracy:.1%}**" in rows[-1]
    assert all(words in text for words in ("Hendrycks and Dietterich 2019", "n = 60", "seed 0"))


@pytest.fixture(scope="module")
def trained_on(tmp_path_factory: pytest.TempPathFactory) -> tuple[mien.Run, mien.Splits]:
    """Return a run and the splits that it was trained on, test among them."""
    parts = {"train": 20, "valid": 8, "test": 4}
    made = {name: draw_shapes(count, seed=seed) for seed, (name, count) in enumerate(parts.items())}
    splits = mien.Splits.of(SHAPES, **{name: mien.Faces.of(one.images, one.labels) for name, one in made.items()})
    recipe = tiny_recipe().set(epochs=2)
    return mien.train(splits, recipe, out=tmp_path_factory.mktemp("run") / "run", progress=False), splits


def test_a_run_is_measured_on_what_it_held_out_with_its_temperature(
    trained_on: tuple[mien.Run, mien.Splits],
) -> None:
    """Clean is what `mien.evaluate` says of valid; test has to be asked for."""
    run, splits = trained_on
    found = mien.stress(run, splits, only="dark", severity=1)
    evaluation = mien.evaluate(run, splits, split="valid")
    assert (len(evaluation), evaluation.accuracy) == (found.n, found.clean.accuracy)
    assert evaluation.score().calibration.ece == pytest.approx(found.clean.ece)
    assert 12 == mien.stress(run.path, splits, split="test", only="dark", severity=1).n
    with pytest.raises(DataError, match="arrays in memory"):
        mien.stress(run)


def test_the_faces_that_a_run_is_shown_are_the_corrupted_ones(trained_on: tuple[mien.Run, mien.Splits]) -> None:
    """Its probabilities, before scaling, are those of the network on corrupted pixels: the answers agree."""
    run, splits = trained_on
    assert splits.valid is not None
    expected = predict_probabilities(run.network, corrupt(splits.valid.images, "rotation", 5)).argmax(1)
    found = mien.stress(run, splits, only="rotation", severity=5)
    assert (expected == splits.valid.labels).mean() == pytest.approx(found.accuracy)


def test_valid_is_the_default_and_test_is_never_taken_unasked(network: Path) -> None:
    """Other data may have train alone; test alone has to be asked for."""
    assert "train" == mien.stress(network, in_memory(train=2), only="dark", severity=1).split
    with pytest.raises(DataError, match="expected a valid split, found test: test is looked at once"):
        mien.stress(network, in_memory(test=2), only="dark")
    assert "test" == mien.stress(network, in_memory(test=2), split="test", only="dark", severity=1).split
    with pytest.raises(DataError, match="expected a split 'valid', found train"):
        mien.stress(network, in_memory(train=2, test=2), only="dark")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": None}, "no data beside it: give `data`"),
        ({"split": "tset"}, "`split` 'tset': expected one of train, valid, test; did you mean test"),
        ({"seed": -1}, "`seed` -1: expected a whole number from 0 on"),
        ({"only": "rain"}, "`only` 'rain'"),
        ({"severity": 6}, "`severity` 6"),
    ],
)
def test_what_makes_no_sense_is_told(
    changes: dict[str, object], words: str, network: Path, splits: mien.Splits
) -> None:
    """In one line, with the name of the argument."""
    with pytest.raises(ConfigError, match=words):
        mien.stress(network, **{"data": splits, **changes})  # type: ignore[arg-type]


def test_a_recogniser_is_asked_as_it_is_and_the_one_that_ships_by_name() -> None:
    """The same network, so the same figures; drawn faces are said to be drawn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        named = mien.stress("bundled", "synthetic", only="jpeg", severity=5)
        recogniser = mien.Recogniser(detector="none", labels="fer2013")  # measured by the labels of the data
        opened = mien.stress(recogniser, "synthetic", only="jpeg", severity=5)
    assert named.conditions == opened.conditions
    assert ("bundled", "Recogniser", True) == (named.network, opened.network, named.synthetic)
    assert "synthetic faces" in repr(named)
    assert json.dumps(named.list_records())
