"""Data that has moved or changed since training, as a user meets it; and run folders that are locked or damaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from conftest import Result, run_mien, tiny_recipe, write_shapes
from mien.errors import Interrupted, RunError
from mien.files import lock_folder
from mien.runs.run import WEIGHTS, load_tensors
from mien.training import RunFolder
from mien.training.loop import Options
from mien.training.start import resume_run, start_run

TINY = ("--recipe", "quick", "--set", "train.batch_size=16", "--set", "train.epochs=1", "--set", "augment.shift=0.1")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return class folders without a test split."""
    return write_shapes(tmp_path, per_class=12, splits=("data",)) / "data"


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Path:
    """Return a run on them."""
    start_run(tiny_recipe("train.epochs=1"), str(data), RunFolder(tmp_path / "run"))
    return tmp_path / "run"


@pytest.fixture
def stopped(data: Path, tmp_path: Path) -> Path:
    """Return a run that was stopped after its first epoch."""
    with pytest.raises(Interrupted):
        start_run(tiny_recipe(), str(data), RunFolder(tmp_path / "run"), options=Options(should_stop=lambda: True))
    return tmp_path / "run"


def assert_refused(result: Result, message: str) -> None:
    """Fail unless a command ended in one line that holds the message."""
    assert (2, 1) == (result.status, result.err.count("\n")), result.err
    assert message in result.err


def add_picture(data: Path) -> None:
    """Put one more picture into the data: another one, turned upside down."""
    from PIL import Image, ImageOps

    first = min((data / "top").iterdir())
    ImageOps.flip(Image.open(first)).save(data / "top" / "0-more.png")


def test_the_next_command_that_training_prints_works(data: Path, tmp_path: Path) -> None:
    """Data without test is measured on valid."""
    result = run_mien("train", "--data", data, *TINY, "--out", tmp_path / "run")
    command = result.out.splitlines()[-1].removeprefix("next: mien ").split()
    assert ["evaluate", str(tmp_path / "run"), "--split", "valid"] == command
    assert 0 == run_mien(*command).status


def test_one_picture_more_is_told_and_valid_stays(data: Path, run: Path) -> None:
    """Before, valid was drawn anew, and most of it had been trained on."""
    add_picture(data)
    result = run_mien("evaluate", run, "--split", "valid")
    assert 0 == result.status, result.err
    assert "1 picture more, 0 less than when" in " ".join(result.out.split())
    held = json.loads((run / "valid" / "evaluation.json").read_text())
    assert (4, 0) == (held["n"], held["copies_in_train_or_valid"])
    assert "valid is the 4 of 4 faces" in held["about_data"]


def test_a_run_of_before_is_refused_valid_of_changed_data(data: Path, run: Path) -> None:
    """It cannot know which faces it held out."""
    (run / "faces.npy").unlink()
    assert 0 == run_mien("evaluate", run, "--split", "valid").status
    add_picture(data)
    assert_refused(run_mien("evaluate", run, "--split", "valid"), "did not keep which faces it held out")


def test_a_run_goes_on_with_data_that_has_moved(data: Path, stopped: Path, tmp_path: Path) -> None:
    """The faces of then are found among others, and the bits are those of an uninterrupted run."""
    start_run(tiny_recipe(), str(data), RunFolder(tmp_path / "whole"))
    moved = data.rename(tmp_path / "moved")
    add_picture(moved)
    assert_refused(run_mien("train", "--resume", stopped), "does not exist")
    result = run_mien("train", "--resume", stopped, "--data", moved)
    assert 0 == result.status, result.err
    assert str(moved) == json.loads((stopped / "run.json").read_text())["source"]
    whole, found = (load_tensors(folder / WEIGHTS)[0] for folder in (tmp_path / "whole", stopped))
    assert all(whole[name].equal(found[name]) for name in whole)


def test_data_that_lacks_the_faces_of_a_run_is_refused(stopped: Path, tmp_path: Path) -> None:
    """--data beside --resume is never ignored."""
    other = write_shapes(tmp_path / "other", per_class=8, splits=("data", "more")) / "more"
    assert_refused(run_mien("train", "--resume", stopped, "--data", other), "train is not what")


def test_moved_data_is_measured_as_the_run_s_own(data: Path, run: Path, tmp_path: Path) -> None:
    """What was held out there is known by its pixels."""
    moved = data.rename(tmp_path / "moved")
    result = run_mien("evaluate", run, "--data", moved, "--split", "valid")
    assert 0 == result.status, result.err
    assert 4 == json.loads((run / "valid" / "evaluation.json").read_text())["n"]


def test_two_trainings_cannot_work_in_one_folder(data: Path, stopped: Path, tmp_path: Path) -> None:
    """Neither a new one nor one that goes on."""
    with RunFolder(stopped).lock():
        assert_refused(run_mien("train", "--resume", stopped), "another mien train is at work here")
    with RunFolder(tmp_path / "new").lock():
        words = ("train", "--data", data, *TINY, "--out", tmp_path / "new")
        assert_refused(run_mien(*words), "another mien train is at work here")


def test_a_lock_ends_with_its_block(tmp_path: Path) -> None:
    """The folder is free again."""
    with lock_folder(tmp_path, "taken"), pytest.raises(RunError, match="taken"), lock_folder(tmp_path, "taken"):
        pass
    with lock_folder(tmp_path, "taken"):
        pass


@pytest.mark.parametrize("text", ["[]", "{}", "3", '{"recipe": [], "source": "x", "expressions": [], "outcome": 1}'])
def test_a_damaged_run_json_is_one_line(stopped: Path, text: str) -> None:
    """It is named, with what is wrong."""
    (stopped / "run.json").write_text(text)
    assert_refused(run_mien("train", "--resume", stopped), "expected the facts of a run, found a damaged file")


def test_weights_without_a_checksum_are_one_line(run: Path) -> None:
    """A file that another program wrote over."""
    from safetensors.torch import save_file

    tensors, facts = load_tensors(run / WEIGHTS)
    del facts["checksum"]
    save_file(tensors, run / WEIGHTS, metadata={"mien": json.dumps(facts)})
    assert_refused(run_mien("evaluate", run), "without its checksum")


def test_a_checkpoint_is_copied_where_hard_links_are_missing(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on exFAT and many network mounts: the one before stays, and training goes on."""

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    before = RunFolder(stopped).last.read_bytes()
    with pytest.raises(Interrupted):
        resume_run(RunFolder(stopped), options=Options(should_stop=lambda: True))
    assert before == RunFolder(stopped).previous.read_bytes()


def test_a_study_that_starts_from_a_run_is_finished(data: Path, run: Path, tmp_path: Path) -> None:
    """Its runs are recognised as its own, although the path of the run was written out."""
    changes = (part for change in TINY[3::2] for part in ("--set", change))
    words = ("compare", "--data", data, "--recipe", "quick", *changes, "--set", f"train.start_from={run.name}")
    for _ in range(2):
        result = run_mien(*words, "--seeds", 1, "--vary", "train.lr=0.01", "-o", "study", cwd=tmp_path)
        assert 0 == result.status, result.err


def test_an_ensemble_picks_on_faces_that_no_member_was_trained_on(data: Path, run: Path, tmp_path: Path) -> None:
    """It tells what has changed, and keeps what its members have seen together."""
    shutil.copytree(run, tmp_path / "second")
    add_picture(data)
    result = run_mien("ensemble", run, tmp_path / "second", "-o", tmp_path / "joined")
    assert 0 == result.status, result.err
    assert "valid is the 4 of 4 faces that were held out then" in result.err
    assert (run / "faces.npy").read_bytes() == (tmp_path / "joined" / "faces.npy").read_bytes()
    assert "--split valid" in result.out.splitlines()[-1]


def test_a_study_that_goes_on_does_not_ignore_other_data(data: Path, tmp_path: Path) -> None:
    """It says so instead."""
    assert_refused(run_mien("compare", "--resume", tmp_path / "study", "--data", data), "leave out --data")
