"""The runs of a study on a Ray cluster: a real one of this machine, whose workers die and are stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import run_mien, wait_until, write_shapes
from mien.data.loading import SYNTHETIC
from mien.errors import ConfigError
from mien.evaluation.evaluation import read_evaluation
from mien.recipes.named import QUICK
from mien.recipes.schema import override
from mien.studies.engine import Engine
from mien.studies.job import Job
from mien.studies.machine import Site, find_trouble
from mien.version import __version__

HOOKS = Path(__file__).parent
TINY = ("--recipe", "quick", "--set", "train.batch_size=16", "--set", "train.epochs=6", "--device", "cpu")
STUDY = (*TINY, "--vary", "train.lr=0.02", "--seeds", 1)


def on_path(hook: str) -> str:
    """Return a PYTHONPATH by which every process, Ray's workers too, loads a hook."""
    return os.pathsep.join(filter(None, (str(HOOKS / hook), os.environ.get("PYTHONPATH"))))


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """Return what a study found, without the time that it took."""
    rows = json.loads((folder / "study.json").read_text())["results"]["rows"]
    return [{name: value for name, value in row.items() if name != "minutes"} for row in rows]


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(900)
def test_a_study_of_two_workers_one_of_which_is_killed_finds_what_processes_find(tmp_path: Path) -> None:
    """The run of the dead worker goes on from its checkpoint in another one; all answers are the same, bit for bit."""
    data = write_shapes(tmp_path / "shapes", per_class=24)
    one, two = tmp_path / "processes", tmp_path / "cluster"
    assert 0 == run_mien("compare", "--data", data, *STUDY, "-o", one, OMP_NUM_THREADS="1").status
    history, mark = two / "runs" / "base" / "seed-0" / "history.jsonl", tmp_path / "killed"
    kill = {"KILL_BEFORE": str(history), "KILL_WHEN": "3", "KILLED": str(mark), "PYTHONPATH": on_path("killed")}
    options = ("--engine", "ray", "--workers", 2, "-o", two)
    result = run_mien("compare", "--data", "shapes", *STUDY, *options, cwd=tmp_path, **kill)
    assert (0, True) == (result.status, mark.exists()), result.err
    assert read_rows(one) == read_rows(two)
    for run in ("base", "train.lr=0.02"):
        answers = [read_evaluation(folder / "runs" / run / "seed-0" / "valid") for folder in (one, two)]
        np.testing.assert_array_equal(*(answer.probabilities for answer in answers))
    log = (two / "logs" / "base-seed-0.log").read_text()
    assert (1, 1) == (log.count("the worker of this run died: another one goes on"), log.count("epoch 1/6"))
    assert [] == list(two.glob(".seen-*"))


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(900)
def test_ctrl_c_has_the_workers_save_and_the_study_goes_on_anywhere(tmp_path: Path) -> None:
    """Here in processes of this machine; what is asked of a cluster beyond what it has is one line."""
    data, out = write_shapes(tmp_path / "shapes", per_class=24), tmp_path / "study"
    history, mark = out / "runs" / "base" / "seed-0" / "history.jsonl", tmp_path / "paused"
    command = [sys.executable, "-m", "mien", "compare", "--data", data, *STUDY, "--engine", "ray", "-o", out]
    pause = {"PAUSE_BEFORE": str(history), "PAUSED": str(mark), "PYTHONPATH": on_path("paused")}
    study = subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **pause}
    )
    wait_until(mark.exists, study)
    study.send_signal(signal.SIGINT)
    _, errors = study.communicate()
    assert 130 == study.returncode, errors
    assert f"everything is saved: go on with  mien compare --resume {out}".replace("  ", " ") in errors
    begun = history.read_text().count("\n")
    assert 0 < begun < 6

    refused = run_mien("compare", "--resume", out, "--engine", "ray", "--cpus", 10_000)
    assert 2 == refused.status
    assert "mien: --cpus 10000: no machine of the cluster has more than " in refused.err
    assert 0 == run_mien("compare", "--resume", out).status
    assert 6 == history.read_text().count("\n")
    assert "epoch 1/6" not in (out / "logs" / "base-seed-0.log").read_text().partition(f"epoch {begun}/6")[2]


@pytest.mark.ray
def test_an_address_where_nobody_answers_is_told_at_once(tmp_path: Path) -> None:
    """Ray itself would try for minutes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = ("--engine", "ray", "-o", tmp_path / "study")
    result = run_mien("compare", *STUDY, *options, RAY_ADDRESS=address)
    assert (2, 1) == (result.status, result.err.count("\n"))
    assert f"mien: RAY_ADDRESS {address}: nobody answers there (Connection refused): start the cluster" in result.err


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a study that this machine sees."""
    mark, data = tmp_path / ".seen", tmp_path / "faces"
    mark.touch()
    data.mkdir()
    return Site(folder=tmp_path, mark=mark, paths=(data,))


def test_a_machine_that_sees_the_study_and_its_data_has_no_trouble(site: Site) -> None:
    """Nothing is told."""
    assert find_trouble(site) is None


def test_a_machine_that_does_not_see_the_folder_says_what_has_to_be_shared(site: Site) -> None:
    """It may have an empty folder of that name: the mark is what counts."""
    site.mark.unlink()
    shared = "a study and its data have to lie in a file system that all machines share, under one path"
    assert f"does not see {site.folder}: {shared}" == find_trouble(site)


def test_a_machine_that_does_not_see_the_data_names_it(site: Site) -> None:
    """The folder alone is not enough."""
    site.paths[0].rmdir()
    assert (find_trouble(site) or "").startswith(f"does not see {site.paths[0]}: ")


def test_a_machine_with_another_mien_says_which(site: Site) -> None:
    """Runs of two versions are no comparison."""
    other = Site(folder=site.folder, mark=site.mark, paths=(), version="0.0.1")
    assert f"has mien {__version__}, and the study mien 0.0.1: install the same" == find_trouble(other)


def test_all_that_a_run_reads_is_looked_for_by_a_path_that_leads_there_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data, lists, votes, earlier runs; drawn faces and the network that ships lie in no folder."""
    from mien.studies.cluster import list_paths, settle

    monkeypatch.chdir(tmp_path)
    changes = ["data.only=kept.txt", "train.start_from=first", "train.teachers=bundled,second"]
    recipe = override(QUICK, changes)
    job = Job(
        name="base, seed 0",
        run=Path("runs/base"),
        log=Path("logs/base"),
        recipe=recipe,
        data="faces",
        split="valid",
        training="new",
        is_measured=False,
    )
    settled = settle(job)
    assert (tmp_path / "runs" / "base", tmp_path / "logs" / "base") == (settled.run, settled.log)
    assert {tmp_path / name for name in ("faces", "kept.txt", "first", "second")} == set(list_paths(settled))
    assert SYNTHETIC == settle(replace(job, data=SYNTHETIC)).data


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"name": "rya"}, "`engine` rya: expected local or ray; did you mean ray?"),
        ({"workers": 0}, "`workers` 0: expected at least 1"),
        ({"cpus": 2}, "`cpus` 2: for `engine` ray alone: on this machine the runs share the cores"),
        ({"gpus": 0.5}, "`gpus` 0.5: for `engine` ray alone: on this machine the runs share the cores"),
    ],
)
def test_an_engine_that_cannot_be_is_one_line(chosen: dict[str, Any], message: str) -> None:
    """Before anything is read."""
    with pytest.raises(ConfigError) as error:
        Engine(**chosen)
    assert message == str(error.value)
