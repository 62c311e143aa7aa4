"""A trained network doubts labels of faces that it never saw, and of no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import SHAPES, draw_shapes, tiny_recipe, write_shapes
from mien.auditing.finding import call_roll
from mien.auditing.judge import report_doubts
from mien.data.loading import load
from mien.data.prepare import prepare_splits
from mien.errors import DataError, RunError
from mien.recipes.schema import Recipe
from mien.runs.run import Run, load_run
from mien.training import RunFolder
from mien.training.start import start_run


def train_on(source: Path, folder: Path, recipe: Recipe) -> Run:
    """Return a run that was trained on `source`."""
    start_run(recipe, str(source), RunFolder(folder), options=None)
    return load_run(folder)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return shapes in three splits; two of test stand in the folder of a wrong class, a copy of train does, too."""
    folder = write_shapes(tmp_path_factory.mktemp("data") / "shapes", per_class=32)
    wrong, right = SHAPES[0], SHAPES[2]
    for name in sorted(path.name for path in (folder / "test" / right).iterdir())[:2]:
        (folder / "test" / right / name).rename(folder / "test" / wrong / f"moved-{name}")
    known = next(iter(sorted((folder / "train" / right).iterdir())))
    Image.open(known).save(folder / "test" / wrong / "known.png")
    return folder


@pytest.fixture(scope="module")
def run(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run trained on the shapes."""
    return train_on(source, tmp_path_factory.mktemp("runs") / "run", tiny_recipe("train.epochs=8", "train.lr=0.02"))


def test_moved_faces_are_doubted_and_faces_of_train_never_are(source: Path, run: Run) -> None:
    """Nor is a copy of a face of train, wherever it stands: the network has learnt its label by heart."""
    findings = list(report_doubts(call_roll(load(source)), run, skip_bad=False))
    doubted = {Path(finding.id).name for finding in findings}
    moved = {path.name for path in source.glob("test/*/moved-*")}
    assert 2 == len(moved)
    assert moved & doubted
    assert "known.png" not in doubted
    assert {"valid", "test"} >= {finding.split for finding in findings}
    assert Path(findings[0].id).name in moved
    assert (SHAPES[0], True) == (findings[0].label, findings[0].detail.startswith(SHAPES[2]))


def test_a_valid_split_that_was_held_out_is_judged(source: Path, tmp_path: Path) -> None:
    """It stands in train of the data, but the network was not trained on it."""
    recipe = tiny_recipe("data.valid_fraction=0.5", "train.epochs=1")
    held = train_on(source, tmp_path / "run", recipe)
    splits = load(source)
    assert splits.train is not None
    turned = replace(splits, train=replace(splits.train, labels=(splits.train.labels + 1) % 3))
    findings = list(report_doubts(call_roll(turned), held, skip_bad=False))
    held_out = prepare_splits(str(source), recipe.data, seed=0).valid
    assert held_out is not None
    judged = {finding.id for finding in findings if finding.split == "train"}
    assert judged
    assert judged <= set(held_out.ids.tolist())


def test_a_run_whose_data_has_gone_cannot_judge(source: Path, run: Run) -> None:
    """Where it did not write down its faces, nobody knows which it has seen."""
    with pytest.raises(RunError, match=r"expected the data that it was trained on, to leave it out: .*gone.*not exist"):
        list(report_doubts(call_roll(load(source)), replace(run, source="gone", seen=None), skip_bad=False))


def test_a_run_knows_what_it_was_trained_on_without_the_data(source: Path, run: Run) -> None:
    """Its folder holds the digests of the faces, so that the answers are the same."""
    expected, found = (
        [finding.id for finding in report_doubts(call_roll(load(source)), one, skip_bad=False)]
        for one in (run, replace(run, source="gone"))
    )
    assert expected == found


def test_a_run_cannot_judge_what_it_was_trained_on(source: Path, run: Run) -> None:
    """One line, instead of an empty answer."""
    train_alone = replace(load(source / "train"), source=str(source / "train"))
    with pytest.raises(DataError, match=r"expected labelled faces that .* was not trained on, found none"):
        list(report_doubts(call_roll(train_alone), run, skip_bad=False))


def test_other_data_is_judged_whole(run: Run, tmp_path: Path) -> None:
    """No face of it stands in train of the run."""
    faces = draw_shapes(6, seed=9)
    for index, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        target = tmp_path / "other" / SHAPES[(label + 1) % 3] / f"{index}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(target)
    findings = list(report_doubts(call_roll(load(tmp_path / "other")), run, skip_bad=False))
    assert {"train"} == {finding.split for finding in findings}
    assert (np.diff([finding.score for finding in findings]) <= 0).all()
