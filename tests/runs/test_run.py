"""Checkpoints: describe themselves, survive bad ends, and never pretend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from conftest import SHAPES, draw_shapes, leave_unmeasured, tiny_recipe
from mien.errors import MienError, RunError
from mien.evaluation.predict import predict_probabilities
from mien.runs.run import WEIGHTS, load_run, load_tensors, save_tensors

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(3)}


def test_tensors_and_facts_come_back_equal(tmp_path: Path) -> None:
    """Zero-dimensional tensors and nested facts included."""
    save_tensors(tmp_path / "x.safetensors", TENSORS, {"epoch": 3, "list": [1.5, None, "ü"]})
    tensors, facts = load_tensors(tmp_path / "x.safetensors")
    assert TENSORS.keys() == tensors.keys()
    assert all(torch.equal(TENSORS[name], tensors[name]) for name in TENSORS)
    assert {"epoch": 3, "list": [1.5, None, "ü"]} == {name: facts[name] for name in ("epoch", "list")}


def test_a_run_is_loaded_from_its_folder_or_its_weights_alone(trained: Path, tmp_path: Path) -> None:
    """The weights file needs nothing beside it."""
    alone = tmp_path / "elsewhere.safetensors"
    alone.write_bytes((trained / WEIGHTS).read_bytes())
    first, second = load_run(trained), load_run(alone)
    assert first.expressions == SHAPES
    assert first.recipe == tiny_recipe()
    assert (first.size, first.synthetic, first.source) == (16, True, "shapes")
    faces = draw_shapes(4, seed=9)
    np.testing.assert_array_equal(
        predict_probabilities(first.network, faces.images), predict_probabilities(second.network, faces.images)
    )


@pytest.mark.parametrize("position", [0.02, 0.5, 0.99])
def test_a_flipped_byte_is_noticed(trained: Path, tmp_path: Path, position: float) -> None:
    """Wherever it is: in the header or in the weights."""
    damaged = bytearray((trained / WEIGHTS).read_bytes())
    damaged[int(position * len(damaged))] ^= 0xFF
    (tmp_path / "bad.safetensors").write_bytes(bytes(damaged))
    with pytest.raises(RunError, match=r"bad\.safetensors"):
        load_run(tmp_path / "bad.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 100, 5000])
def test_a_truncated_checkpoint_is_one_clear_error(trained: Path, tmp_path: Path, keep: int) -> None:
    """However little of it is left."""
    (tmp_path / "short.safetensors").write_bytes((trained / WEIGHTS).read_bytes()[:keep])
    with pytest.raises(RunError, match="corrupt"):
        load_run(tmp_path / "short.safetensors")


def test_a_foreign_safetensors_file_is_named_as_such(tmp_path: Path) -> None:
    """It is no checkpoint of mien, and the message says so."""
    save_file({"w": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(RunError, match="expected a checkpoint of mien"):
        load_run(tmp_path / "foreign.safetensors")


def test_another_format_version_is_named(tmp_path: Path) -> None:
    """A newer mien may write what this one cannot read."""
    save_file(TENSORS, tmp_path / "new.safetensors", metadata={"mien": json.dumps({"format": 99, "checksum": 0})})
    with pytest.raises(RunError, match="expected format 1, found 99"):
        load_run(tmp_path / "new.safetensors")


def test_a_folder_without_weights_says_that_no_epoch_was_finished(tmp_path: Path) -> None:
    """Half a run is not a run."""
    with pytest.raises(RunError, match="no epoch was finished"):
        load_run(tmp_path)


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    """The path stands in the message."""
    with pytest.raises(RunError, match="nowhere: no such run"):
        load_run(tmp_path / "nowhere")


def test_a_full_disk_keeps_the_checkpoint_that_was_there(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the write fails half-way, as it does there."""
    path = tmp_path / "x.safetensors"
    save_tensors(path, TENSORS, {"epoch": 1})
    script = (
        "import resource, sys, torch; from pathlib import Path; from mien.runs.run import save_tensors\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "save_tensors(Path(sys.argv[1]), {'a': torch.zeros(100_000)}, {'epoch': 2})"
    )
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=leave_unmeasured())
    assert "MienError" in done.stderr.splitlines()[-1]
    assert "cannot be written" in done.stderr.splitlines()[-1]
    assert load_tensors(path)[1]["epoch"] == 1
    assert [path] == list(tmp_path.iterdir())


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Not a traceback of the operating system."""
    with pytest.raises(MienError, match="absent"):
        save_tensors(tmp_path / "absent" / "x.safetensors", TENSORS, {})
