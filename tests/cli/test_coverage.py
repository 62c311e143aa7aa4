"""`--coverage`: sets in tables, answers of the server and evaluations."""

from __future__ import annotations

import csv
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Result, draw_shapes, run_mien
from mien import Recogniser
from mien.beliefs.sets import fit_sets
from mien.errors import ConfigError
from tiny_network import CLASSES, write_network


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a network that knows thresholds, one that does not, and 12 faces."""
    place = tmp_path_factory.mktemp("coverage")
    write_network(place / "silent.onnx")
    faces = draw_shapes(100, seed=3)
    answers = Recogniser(place / "silent.onnx", detector="none").predict(faces.images)
    rules = fit_sets(np.roll(faces.labels, 1), answers)  # wrong labels: sets are large
    write_network(place / "tiny.onnx", rates=(1 / 3,) * 3, sets=rules.to_dict())
    (place / "faces").mkdir()
    for index, image in enumerate(draw_shapes(4).images):
        Image.fromarray(image).save(place / "faces" / f"{index:03d}.png")
    return place


def recognise(place: Path, out: Path, *options: object, run: str = "tiny.onnx") -> Result:
    """Run `mien recognise` over the faces into a table."""
    return run_mien("recognise", "faces", "--no-detect", "--run", run, "--out", out, *options, cwd=place)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_table_with_a_coverage_has_a_column_of_sets(place: Path, tmp_path: Path, suffix: str) -> None:
    """The most probable expression first; without --coverage the table is as it always was."""
    out = tmp_path / f"faces.{suffix}"
    assert recognise(place, out, "--coverage", "0.9").status == 0
    if suffix == "csv":
        rows = list(csv.DictReader(out.read_text().splitlines()))
    elif suffix == "jsonl":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    else:
        rows = pytest.importorskip("pyarrow.parquet").read_table(out).to_pylist()
    assert 12 == len(rows)
    for row in rows:
        likely = row["expressions"].split("|")
        assert likely[0] == row["expression"]
        assert set(likely) <= set(CLASSES)
    assert any("|" in row["expressions"] for row in rows)
    assert recognise(place, tmp_path / "plain.csv").status == 0
    assert "expressions" not in (tmp_path / "plain.csv").read_text().splitlines()[0].split(",")


def test_how_sets_are_chosen_asks_for_them_and_the_terminal_shows_them(place: Path, tmp_path: Path) -> None:
    """`--sets` alone is nine of ten; without either the terminal says the most probable expression alone."""
    assert recognise(place, tmp_path / "lac.csv", "--sets", "lac").status == 0
    assert recognise(place, tmp_path / "same.csv", "--sets", "lac", "--coverage", "0.9").status == 0
    assert (tmp_path / "same.csv").read_text() == (tmp_path / "lac.csv").read_text()
    assert "expressions" in (tmp_path / "lac.csv").read_text().splitlines()[0].split(",")
    shown, plain = (
        run_mien("recognise", "faces", "--no-detect", "--run", "tiny.onnx", *more, cwd=place)
        for more in (("--coverage", "0.99"), ())
    )
    assert re.search(r"(\w+) \d+% \{\1, \w+", shown.out)
    assert "{" not in plain.out


def test_a_table_goes_on_with_the_same_sets_only(place: Path, tmp_path: Path) -> None:
    """Rows of two coverages do not belong together."""
    assert recognise(place, tmp_path / "faces.csv", "--coverage", "0.9").status == 0
    again = recognise(place, tmp_path / "faces.csv", "--coverage", "0.8", "--resume")
    assert (2, 1) == (again.status, again.err.count("\n"))
    assert "was begun with coverage 0.9, not 0.8" in again.err


@pytest.mark.parametrize(
    ("run", "options", "told"),
    [
        ("tiny.onnx", ("--coverage", "90"), "--coverage: expected 0.5 to 0.99, found 90"),
        ("tiny.onnx", ("--sets", "lca"), "did you mean lac?"),
        ("silent.onnx", ("--coverage", "0.9"), "expected a network that knows thresholds for sets, found none"),
    ],
)
def test_an_impossible_coverage_ends_in_one_line(
    place: Path, tmp_path: Path, run: str, options: tuple[str, ...], told: str
) -> None:
    """Exit status 2, and no table is begun."""
    done = recognise(place, tmp_path / "faces.csv", *options, run=run)
    assert (2, 1) == (done.status, done.err.count("\n"))
    assert told in done.err
    assert [] == list(tmp_path.iterdir())


def test_faces_tell_what_they_may_show(place: Path) -> None:
    """At nine of ten where nothing is asked, more at a higher coverage, nothing where no thresholds are known."""
    face = draw_shapes(1, seed=5).images[0]
    sizes = []
    for coverage in (0.5, None, 0.99):
        (found,) = Recogniser(place / "tiny.onnx", coverage=coverage).recognise(face, detect=False)
        assert found.expression == found.expressions[0]
        assert list(found.expressions) == found.to_dict()["expressions"]
        sizes.append(len(found.expressions))
    assert sizes == sorted(sizes)
    (silent,) = Recogniser(place / "silent.onnx").recognise(face, detect=False)
    assert () == silent.expressions
    assert "expressions" not in silent.to_row()


def test_sets_do_not_depend_on_base_rates(place: Path) -> None:
    """But for the answer itself, which always belongs to its set."""
    face = draw_shapes(1, seed=5).images[0]
    own, shifted = (
        Recogniser(place / "tiny.onnx", prior=prior).recognise(face, detect=False)[0]
        for prior in ("training", {CLASSES[0]: 0.999})
    )
    assert set(shifted.expressions) == {*own.expressions, shifted.expression}


def test_a_recogniser_keeps_its_wishes_when_it_is_pickled(place: Path) -> None:
    """Another process answers the same."""
    one = Recogniser(place / "tiny.onnx", prior={"low": 0.5}, coverage=0.7, sets="lac", detector="none")
    again = pickle.loads(pickle.dumps(one))  # noqa: S301
    assert (one.rates, one.set_rule) == (again.rates, again.set_rule)
    with pytest.raises(ConfigError, match="did you mean classes"):
        Recogniser(place / "tiny.onnx", sets="class")


def test_an_evaluation_tells_whether_sets_keep_their_promise(tmp_path: Path) -> None:
    """For each expression and all of them, with intervals, and how large the sets are."""
    done = run_mien("evaluate", "bundled", "--data", "synthetic", "--coverage", "0.8", "--out", tmp_path)
    assert done.status == 0, done.err
    assert "coverage (of 80%)" in done.out
    assert "expressions a set;" in done.out
