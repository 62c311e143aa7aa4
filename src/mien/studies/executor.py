"""Where the runs of a study are trained: an `Executor` takes jobs and gives futures, and `Processes` is one.

Another one, over several machines, has to offer the same three methods. A future's result is None, or it raises
`RunFailed` with why in one line.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import reduction, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, final

from mien.errors import RunError
from mien.studies.inside import Ending, Work, run_inside
from mien.studies.job import Job

_STARTING = threading.Lock()
"""One process is started at a time: what it inherits is set in this one."""


class RunFailed(RunError):  # noqa: N818 (a run has failed, not this program)
    """A run that ended badly; the message is its own."""


class Executor(Protocol):
    """Trains jobs somewhere."""

    def submit(self, job: Job) -> Future[None]:
        """Begin a job now, or as soon as there is room."""
        ...

    def stop(self) -> None:
        """Ask the jobs under way to save and end; their futures raise or return as usual."""
        ...

    def close(self) -> None:
        """End what is still under way at once, and wait until it is gone."""
        ...


@final
class Processes:
    """Trains each job in a new process of this machine, so that one that is killed takes no other along.

    A process saves and ends when it is asked to, and when this one dies.
    """

    def __init__(self, workers: int, *, work: Work, lock: int | None = None) -> None:
        """Make room for jobs.

        Args:
            workers: processes at a time; the cores are shared out among them.
            work: done in the process, with the job and a `Stop`.
            lock: an open file that the processes keep open, too (see `StudyFolder.lock`).
        """
        self.work, self.lock, self.threads = work, lock, share_cores(workers)
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="study")
        self.links: dict[BaseProcess, Connection] = {}
        self.stopped = False

    def submit(self, job: Job) -> Future[None]:
        """Start a process for the job as soon as one of the workers is free."""
        return self.pool.submit(self._run, job)

    def stop(self) -> None:
        """Ask every process to save and end; none is started from now on."""
        with _STARTING:
            self.stopped = True
            for link in self.links.values():
                _tell_to_stop(link)

    def close(self) -> None:
        """Kill what is left."""
        self.stop()
        for process in list(self.links):
            process.kill()
        self.pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, job: Job) -> None:
        """Start the process, wait for its end, and raise `RunFailed` unless it was a good one."""
        here, there = multiprocessing.get_context("spawn").Pipe()
        with _STARTING:
            if self.stopped:
                raise RunFailed("not begun")
            process = self._start(job, there)
            self.links[process] = here
        there.close()
        ending = _receive(here)
        process.join()
        with _STARTING:
            del self.links[process]
        here.close()
        if ending is None:
            raise RunFailed(_tell_end(process.exitcode or 0))
        if ending.reason is not None:
            raise RunFailed(ending.reason)

    def _start(self, job: Job, there: Connection) -> BaseProcess:
        context = multiprocessing.get_context("spawn")
        held = None if self.lock is None or os.name != "posix" else _Inherited(self.lock)
        process = context.Process(target=run_inside, args=(self.work, job, there, held), name=job.name)
        limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self.threads))
        with _deaf_to_interrupts(), _environment(**limits), _without_main():
            process.start()
        return process


def share_cores(workers: int) -> int:
    """Return the threads of each worker: its share of OMP_NUM_THREADS, or of the cores that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, (int(told) if told.isdecimal() else allowed) // max(1, workers))


@final
class _Inherited:
    """An open file that a process started with it keeps open until it ends, and with it the lock on it."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Callable[[Any], Any], tuple[Any]]:
        return _keep_open, (reduction.DupFd(self.number),)


def _keep_open(duplicate: Any) -> Any:
    duplicate.detach()  # nobody closes it: the end of the process does
    return duplicate


def _receive(link: Connection) -> Ending | None:
    """Return how the process says that it ended; None if it is gone without a word."""
    try:
        ending: Ending = link.recv()
    except (EOFError, OSError):
        return None
    return ending


def _tell_to_stop(link: Connection) -> None:
    with suppress(OSError):  # it has ended already
        link.send(None)


def _tell_end(status: int) -> str:
    return f"killed by signal {-status} (out of memory?)" if status < 0 else f"ended with exit status {status}"


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let a process begin with Ctrl-C blocked: it reaches the study alone, which stops its runs in order."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its own start would unblock the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables for a process to inherit: libraries read the number of threads when they are loaded."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep a new process from running the user's script again: it needs nothing of it, and few guard against that."""
    before = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = before
