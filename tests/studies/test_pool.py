"""Runs in processes of their own: real ones, of work that takes no time."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from mien.errors import ConfigError
from mien.recipes.named import QUICK
from mien.studies.executor import Executor, Processes, share_cores
from mien.studies.inside import Stop
from mien.studies.job import Job
from mien.studies.pool import Failure, Watcher, run_jobs


def make_job(folder: Path, name: str) -> Job:
    """Return a new job."""
    return Job(
        name=name,
        run=folder / name,
        log=folder / "logs" / f"{name}.log",
        recipe=QUICK,
        data="synthetic",
        split="valid",
        training="new",
        is_measured=False,
    )


def pretend(job: Job, stop: Stop) -> None:
    """Do what the name of the job says, in a process of the pool."""
    sys.stdout.write(f"{job.name}: {os.environ['OMP_NUM_THREADS']} threads\n")
    if job.name == "bad":
        raise ConfigError("did you mean small?")
    if job.name == "crash":
        raise KeyError("source")
    if job.name == "large":
        os.kill(os.getpid(), signal.SIGKILL)
    if job.name == "endless":
        job.run.touch()
        stop.asked.wait()
    if job.name == "deaf":
        stop.interrupt_from_now_on()
        job.run.touch()
        time.sleep(600.0)


def run(jobs: list[Job], *, workers: int = 1, **rest: object) -> list[Failure]:
    """Run jobs in processes."""
    return run_jobs(jobs, Processes(workers, work=pretend), workers=workers, **rest)


def test_a_job_that_fails_is_told_with_its_line_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error on purpose, a mistake of the program, a process that the system kills for its memory."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    jobs = [make_job(tmp_path, name) for name in ("bad", "crash", "large", "good")]
    started, ended = [], []
    watcher = Watcher(on_start=lambda job: started.append(job.name), on_end=lambda job, _: ended.append(job.name))
    failures = {failure.name: failure.reason for failure in run(jobs, workers=2, watcher=watcher)}
    expected = {
        "bad": "did you mean small?",
        "crash": "KeyError: 'source'",
        "large": "killed by signal 9 (out of memory?)",
    }
    assert expected == failures
    assert (["bad", "crash", "large", "good"], ["bad", "crash", "good", "large"]) == (started, sorted(ended))
    assert "good: 1 threads\n" == jobs[3].log.read_text(encoding="utf-8")
    assert "mien: did you mean small?" in jobs[0].log.read_text(encoding="utf-8")
    assert "Traceback" in jobs[1].log.read_text(encoding="utf-8")


def test_once_somebody_asks_to_stop_nothing_is_begun(tmp_path: Path) -> None:
    """And nothing counts as failed."""
    assert [] == run([make_job(tmp_path, "late")], should_stop=lambda: True)
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("name", ["endless", "deaf"])
def test_a_job_under_way_ends_when_somebody_asks(tmp_path: Path, name: str) -> None:
    """Work that looks whether it should stop ends by itself, other work is interrupted; neither has failed."""
    job = make_job(tmp_path, name)
    assert [] == run([job], should_stop=job.run.exists)


def test_runs_can_be_trained_elsewhere(tmp_path: Path) -> None:
    """Whatever takes a job and gives a future is an executor."""

    class Here:
        def __init__(self) -> None:
            self.done: list[str] = []

        def submit(self, job: Job) -> Future[None]:
            self.done.append(job.name)
            future: Future[None] = Future()
            future.set_result(None)
            return future

        def stop(self) -> None:
            self.done.append("stop")

        def close(self) -> None:
            self.done.append("close")

    here: Executor = Here()
    assert [] == run_jobs([make_job(tmp_path, name) for name in "ab"], here, workers=1)
    assert ["a", "b", "close"] == here.done


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """What OMP_NUM_THREADS allows is shared out; each has one at least."""
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert [8, 4, 2, 1] == [share_cores(workers) for workers in (1, 2, 3, 20)]
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert share_cores(1) >= share_cores(2) >= 1
