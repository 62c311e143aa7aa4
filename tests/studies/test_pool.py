"""Runs in processes of their own: real ones, of commands that take no time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import mien
from mien.studies.jobs import Job
from mien.studies.pool import Failure, Watcher, run_jobs, share_cores


def make_job(folder: Path, name: str, *commands: tuple[str, ...]) -> Job:
    """Return a job of these commands."""
    return Job(name=name, run=folder / name, log=folder / "logs" / f"{name}.log", commands=commands, epochs=3)


def test_a_job_that_fails_is_told_with_its_line_and_the_others_are_done(tmp_path: Path) -> None:
    """All commands of a job run, until one fails; what they print is kept."""
    bad = make_job(tmp_path, "bad", ("recipes", "smal"), ("recipes", "quick"))
    good = make_job(tmp_path, "good", ("recipes", "small"), ("--version",))
    started, ended = [], []
    watcher = Watcher(on_start=lambda job: started.append(job.name), on_end=lambda job, _: ended.append(job.name))
    failures = run_jobs([bad, good], workers=2, watcher=watcher)
    assert ["bad"] == [failure.name for failure in failures]
    assert "did you mean small?" in failures[0].reason
    assert not failures[0].reason.startswith("mien:")
    assert (["bad", "good"], ["bad", "good"]) == (started, sorted(ended))
    printed = good.log.read_text(encoding="utf-8")
    assert [True, True] == [text in printed for text in ("# small:", f"mien {mien.__version__}")]
    assert "# quick:" not in bad.log.read_text(encoding="utf-8")


def test_once_somebody_asks_to_stop_nothing_is_begun(tmp_path: Path) -> None:
    """And nothing counts as failed."""
    assert [] == run_jobs([make_job(tmp_path, "late", ("--version",))], workers=1, should_stop=lambda: True)
    assert not (tmp_path / "logs").exists()


def test_a_process_that_is_killed_is_a_failure_with_its_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system does it to a process that takes too much memory."""
    (tmp_path / "python").write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    failures = run_jobs([make_job(tmp_path, "large", ("--version",))], workers=1)
    assert [Failure(name="large", reason="killed by signal 9 (out of memory?)")] == failures


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """What OMP_NUM_THREADS allows is shared out; each has one at least."""
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert [8, 4, 2, 1] == [share_cores(workers) for workers in (1, 2, 3, 20)]
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert share_cores(1) >= share_cores(2) >= 1
