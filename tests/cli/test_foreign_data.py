"""Data of other people's making on the command line: what is said, trained on and measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import run_mien
from mien.labels import EXPRESSIONS
from mien.synthetic import draw_faces

CLASSES = (*EXPRESSIONS, "contempt")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of eight classes, three drawn faces each."""
    root = tmp_path_factory.mktemp("eight")
    for name in CLASSES:
        drawn = draw_faces(["neutral" if name == "contempt" else name] * 3, np.random.default_rng(len(name)), size=48)
        (root / name).mkdir()
        for index, face in enumerate(drawn):
            Image.fromarray(face).save(root / name / f"{index}.png")
    return root


def test_the_network_that_ships_is_measured_on_anybodys_faces(faces: Path, tmp_path: Path) -> None:
    """Labels are matched by name; classes that it does not know are left out on demand, with their number."""
    refused = run_mien("evaluate", "bundled", "--data", faces, cwd=tmp_path)
    assert (2, True) == (refused.status, "found contempt that the run does not know" in refused.err)
    assert "--known-only" in refused.err
    done = run_mien("evaluate", "bundled", "--data", faces, "--known-only", cwd=tmp_path)
    assert (0, "") == (done.status, done.err)
    assert "n = 21" in done.out
    assert "train: 3 of 24 faces left out, of classes that the run does not know: contempt" in done.out
    assert ["evaluation.json"] == [
        path.name for path in (tmp_path / "evaluation-bundled").glob("train-*/evaluation.json")
    ]


def test_the_network_that_ships_needs_data(tmp_path: Path) -> None:
    """It has none of its own beside it."""
    refused = run_mien("evaluate", "bundled", cwd=tmp_path)
    assert (2, "give --data FACES") == (refused.status, refused.err.strip()[-17:])


def test_classes_are_named_in_data_and_in_training(tmp_path: Path) -> None:
    """`mien data` shows the warning that `mien train` repeats; with --classes both know the names."""
    rng = np.random.default_rng(0)
    for number in range(2):
        (tmp_path / "faces" / str(number)).mkdir(parents=True)
        for index in range(8):
            face = rng.integers(0, 256, (16, 16)).astype(np.uint8)
            Image.fromarray(face).save(tmp_path / "faces" / str(number) / f"{index}.png")
    shown = run_mien("data", tmp_path / "faces", "--no-cache")
    assert "classes that are numbers (0, 1) stay numbers" in shown.out
    options = ("--recipe", "quick", "--set", "train.epochs=1", "--set", "train.batch_size=4")
    bare = run_mien("train", "--data", tmp_path / "faces", *options, "--out", tmp_path / "bare")
    assert (0, True) == (bare.status, "classes that are numbers (0, 1) stay numbers" in bare.err + bare.out)
    named = run_mien(
        "train", "--data", tmp_path / "faces", *options, "--classes", "sad,happy", "--out", tmp_path / "run"
    )
    assert (0, False) == (named.status, "stay numbers" in named.err + named.out)
    measured = run_mien("evaluate", tmp_path / "run", "--split", "valid")
    assert (0, True, True) == (measured.status, "happy" in measured.out, "sad" in measured.out)
