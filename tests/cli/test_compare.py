"""`mien compare`, as a user meets it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from conftest import run_mien, wait_until, write_shapes
from mien.cli import main
from mien.errors import RunError
from mien.studies import StudyFolder

TINY = ("--recipe", "quick", "--set", "train.batch_size=16", "--set", "train.epochs=6", "--device", "cpu")
FILES = {"study.json", "study.md", "comparison.svg", "comparison.png"}

Mien = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mien:
    """Return a function that runs a command in this process: status, output, errors."""

    def run_here(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["mien", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "100")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            main()
        captured = capsys.readouterr()
        return int(ending.value.code or 0), captured.out, captured.err

    return run_here


def start_study(*arguments: object, pause: Path, mark: Path) -> subprocess.Popen[str]:
    """Start `mien compare`; return when a run is about to write `pause`, where it waits until it is told to stop."""
    command = [sys.executable, "-m", "mien", "compare", *map(str, arguments)]
    path = os.pathsep.join(
        filter(None, (str(Path(__file__).parents[1] / "studies" / "paused"), os.environ.get("PYTHONPATH")))
    )
    environment = {**os.environ, "PYTHONPATH": path, "PAUSE_BEFORE": str(pause), "PAUSED": str(mark)}
    study = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    wait_until(mark.exists, study)
    return study


def count_epochs(run: Path) -> int:
    """Return the epochs in the history of a run."""
    history = run / "history.jsonl"
    return len(history.read_text().splitlines()) if history.exists() else 0


def is_free(folder: StudyFolder) -> bool:
    """Tell whether no process of the study is left."""
    with suppress(RunError), folder.lock():
        return True
    return False


@pytest.mark.slow
def test_a_study_that_was_killed_and_then_interrupted_goes_on_to_its_end(tmp_path: Path) -> None:
    """SIGKILL leaves no run behind; Ctrl-C saves and says how to go on; what is finished is not trained again."""
    data, folder = write_shapes(tmp_path / "shapes", per_class=24), StudyFolder(tmp_path / "study")
    base, off = (folder.run(name, 0) for name in ("base", "augmentation=off"))
    study = start_study(
        *("--data", data, *TINY, "--vary", "augmentation", "--seeds", 1, "-o", folder.path),
        pause=base / "history.jsonl",
        mark=tmp_path / "first",
    )
    study.send_signal(signal.SIGKILL)
    study.communicate()
    wait_until(lambda: is_free(folder))
    assert 0 < count_epochs(base) < 6

    study = start_study("--resume", folder.path, pause=off / "history.jsonl", mark=tmp_path / "second")
    study.send_signal(signal.SIGINT)
    _, errors = study.communicate()
    assert 130 == study.returncode
    assert f"1 of 2 runs finished; everything is saved: go on with mien compare --resume {folder.path}" in errors
    assert is_free(folder)
    finished = (base / "run.json").stat().st_mtime_ns

    result = run_mien("compare", "--resume", folder.path)
    assert (0, "") == (result.status, result.err)
    assert finished == (base / "run.json").stat().st_mtime_ns
    assert [6, 6] == [count_epochs(run) for run in (base, off)]
    facts = json.loads(folder.facts.read_text())
    assert ["base", "augmentation=off"] == [row["name"] for row in facts["results"]["rows"]]
    assert {path.name for path in folder.path.iterdir()} >= FILES
    for expected in ("1 there already", "What each change brings", "One seed", *map(str, FILES)):
        assert expected in result.out


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Return the data and the folder of a study whose only kind of run cannot be trained, and what was told."""
    parent = tmp_path_factory.mktemp("failed")
    data = write_shapes(parent / "shapes", per_class=4)
    options = ("--recipe", "quick", "--set", "model.name=smal", "--vary", "train.lr=0.2", "--seeds", 1)
    result = run_mien("compare", "--data", data, *options, "-o", parent / "study")
    assert 2 == result.status
    return data, parent / "study", result.err


def test_runs_that_fail_are_told_in_one_line(failed: tuple[Path, Path, str]) -> None:
    """With the reason of the run itself."""
    _, folder, errors = failed
    assert 1 == errors.count("\n")
    assert f"{folder}: no run of the base to compare with (base, seed 0: " in errors
    assert "smal" in errors


def test_the_folder_of_another_study_is_left_alone(failed: tuple[Path, Path, str], mien: Mien) -> None:
    """What differs is named."""
    data, folder, _ = failed
    status, _, errors = mien("compare", "--data", data, "--recipe", "small", "--vary", "sampling", "-o", folder)
    assert (2, 1) == (status, errors.count("\n"))
    assert f"{folder}: holds another study (recipe quick, not small): choose another -o" in errors


def test_a_study_whose_data_has_changed_does_not_go_on(failed: tuple[Path, Path, str], mien: Mien) -> None:
    """One face less is enough."""
    data, folder, _ = failed
    face = min((data / "train" / "top").iterdir())
    shutil.move(face, folder.parent / "face.png")
    status, _, errors = mien("compare", "--resume", folder)
    shutil.move(folder.parent / "face.png", face)
    assert (2, 1) == (status, errors.count("\n"))
    assert "the faces are not those that" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--vary", "augmentation"), "give -o FOLDER for a study, or --resume FOLDER"),
        (("-o", "new"), "an empty study: say what varies"),
        (("--vary", "augmentatio", "-o", "new"), "did you mean augmentation?"),
        (("--vary", "augmentation", "--recipe", "smal", "-o", "new"), "did you mean small?"),
        (("--vary", "augmentation", "--split", "train", "-o", "new"), "--split train: expected valid or test"),
        (("--vary", "augmentation", "--data", "nowhere.csv", "-o", "new"), "nowhere.csv: expected a file or folder"),
        (("--vary", "augmentation", "--data", "", "-o", "new"), "data: expected a path, found an empty one"),
        (("--vary", "augmentation", "--seeds", "0", "-o", "new"), "--seeds"),
        (("--resume", "nowhere"), "nowhere: expected the folder of a study with study.json, found none"),
        (("--resume", "nowhere", "--vary", "sampling"), "leave out --vary, --set and --grid"),
    ],
)
def test_bad_input_is_one_clear_line_and_leaves_nothing(
    arguments: tuple[str, ...], message: str, mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 2, before anything is trained."""
    monkeypatch.chdir(tmp_path)
    status, _, errors = mien("compare", *arguments)
    assert (2, 1) == (status, errors.count("\n"))
    assert message in errors
    assert [] == [path for path in tmp_path.iterdir() if path.name == "new"]


def test_seeds_that_hold_out_faces_of_their_own_make_no_ensemble(mien: Mien, tmp_path: Path) -> None:
    """Their networks have trained on each other's valid faces."""
    data = write_shapes(tmp_path / "shapes", per_class=8)
    options = ("--vary", "ensemble", "--set", "data.valid_fraction=0.2", "--seeds", 2, "-o", tmp_path / "study")
    status, _, errors = mien("compare", "--data", data, *options)
    assert (2, 1) == (status, errors.count("\n"))
    assert "each seed holds out valid faces that the other seeds train on" in errors
    assert not (tmp_path / "study").exists()
