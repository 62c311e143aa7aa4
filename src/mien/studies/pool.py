"""Train several runs at once, each in a process of its own. In: jobs. Out: those that failed, each with its last line.

Nothing is left behind: when this process is stopped, or dies, the runs save and end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, final

from mien.files import make_folder
from mien.studies.jobs import Job

LOOK_SECONDS = 0.25
TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that ended badly: its name, and why in one line."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who wants to know: called with all jobs first, at the start and the end of each, and often in between."""

    on_plan: Callable[[Sequence[Job]], None] = lambda _: None
    on_start: Callable[[Job], None] = lambda _: None
    on_look: Callable[[Sequence[Job]], None] = lambda _: None
    on_end: Callable[[Job, Failure | None], None] = lambda *_: None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Child:
    """A job and its process."""

    job: Job
    process: subprocess.Popen[bytes]
    log: IO[bytes] = field(repr=False)

    def ask_to_stop(self) -> None:
        """Close its standard input, which it takes for Ctrl-C."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()

    def end(self) -> None:
        """End it at once, and wait until it is gone."""
        self.ask_to_stop()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


def run_jobs(
    jobs: Sequence[Job],
    *,
    workers: int,
    watcher: Watcher | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    lock: int | None = None,
) -> list[Failure]:
    """Run every job, `workers` at a time, and return the failures in the order in which they happened.

    Args:
        jobs: what to do, in this order.
        workers: processes at a time; the cores are shared out among them.
        watcher: progress.
        should_stop: once True, no job is begun, and those under way save and end; they are no failures.
        lock: an open file that the processes keep open, too (see `StudyFolder.lock`).
    """
    watcher, waiting, children = watcher or Watcher(), deque(jobs), list[_Child]()
    failures, threads = list[Failure](), share_cores(min(workers, len(jobs)))
    try:
        while children or (waiting and not should_stop()):
            while waiting and len(children) < workers and not should_stop():
                children.append(_start(waiting.popleft(), threads, lock))
                watcher.on_start(children[-1].job)
            time.sleep(LOOK_SECONDS)
            watcher.on_look([child.job for child in children])
            for child in [child for child in children if child.process.poll() is not None]:
                children.remove(child)
                child.end()
                failure = _find_failure(child)
                if failure is None or not should_stop():
                    watcher.on_end(child.job, failure)
                    failures += [failure] if failure else []
            if should_stop():
                for child in children:
                    child.ask_to_stop()
    finally:  # Ctrl-C once more, or an error here
        for child in children:
            child.end()
    return failures


def share_cores(workers: int) -> int:
    """Return the threads of each worker: its share of OMP_NUM_THREADS, or of the cores that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, (int(told) if told.isdecimal() else allowed) // max(1, workers))


def _start(job: Job, threads: int, lock: int | None) -> _Child:
    make_folder(job.log.parent)
    log = job.log.open("ab")
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "mien.studies.worker", json.dumps(job.commands)],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "COLUMNS": "120", **limits},
        start_new_session=True,  # Ctrl-C reaches the study alone, which stops its runs in order
        pass_fds=() if lock is None else (lock,),
    )
    return _Child(job=job, process=process, log=log)


def _find_failure(child: _Child) -> Failure | None:
    """Return why the process failed: the error that it printed last, or the signal that ended it."""
    status = child.process.returncode
    if status == 0:
        return None
    with child.job.log.open("rb") as file:
        file.seek(max(0, child.job.log.stat().st_size - TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("mien: ")]
    if status < 0:
        return Failure(name=child.job.name, reason=f"killed by signal {-status} (out of memory?)")
    crashed = any(line.startswith("Traceback") for line in lines)
    reason = (lines if crashed or not told else told)[-1:] or [f"exit status {status}"]
    return Failure(name=child.job.name, reason=reason[0].removeprefix("mien: "))
