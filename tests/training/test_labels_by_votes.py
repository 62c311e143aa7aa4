"""A training on FER+ votes and on a clean list, from the command to the record of the run and its evaluation."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import draw_shapes, tiny_recipe
from mien.cli import main
from mien.faces import Faces
from mien.training.engine import Engine
from voted import write_data

TINY = ("--set", "train.batch_size=16", "--set", "train.epochs=2", "--device", "cpu")


def take_step(faces: Faces) -> dict[str, torch.Tensor]:
    """Return all tensors after one step on `faces`."""
    engine = Engine(tiny_recipe("train.class_weights=inverse"), faces, classes=3, device="cpu")
    engine.step(np.arange(16), rate=0.1, epoch=1, step=0, total=0, side=faces.images.shape[1])
    return engine.tensors()


def test_targets_that_are_certain_train_as_labels_do() -> None:
    """Bit for bit nearly: the weights after a step are the same to six digits."""
    faces = draw_shapes(8)
    certain = np.eye(3, dtype=np.float32)[faces.labels]
    by_labels, by_targets = take_step(faces), take_step(Faces(**{**_fields(faces), "targets": certain}))
    for name, value in by_labels.items():
        torch.testing.assert_close(value, by_targets[name], rtol=1e-5, atol=1e-6)


def test_targets_that_are_unsure_train_otherwise() -> None:
    """They reach the loss."""
    faces = draw_shapes(8)
    unsure = np.full((24, 3), 1 / 3, dtype=np.float32)
    by_labels, by_targets = take_step(faces), take_step(Faces(**{**_fields(faces), "targets": unsure}))
    assert any(not torch.equal(value, by_targets[name]) for name, value in by_labels.items())


def _fields(faces: Faces) -> dict[str, np.ndarray]:
    return {"images": faces.images, "labels": faces.labels, "ids": faces.ids}


def test_a_run_by_votes_on_a_clean_list_says_so_and_is_measured_by_majority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its record names labels, votes and list; `--labels own` measures it by the data's labels in another folder."""
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    own = ("--labels", "ferplus", "--votes", "fer2013new.csv", "--only", "clean.txt")
    call(monkeypatch, "train", "--data", "fer2013.csv", "--recipe", "quick", "--out", "run", *own, *TINY)
    record = json.loads(Path("run/run.json").read_text())
    assert ("ferplus", str(tmp_path / "fer2013new.csv")) == (record["labels"], record["recipe"]["data"]["votes"])
    assert str(tmp_path / "clean.txt") == record["recipe"]["data"]["only"]
    assert {"train": 30, "valid": 12, "test": 12} == record["faces"]
    assert any("clean.txt does not name" in line for line in record["warnings"])
    call(monkeypatch, "evaluate", "run")
    call(monkeypatch, "evaluate", "run", "--labels", "own")
    assert "Labels: the majority of FER+ votes (ferplus)" in capsys.readouterr().out
    by_votes, by_own = (json.loads(Path("run", name, "evaluation.json").read_text()) for name in ("", "test-by-own"))
    assert ("ferplus", "own") == (by_votes["labelled_by"], by_own["labelled_by"])
    assert (12, 0) == (by_votes["n"], by_votes["copies_in_train_or_valid"])


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run a command of mien to its good end."""
    monkeypatch.setattr(sys, "argv", ["mien", *arguments])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code in (None, 0)
