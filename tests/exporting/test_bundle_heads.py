"""The files that ship, made from a run with heads; and the commands that lead there from random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from benchmarks.bundle import bundle
from benchmarks.networks import TRAININGS, list_commands, make_networks

from mien import Recogniser
from mien.recipes.heads import HEADS
from mien.runs.run import load_run


def test_both_files_hold_every_head_and_no_path(trained_heads: Path, tmp_path: Path) -> None:
    """Eight bits answer as half precision does, nearly; a third of valid is looked at twice by the data's labels."""
    bundle(trained_heads / "run", tmp_path, ("plain",), mirrored=0.3)
    run = load_run(tmp_path / "model.safetensors")
    assert tuple(HEADS) == run.heads
    assert {f"{name}-plain" for name in HEADS} == set(run.temperatures)
    assert str(trained_heads) not in (tmp_path / "mien.onnx").read_bytes().decode("latin-1")
    recogniser = Recogniser(tmp_path / "mien.onnx")
    assert ("int8", True) == (recogniser.card["precision"], "mirror_below" not in recogniser.card)
    assert 0.0 < Recogniser(tmp_path / "mien.onnx", labels="fer2013").card["mirror_below"] < 1.0
    probabilities = recogniser.predict(np.zeros((1, 16, 16), np.uint8))
    np.testing.assert_allclose(1.0, probabilities.sum(), atol=1e-5)


def test_what_is_finished_is_left_out_and_what_was_stopped_goes_on(tmp_path: Path) -> None:
    """Three states of the first training: not begun, stopped, finished."""
    folder = tmp_path / TRAININGS[0].name

    def first() -> list[str]:
        return list_commands(Path("fer2013.csv"), Path("fer2013new.csv"), tmp_path, 3)[0]

    assert ["mien", "train", "--data", "fer2013.csv"] == first()[:4]
    assert "--seed 3" in " ".join(first())
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "last.safetensors").touch()
    assert ["mien", "train", "--resume", str(folder)] == first()
    (folder / "run.json").write_text(json.dumps({"outcome": {"stopped": "done"}}))
    assert len(TRAININGS) > 1 or first()[0] == "benchmarks.bundle"


def test_commands_run_in_order(tmp_path: Path) -> None:
    """Each is told and then done; the last makes the files."""
    done: list[list[str]] = []
    commands = list_commands(Path("a.csv"), Path("b.csv"), tmp_path, 0)
    make_networks(commands, done.append)
    assert commands == done
    assert "benchmarks.bundle" == done[-1][0]


def test_the_files_are_made_with_the_data_and_the_photographs_that_are_named(tmp_path: Path) -> None:
    """They teach what is no face; without photographs that is left out."""
    data = (Path("a.csv"), Path("b.csv"), tmp_path, 0)
    assert ["--data", "a.csv", "--votes", "b.csv"] == list_commands(*data)[-1][3:]
    assert ["--photographs", "photos"] == list_commands(*data, Path("photos"))[-1][-2:]
