"""`mien train` as a user meets it: real processes, killed for real, on real files."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from conftest import ROOT, run_mien, write_shapes
from mien.checkpoint import load_run, load_tensors
from mien.train import RunFolder

TINY = ("--recipe", "quick", "--set", "train.batch_size=16", "--set", "train.epochs=12", "--checkpoint-minutes", 0.002)


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


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start `mien` in a process that the test may kill."""
    command = [sys.executable, "-m", "mien", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy())


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
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=240)
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


@pytest.mark.slow
def test_a_run_killed_ten_times_at_random_ends_with_the_same_bits(shapes: Path, whole: Path, tmp_path: Path) -> None:
    """SIGKILL gives no chance to clean up; the moments are drawn from a seed, some of them in the middle of a write."""
    out, rng = tmp_path / "run", random.Random(7)
    arguments: tuple[object, ...] = ("train", "--data", shapes, *TINY, "--out", out)
    kills = 0
    for _ in range(40):
        process = start(*arguments)
        deadline = time.monotonic() + 60
        before = _newest(out)
        while process.poll() is None and _newest(out) == before and time.monotonic() < deadline:
            time.sleep(0.002)  # until it has saved something: importing torch takes longer than training
        time.sleep(rng.uniform(0.0, 0.12))
        if process.poll() is None and kills < 10:
            process.send_signal(signal.SIGKILL)
            kills += 1
        _, err = process.communicate()
        if (out / "checkpoints" / "last.safetensors").exists():
            arguments = ("train", "--resume", out, "--checkpoint-minutes", 0.002)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, err
    assert kills == 10
    assert_same_weights(whole, out)
    assert len((out / "history.jsonl").read_text().splitlines()) == 12


def _newest(out: Path) -> float:
    last = out / "checkpoints" / "last.safetensors"
    try:
        return last.stat().st_mtime_ns
    except FileNotFoundError:
        return 0.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_says_how_to_resume(shapes: Path, whole: Path, tmp_path: Path, number: signal.Signals) -> None:
    """And what it says works."""
    out = tmp_path / "run"
    process = start("train", "--data", shapes, *TINY, "--out", out)
    while _newest(out) == 0.0:
        time.sleep(0.002)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    command = re.search(r"go on with +(mien train --resume .*)$", err)
    assert command is not None
    assert run_mien(*command[1].split()[1:]).status == 0
    assert_same_weights(whole, out)


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
    process = start("train", "--data", data, *TINY, "--set", "train.epochs=500", "--out", tmp_path / "run")
    while _newest(tmp_path / "run") == 0.0:
        time.sleep(0.005)
    process.kill()
    process.communicate()
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
def test_make_demo_is_as_quick_as_promised(tmp_path: Path) -> None:
    """The recipe `quick` on the synthetic faces: trained and evaluated within 90 s on two cores, well above chance."""
    started = time.monotonic()
    assert run_mien("train", "--recipe", "quick", "--out", tmp_path / "run", cwd=ROOT).status == 0
    result = run_mien("evaluate", tmp_path / "run")
    seconds = time.monotonic() - started
    assert "synthetic" in result.out
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text())["scores"]["accuracy"] > 0.8
    limit = 90 * (2 if "PYTEST_XDIST_WORKER" in os.environ else 1)  # a neighbour test has the other core
    assert seconds < limit
