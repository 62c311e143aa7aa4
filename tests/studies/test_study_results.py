"""From the evaluations of finished runs to rows, sentences, a table and a picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from finished import FACES, answer, finish, write_run
from PIL import Image

from mien.errors import RunError
from mien.studies import StudyFolder, measure_study, plan_study
from mien.studies.picture import draw_comparison
from mien.studies.plan import Plan
from mien.studies.results import Results, read_results
from mien.studies.words import list_notes, render_markdown, tell_differences

RIGHT = {"base": 0.8, "augmentation=off": 0.5}


def make_plan(*vary: str, seeds: int = 3) -> Plan:
    """Return a study of synthetic faces."""
    return plan_study("small", ["augmentation", *vary], data="synthetic", seeds=seeds)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return what a finished study of three seeds found: without augmentation, much less is right."""
    folder, plan = StudyFolder(tmp_path_factory.mktemp("study")), make_plan("ensemble")
    finish(folder, plan, right=RIGHT)
    found = measure_study(plan, folder)
    assert found is not None
    return found


def test_a_row_holds_mean_spread_and_one_value_a_seed(results: Results) -> None:
    """The figures are those of the evaluations."""
    expected = [answer(right=0.8, seed=seed).score().accuracy for seed in range(3)]
    base = results.rows[0]
    assert (0, 1, 2) == base.seeds
    assert tuple(expected) == base.figures["accuracy"].values
    assert np.mean(expected) == pytest.approx(base.figures["accuracy"].mean)
    assert np.std(expected, ddof=1) == pytest.approx(base.figures["accuracy"].sd)
    assert ({}, 1.0) == (base.differences, base.minutes)


def test_a_difference_is_paired_by_seed(results: Results) -> None:
    """Variant minus base, seed by seed, and no noise where it is large."""
    difference = results.rows[1].differences["accuracy"]
    base, off = (row.figures["accuracy"].values for row in results.rows[:2])
    assert tuple(np.subtract(off, base)) == pytest.approx(difference.values)
    assert (False, True) == (difference.is_noise, difference.high < -0.1)


def test_an_ensemble_is_the_mean_of_the_probabilities_of_the_seeds(results: Results) -> None:
    """One value, compared with each seed alone; its cost is that of all its members."""
    mean = np.mean([answer(right=0.8, seed=seed).probabilities for seed in range(3)], axis=0)
    expected = float((mean.argmax(axis=1) == answer(right=0.8, seed=0).labels).mean())
    row = results.rows[2]
    assert ("ensemble", (expected,), None) == (row.name, row.figures["accuracy"].values, row.figures["accuracy"].sd)
    assert 3 == len(row.differences["accuracy"].values)
    assert 3.0 == row.minutes


def test_words_say_what_is_lower_and_what_is_noise(tmp_path: Path) -> None:
    """A variant that answers as the base does is within noise."""
    folder, plan = StudyFolder(tmp_path), make_plan("train.lr=0.2")
    finish(folder, plan, right={**RIGHT, "train.lr=0.2": 0.8})
    found = measure_study(plan, folder)
    assert found is not None
    told = tell_differences(found)
    assert 4 == len(told)
    assert told[0].startswith("augmentation=off: accuracy ")
    assert " points lower (95%: −" in told[0]
    assert "train.lr=0.2: accuracy within noise: 0.0 points (95%: 0.0 to 0.0)" == told[2]


def test_notes_say_what_the_figures_do_not(results: Results) -> None:
    """Drawn faces, epochs chosen on the same faces, one ensemble; and nothing that does not hold."""
    notes = " ".join(list_notes(results))
    assert [True, True, True] == [text in notes for text in ("Drawn faces", "best epoch was chosen", "One ensemble")]
    assert [False, False, False] == [text in notes for text in ("One seed", "Read on test", "Not finished")]
    missing = replace(results, missing=("base, seed 2",), split="test", same_faces=False)
    assert all(text in " ".join(list_notes(missing)) for text in ("Not finished: base, seed 2", "Read on test", "own"))


def test_what_is_missing_does_not_lose_the_others(tmp_path: Path) -> None:
    """Two of three seeds of the variant are there: the difference is over these two, and the third is named."""
    folder, plan = StudyFolder(tmp_path), make_plan()
    for variant in plan.trained:
        for seed in plan.seeds:
            half = variant.name != "base" and seed == 1
            write_run(folder, plan, variant, seed, answers=None if half else answer(right=0.7, seed=seed))
    found = measure_study(plan, folder)
    assert found is not None
    assert ((0, 2), (0, 1, 2)) == (found.rows[1].paired, found.rows[0].seeds)
    assert ("augmentation=off, seed 1",) == found.missing


def test_without_a_finished_base_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    """No results, rather than results of nothing."""
    assert measure_study(make_plan(), StudyFolder(tmp_path)) is None


@pytest.mark.parametrize("other", [{"ids": np.array(["x"] * FACES)}, {"views": ("plain", "mirror")}])
def test_runs_that_answered_different_questions_are_not_compared(tmp_path: Path, other: dict) -> None:
    """Other faces, or faces shown in another way."""
    folder, plan = StudyFolder(tmp_path), make_plan(seeds=1)
    write_run(folder, plan, plan.variants[0], 0, answers=answer(right=0.7, seed=0))
    write_run(folder, plan, plan.variants[1], 0, answers=replace(answer(right=0.7, seed=0), **other))
    with pytest.raises(RunError, match=r"other faces|different views"):
        measure_study(plan, folder)


def test_results_survive_their_file(results: Results) -> None:
    """Through JSON and back."""
    assert results == read_results(json.loads(json.dumps(results.to_dict())))


def test_results_of_older_files_are_read(results: Results) -> None:
    """They call the value of a difference its mean."""
    told = json.loads(json.dumps(results.to_dict()))
    for row in told["rows"]:
        for entry in row["differences"].values():
            entry["mean"] = entry.pop("value")
    assert '"mean"' in json.dumps(told["rows"][1]["differences"])
    assert results == read_results(told)


def test_markdown_has_a_line_for_each_variant(results: Results) -> None:
    """Of as many cells as the heading."""
    lines = [line for line in render_markdown(results).splitlines() if line.startswith("|")]
    assert 2 + len(results.rows) == len(lines)
    assert {lines[0].count("|")} == {line.count("|") for line in lines}
    assert "synthetic faces" in render_markdown(results)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_picture_names_every_variant(results: Results, tmp_path: Path, kind: str) -> None:
    """Twice the same bytes."""
    first, second = tmp_path / f"first.{kind}", tmp_path / f"second.{kind}"
    for path in (first, second):
        draw_comparison(results, path)
    assert first.read_bytes() == second.read_bytes()
    if kind == "svg":
        words = " ".join(ET.fromstring(first.read_text(encoding="utf-8")).itertext())  # noqa: S314
        assert [] == [row.name for row in results.rows if row.name not in words]
        assert "synthetic faces" in words
    else:
        with Image.open(first) as picture:
            assert picture.width > 1000
