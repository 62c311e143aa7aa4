"""Where the figures of a training go beside its folder."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import TINY, draw_shapes, tiny_recipe
from mien.errors import ConfigError, Interrupted
from mien.faces import Splits
from mien.runs.folder import RunFolder
from mien.training.start import resume_run, start_run
from mien.training.telling import Listener, Options
from mien.training.trackers import parse_log

SPLITS = Splits(
    expressions=("bottom", "middle", "top"),
    source="memory",
    kind="drawn",
    train=draw_shapes(16),
    valid=draw_shapes(8, seed=1),
)


def train_in_two_parts(folder: RunFolder, log: tuple[str, ...]) -> None:
    """Train for one epoch of three, stop, and go on without naming the log again."""
    epochs: list[float] = []
    listener = Listener(on_epoch=lambda record: epochs.append(record["epoch"]))
    options = Options(device="cpu", log=log, should_stop=lambda: bool(epochs))
    with pytest.raises(Interrupted):
        start_run(tiny_recipe(), SPLITS, folder, options=options, listener=listener)
    resume_run(folder, source=SPLITS, options=replace(options, log=(), should_stop=lambda: False))


def test_a_resumed_run_goes_on_in_the_same_table(tmp_path: Path) -> None:
    """A line for each epoch, with the figures of history.jsonl."""
    folder = RunFolder(tmp_path / "run")
    train_in_two_parts(folder, ("csv",))
    with (folder.path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    history = [json.loads(line) for line in (folder.path / "history.jsonl").read_text().splitlines()]
    assert ["1", "2", "3"] == [row["epoch"] for row in rows]
    assert [record["valid_loss"] for record in history] == [float(row["valid_loss"]) for row in rows]
    assert ("csv",) == folder.read_info().log


def test_a_resumed_run_goes_on_in_tensorboard(tmp_path: Path) -> None:
    """Each epoch once."""
    events = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is missing"
    )
    folder = RunFolder(tmp_path / "run")
    train_in_two_parts(folder, ("tensorboard",))
    found = events.EventAccumulator(str(folder.path / "tensorboard"))
    found.Reload()
    assert [1, 2, 3] == [event.step for event in found.Scalars("valid/loss")]


@pytest.mark.filterwarnings("ignore")  # of what mlflow itself is built on
def test_a_resumed_run_goes_on_in_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each epoch once, in one run."""
    mlflow = pytest.importorskip("mlflow", reason="mlflow is missing")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    train_in_two_parts(RunFolder(tmp_path / "run"), ("mlflow",))
    client = mlflow.tracking.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("mien").experiment_id])
    assert ("run", "FINISHED") == (run.info.run_name, run.info.status)
    assert [1, 2, 3] == [figure.step for figure in client.get_metric_history(run.info.run_id, "valid/loss")]


def test_runs_in_folders_of_one_name_stay_apart_in_trackio(tmp_path: Path) -> None:
    """Each epoch of each once, though it knows runs by their names; in processes that are told where to keep them."""
    pytest.importorskip("trackio", reason="trackio is missing")
    kept = {**os.environ, "TRACKIO_DIR": str(tmp_path / "kept")}
    for place in ("first", "second"):
        (tmp_path / place).mkdir()
        given = ("train", "--data", "synthetic", *TINY, "--log", "trackio", "--out", tmp_path / place / "run")
        subprocess.run([sys.executable, "-m", "mien", *map(str, given)], check=True, capture_output=True, env=kept)
    with closing(sqlite3.connect(tmp_path / "kept" / "mien.db")) as held:
        epochs = held.execute("select run_name, step from metrics order by run_name, step").fetchall()
    names = sorted({name for name, _ in epochs})
    assert 2 == len(names)
    count = len(epochs) // 2
    assert [(name, step) for name in names for step in range(1, count + 1)] == epochs


def test_nothing_is_logged_unless_it_is_asked_for(trained: Path) -> None:
    """The run folder keeps its history anyway."""
    assert not (trained / "log.csv").exists()
    assert not (trained / "tensorboard").exists()


def test_a_tracker_that_is_not_there_is_named() -> None:
    """With what there is, or how to get it."""
    with pytest.raises(ConfigError, match="expected some of csv, tensorboard, mlflow, trackio; did you mean csv"):
        parse_log("cvs")
    assert ("csv",) == parse_log("csv, csv")


@pytest.mark.parametrize("name", ["mlflow", "trackio"])
def test_a_package_that_is_missing_is_told_with_its_command(name: str) -> None:
    """Before anything is trained."""
    from importlib.util import find_spec

    if find_spec(name) is not None:
        pytest.skip(f"{name} is installed")
    with pytest.raises(ConfigError, match=f"{name} is not installed: run  pip install {name}"):
        parse_log(name)
