"""`--prior` wherever it stands: recognise, evaluate, export. Base rates are the user's."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from conftest import SHAPES, Result, draw_shapes, run_mien, write_shapes
from mien import Recogniser
from mien.beliefs.base_rates import shift_rates
from mien.data.loading import load
from mien.errors import ConfigError
from mien.evaluation.evaluation import read_evaluation
from mien.runs.run import WEIGHTS, load_tensors, save_tensors
from tiny_network import write_network

RATES = (0.5, 0.3, 0.2)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a network that tells its rates, one that does not, and 60 faces."""
    place = tmp_path_factory.mktemp("prior")
    write_network(place / "tiny.onnx", rates=RATES)
    write_network(place / "silent.onnx")
    (place / "faces").mkdir()
    for index, image in enumerate(draw_shapes(20).images):
        Image.fromarray(image).save(place / "faces" / f"{index:03d}.png")
    return place


@pytest.fixture(scope="module")
def finished(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run folder beside the data that it says it was trained on."""
    place = tmp_path_factory.mktemp("finished")
    data = write_shapes(place / "shapes")
    tensors, facts = load_tensors(trained / WEIGHTS)
    (place / "run").mkdir()
    save_tensors(place / "run" / WEIGHTS, tensors, {**facts, "source": str(data), "synthetic": False})
    return place / "run"


def recognise(place: Path, *options: object, run: str = "tiny.onnx") -> Result:
    """Run `mien recognise` over the faces."""
    return run_mien("recognise", "faces", "--no-detect", "--run", run, *options, cwd=place)


def read(table: Path) -> np.ndarray:
    """Return the probabilities of a table."""
    with table.open(newline="") as file:
        return np.array([[float(row[name]) for name in ("low", "mid", "high")] for row in csv.DictReader(file)])


def test_a_prior_shifts_every_row_of_the_table(place: Path, tmp_path: Path) -> None:
    """By the ratio of new to old rates, which a user may give in part."""
    for name, options in {"own": (), "given": ("--prior", "low=0.1,high=0.6"), "same": ("--prior", "training")}.items():
        assert recognise(place, "--out", tmp_path / f"{name}.csv", *options).status == 0
    own, given, same = (read(tmp_path / f"{name}.csv") for name in ("own", "given", "same"))
    np.testing.assert_allclose(shift_rates(own, RATES, (0.1, 0.3, 0.6)), given, atol=2e-5)
    assert np.array_equal(own, same)


def test_estimated_rates_are_told_with_intervals_and_taken(place: Path, tmp_path: Path) -> None:
    """Two looks at the pictures; --resume finds the same rates again."""
    done = recognise(place, "--out", tmp_path / "faces.csv", "--prior", "estimate")
    assert (0, "") == (done.status, done.err)
    assert "Base rates of 60 faces, with 95 % intervals" in done.out
    found = Recogniser(place / "tiny.onnx", detector="none").estimate_prior(
        Recogniser(place / "tiny.onnx", detector="none").predict(load_images(place))
    )
    recogniser = Recogniser(place / "tiny.onnx", detector="none", prior=found.rates)
    np.testing.assert_allclose(recogniser.predict(load_images(place)), read(tmp_path / "faces.csv"), atol=1e-3)
    assert recognise(place, "--out", tmp_path / "faces.csv", "--prior", "estimate", "--resume").status == 0


def load_images(place: Path) -> np.ndarray:
    """Return the faces as the network is shown them."""
    recogniser = Recogniser(place / "tiny.onnx", detector="none")
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in sorted((place / "faces").iterdir())]
    return np.concatenate([recogniser.cut(picture, [None]) for picture in pictures])


def test_a_list_of_pictures_is_recognised_at_the_rates_that_it_tells(place: Path) -> None:
    """`Recogniser(prior="estimate")`, of which a single picture has too few faces."""
    pictures = [place / "faces" / f"{index:03d}.png" for index in range(60)]
    own, judged = Recogniser(place / "tiny.onnx"), Recogniser(place / "tiny.onnx", prior="estimate")
    rates = own.estimate_prior([face for faces in own.recognise(pictures, detect=False) for face in faces]).rates
    expected = Recogniser(place / "tiny.onnx", prior=rates).recognise(pictures[0], detect=False)[0].probabilities
    found = judged.recognise(pictures, detect=False)[0][0].probabilities
    assert pytest.approx(expected, abs=1e-4) == found
    with pytest.raises(mien.errors.DataError, match="expected at least 50 faces"):
        judged.recognise(pictures[0], detect=False)


def test_rates_are_estimated_alike_at_whatever_rates_faces_were_named(place: Path) -> None:
    """A recogniser knows at which rates its own faces stand; those of another, with other expressions, it refuses."""
    pictures = [place / "faces" / f"{index:03d}.png" for index in range(60)]
    own = Recogniser(place / "tiny.onnx")

    def name(recogniser: Recogniser) -> list[mien.Face]:
        return [face for faces in recogniser.recognise(pictures, detect=False) for face in faces]

    expected = own.estimate_prior(name(own)).rates
    for prior in ("uniform", {"high": 0.0}, {"high": 0.99}):
        other = Recogniser(place / "tiny.onnx", prior=prior)
        assert pytest.approx(expected, abs=1e-3) == other.estimate_prior(name(other)).rates
        with pytest.raises(mien.errors.DataError, match="that sum to 1, found others"):
            other.estimate_prior(np.zeros((60, 3)))
    with pytest.raises(mien.errors.ConfigError, match="leave out prior='estimate'"):
        Recogniser(place / "tiny.onnx", prior="estimate").estimate_prior(name(own))
    strange = [mien.Face(box=None, expression="a", confidence=1.0, probabilities={"a": 0.5, "b": 0.5})] * 60
    with pytest.raises(mien.errors.DataError, match="found one with a, b: who named it has to estimate"):
        own.estimate_prior(strange)


@pytest.mark.parametrize("prior", ["happy=0", "happy=0.9", "uniform"])
def test_a_file_with_a_prior_built_in_answers_as_a_recogniser_with_that_prior(tmp_path: Path, prior: str) -> None:
    """By each head, in its sets, too, whose thresholds hold at the network's own rates; `training` leads back there."""
    file = mien.export("bundled", tmp_path / "shifted.onnx", prior=prior)
    faces = load("synthetic").named()["test"].images[:120]
    boxes = [None] * len(faces)
    for labels in ("people", "fer2013", "ferplus8"):
        own, asked = (Recogniser(detector="none", labels=labels, prior=given) for given in (None, prior))
        built, back = (Recogniser(file, detector="none", labels=labels, prior=given) for given in (None, "training"))
        assert pytest.approx(asked.rates) == built.rates
        assert pytest.approx(own.rates) == back.rates
        for one, other in ((asked, built), (own, back)):
            np.testing.assert_allclose(one.predict(faces), other.predict(faces), atol=1e-5)
            pairs = zip(one.name(boxes, one.answer(faces)), other.name(boxes, other.answer(faces)), strict=True)
            differ = sum(set(first.expressions) != set(second.expressions) for first, second in pairs)
            assert differ <= 3  # 8-bit answers tie, and rounding decides
        known = own.name(boxes, own.answer(faces)), asked.name(boxes, asked.answer(faces))
        assert all(
            {*one.expressions} - {one.expression} <= {*other.expressions} for one, other in zip(*known, strict=True)
        )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--prior", "unifrom"), "--prior 'unifrom': expected training, uniform, estimate, or rates"),
        (("--prior", "hihg=0.5"), "did you mean high?"),
        (("--prior", "high=2"), "expected a rate from 0 to 1 for high, found 2"),
    ],
)
def test_an_impossible_prior_ends_in_one_line(place: Path, tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    """Exit status 2, and no table is begun."""
    done = recognise(place, "--out", tmp_path / "faces.csv", *options)
    assert (2, 1) == (done.status, done.err.count("\n"))
    assert told in done.err
    assert [] == list(tmp_path.iterdir())


def test_too_few_faces_and_networks_that_tell_no_rates_are_refused(place: Path, tmp_path: Path) -> None:
    """One line each, exit status 2."""
    few = run_mien("recognise", "faces/000.png", "--no-detect", "--run", "tiny.onnx", "--prior", "estimate", cwd=place)
    assert (2, 1) == (few.status, few.err.count("\n"))
    assert "expected at least 50 faces to estimate base rates from, found 1" in few.err
    silent = recognise(place, "--prior", "uniform", run="silent.onnx")
    assert (2, 1) == (silent.status, silent.err.count("\n"))
    assert "expected a network that tells which base rates it assumes, found none" in silent.err


def test_a_server_gives_no_estimate(place: Path) -> None:
    """It sees one picture after the other."""
    done = run_mien("serve", "--run", place / "tiny.onnx", "--prior", "estimate", "--port", "0")
    assert (2, 1) == (done.status, done.err.count("\n"))
    assert "--prior estimate takes many pictures at once" in done.err


def test_an_evaluation_tells_what_a_prior_changed(finished: Path) -> None:
    """In a folder of its own; back at the network's rates it is what it was without."""
    plain, shifted = (run_mien("evaluate", finished, *options) for options in ((), ("--prior", "uniform")))
    assert (0, 0) == (plain.status, shifted.status), plain.err + shifted.err
    assert "Base rates (uniform): bottom 33.3%, middle 33.3%, top 33.3%" in shifted.out
    before, after = read_evaluation(finished), read_evaluation(finished / "test-prior-uniform")
    assert ("training", "uniform") == (before.prior, after.prior)
    np.testing.assert_allclose(before.probabilities, after.at_own_rates().probabilities, atol=1e-5)
    with pytest.warns(UserWarning, match="nobody wrote down"):
        assert after == mien.evaluate(finished, prior="uniform")
    figures = json.loads((finished / "test-prior-uniform" / "evaluation.json").read_text())
    assert pytest.approx(before.score().log_loss, abs=1e-4) == figures["scores_at_own_rates"]["log_loss"]


def test_rules_that_weigh_classes_do_not_go_with_a_prior(finished: Path) -> None:
    """They would count the rates twice."""
    done = run_mien("evaluate", finished, "--prior", "uniform", "--decision", "prior")
    assert (2, 1) == (done.status, done.err.count("\n"))
    assert "--decision prior weighs classes as --prior uniform does: give one of the two" in done.err


def test_a_file_can_have_a_prior_built_in(finished: Path, tmp_path: Path) -> None:
    """Any runtime answers so; a recogniser shifts from there, and back."""
    for name, prior in {"own": "training", "top": {"top": 0.9}}.items():
        mien.export(finished, tmp_path / f"{name}.onnx", prior=prior)
    own, top = (Recogniser(tmp_path / f"{name}.onnx", detector="none") for name in ("own", "top"))
    faces = draw_shapes(20, seed=5).images
    assert own.rates is not None
    assert top.rates is not None
    assert pytest.approx(0.9) == top.rates["top"]
    np.testing.assert_allclose(
        shift_rates(own.predict(faces), tuple(own.rates.values()), tuple(top.rates.values())),
        top.predict(faces),
        atol=1e-5,
    )
    back = Recogniser(tmp_path / "top.onnx", detector="none", prior=own.rates)
    np.testing.assert_allclose(own.predict(faces), back.predict(faces), atol=1e-4)
    done = run_mien("export", finished, "-o", tmp_path / "u.onnx", "--prior", "uniform")
    assert done.status == 0, done.err
    assert pytest.approx(dict.fromkeys(SHAPES, 1 / 3)) == Recogniser(tmp_path / "u.onnx").rates


def test_what_ships_can_be_exported_with_a_prior(tmp_path: Path) -> None:
    """In 8 bits as it is."""
    done = run_mien("export", "bundled", "-o", tmp_path / "u.onnx", "--prior", "uniform")
    assert done.status == 0, done.err
    faces = load("synthetic").named()["test"].images[:50]
    shifted = Recogniser(detector="none", prior="uniform").predict(faces)
    np.testing.assert_allclose(shifted, Recogniser(tmp_path / "u.onnx", detector="none").predict(faces), atol=1e-5)


def test_a_run_that_knows_no_rates_cannot_be_shifted(trained: Path, tmp_path: Path) -> None:
    """Its data is gone, and nobody wrote the rates down."""
    shutil.copytree(trained, tmp_path / "run")
    with pytest.raises(ConfigError, match="expected a run that knows which base rates it assumes, found none"):
        mien.export(tmp_path / "run", tmp_path / "model.onnx", prior="uniform")
