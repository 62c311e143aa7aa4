"""`mien train` as a user meets it: real processes, killed for real, on real files."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conftest import ROOT, run_mien, stop_mien, write_shapes
from mien.runs.run import load_run, load_tensors
from mien.training import RunFolder

TINY = ("--recipe", "quick", "--set", "train.batch_size=16", "--set", "train.epochs=12")
EVERY_STEP = (*TINY, "--checkpoint-minutes", 0)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of small pictures that every test of this file trains on."""
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes", per_class=24)


@pytest.fixture(scope="module")
def whole(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "run"
    result = run_mien("train", "--data", shapes, *TINY, "--out", out)
    assert result.status == 0, result.err
    return out


def assert_same_weights(first: Path, second: Path) -> None:
    """Fail unless two runs hold the same bits: kept weights, and everything in the newest checkpoint."""
    for a, b in (
        (RunFolder(first).weights, RunFolder(second).weights),
        (RunFolder(first).last, RunFolder(second).last),
    ):
        expected, found = load_tensors(a)[0], load_tensors(b)[0]
        assert expected.keys() == found.keys()
        assert [] == [name for name in expected if not torch.equal(expected[name], found[name])]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a limit on memory is set as Linux does it")
def test_too_little_memory_is_one_line_that_says_what_helps(shapes: Path, tmp_path: Path) -> None:
    """Faces whose first maps take 1 GB each, where 4 GB may be had."""
    large = ("--set", "data.size=512", "--set", "model.name=resnet9", "--set", "train.batch_size=64")
    words = ("train", "--data", shapes, *TINY, "--device", "cpu", *large, "--out", tmp_path / "run")
    command = f"ulimit -v 4000000; exec {shlex.join([sys.executable, '-m', 'mien', *map(str, words)])}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert 2 == done.returncode
    last = done.stderr.splitlines()[-1]
    assert last.startswith("mien: expected enough memory, found too little: take smaller batches")
    assert "Traceback" not in done.stderr


def test_a_finished_run_holds_the_temperature_of_its_probabilities(whole: Path) -> None:
    """Fitted on valid when training ends; every later prediction is scaled by it."""
    assert {"plain"} == set(load_run(whole).temperatures)


def test_a_run_folder_holds_what_the_readme_promises(whole: Path) -> None:
    """Facts, history, pictures, weights, and the way to go on."""
    found = {path.name for path in whole.iterdir()}
    assert {"run.json", "history.jsonl", "curves.svg", "curves.png", "model.safetensors", "checkpoints"} <= found
    facts = json.loads((whole / "run.json").read_text())
    assert facts["outcome"]["stopped"] == "all 12 epochs done"
    assert facts["expressions"] == ["bottom", "middle", "top"]
    assert {"mien", "torch", "python"} <= facts["versions"].keys()


def test_plain_lines_are_printed_where_there_is_no_terminal(shapes: Path, tmp_path: Path) -> None:
    """One line an epoch with loss, accuracy and time left; the last lines say what to do next."""
    result = run_mien("train", "--data", shapes, *TINY, "--set", "train.epochs=2", "--out", tmp_path / "run")
    epochs = [line for line in result.out.splitlines() if line.startswith("epoch")]
    assert len(epochs) == 2
    scores = r"loss \d+\.\d{3} accuracy \d\.\d{3}"
    assert re.fullmatch(rf"epoch 1/2  train {scores}  valid {scores}  \d+:\d\d  \d+:\d\d left", epochs[0])
    assert f"mien evaluate {tmp_path / 'run'}" in result.out.splitlines()[-1]


POINTS = (
    "step 1",  # nothing is saved yet
    "half 1",  # in the middle of the first checkpoint
    "rename 1 last.safetensors",  # it is whole and has no name
    "rename 1 history.jsonl",  # the checkpoint is there, the history is not
    "step 3",  # between two checkpoints, in the middle of an epoch
    "link 1",  # before the newest checkpoint is kept as the one before
    "rename 1 previous.safetensors",
    "half 3",
    "rename 2 last.safetensors",  # `previous` is what `last` is
    "rename 1 model.safetensors",  # after an epoch, before its weights are there
    "sync 6",
    "rename 2 history.jsonl",
)


@pytest.mark.slow
def test_a_run_killed_at_every_kind_of_point_ends_with_the_same_bits(shapes: Path, whole: Path, tmp_path: Path) -> None:
    """SIGKILL gives no chance to clean up: at a step, in the middle of a write, between a write and its name."""
    out = tmp_path / "run"
    arguments: tuple[object, ...] = ("train", "--data", shapes, *EVERY_STEP, "--out", out)
    for point in POINTS:
        killed = stop_mien(signal.SIGKILL, point, *arguments)
        assert -signal.SIGKILL == killed.status, f"{point}: {killed.err}"
        if RunFolder(out).last.exists():
            arguments = ("train", "--resume", out, "--checkpoint-minutes", 0)
    assert "--resume" in arguments
    rest = run_mien(*arguments)
    assert 0 == rest.status, rest.err
    assert_same_weights(whole, out)
    history = (out / "history.jsonl").read_text().splitlines()
    assert list(range(1, 13)) == [json.loads(line)["epoch"] for line in history]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_says_how_to_resume(shapes: Path, whole: Path, tmp_path: Path, number: signal.Signals) -> None:
    """And what it says works."""
    stopped = stop_mien(number, "step 6", "train", "--data", shapes, *TINY, "--out", tmp_path / "run")
    assert 130 == stopped.status
    command = re.search(r"go on with +(mien train --resume .*)$", stopped.err)
    assert command is not None
    assert run_mien(*command[1].split()[1:]).status == 0
    assert_same_weights(whole, tmp_path / "run")


def test_a_finished_run_has_nothing_to_resume(whole: Path) -> None:
    """It says so instead of training once more."""
    result = run_mien("train", "--resume", whole)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "this run has finished (all 12 epochs done): nothing to resume" in result.err


def test_a_run_is_never_overwritten(shapes: Path, whole: Path) -> None:
    """The message gives both ways out."""
    result = run_mien("train", "--data", shapes, *TINY, "--out", whole)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "--resume" in result.err
    assert "another --out" in result.err


def test_resuming_on_other_data_is_refused(tmp_path: Path) -> None:
    """The weights would be those of neither."""
    data = write_shapes(tmp_path / "data", per_class=8)
    killed = stop_mien(signal.SIGKILL, "step 3", "train", "--data", data, *EVERY_STEP, "--out", tmp_path / "run")
    assert -signal.SIGKILL == killed.status
    next(data.glob("train/top/*.png")).unlink()
    result = run_mien("train", "--resume", tmp_path / "run")
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "train is not what" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "x", "--recipe", "smal"), "did you mean small?"),
        (("--out", "x", "--set", "train.lrr=1"), "did you mean train.lr?"),
        (("--out", "x", "--set", "train.optimizer=adm"), "expected one of sgd, adamw"),
        (("--out", "x", "--precision", "fp8"), "expected one of no, bf16, fp16"),
        (("--out", "x", "--data", "nowhere.csv"), "nowhere.csv"),
        (("--out", "x", "--set", "model.name=smal"), "did you mean small?"),
        (("--out", "x", "--set", "data.size=50"), "a multiple of 8"),
        (("--out", "x", "--device", "tpu"), "--device tpu"),
        ((), "--out"),
        (("--out", "x", "--resume", "y"), "--resume"),
        (("--resume", "nowhere"), "nowhere"),
        (("--resume", "x", "--set", "train.lr=1"), "leave out train.lr=1"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_left_behind(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Exit status 2, no traceback, no folder."""
    result = run_mien("train", *arguments, cwd=tmp_path)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert message in result.err
    assert [] == list(tmp_path.iterdir())


def test_a_folder_of_two_classes_trains_and_keeps_their_names(tmp_path: Path) -> None:
    """Other class sets than the seven are welcome; without a valid split, 12 % are held out."""
    data = write_shapes(tmp_path / "data", per_class=40, splits=("all",)) / "all"
    for picture in (data / "middle").iterdir():
        picture.unlink()
    (data / "middle").rmdir()
    result = run_mien("train", "--data", data, *TINY, "--set", "train.epochs=4", "--out", tmp_path / "run")
    assert result.status == 0, result.err
    assert load_run(tmp_path / "run").expressions == ("bottom", "top")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["faces"] == {"train": 70, "valid": 10}


@pytest.mark.slow
def test_what_make_demo_trains_is_well_above_chance(tmp_path: Path) -> None:
    """The recipe `quick` on the synthetic faces, trained and evaluated as `make demo` does it."""
    assert run_mien("train", "--recipe", "quick", "--out", tmp_path / "run", cwd=ROOT).status == 0
    result = run_mien("evaluate", tmp_path / "run")
    assert "synthetic" in result.out
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text())["scores"]["accuracy"] > 0.8
