"""Inside the process of a run: listen for the wish to stop, send what is printed into the log, tell how it ended."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import final

from mien.errors import MienError, find_memory_trouble
from mien.files import make_folder
from mien.studies.job import Job

STOP_THREAD = "stop"
"""The name of the thread that waits for the wish to stop."""


@final
class Stop:
    """A wish to stop, which a thread may utter: training saves and ends, anything else is interrupted as by Ctrl-C."""

    def __init__(self) -> None:
        self.asked, self.interrupts = threading.Event(), threading.Event()

    def ask(self) -> None:
        """Ask for the end, from any thread."""
        self.asked.set()
        if self.interrupts.is_set():
            main = threading.main_thread().ident
            if main is not None and hasattr(signal, "pthread_kill"):
                signal.pthread_kill(main, signal.SIGINT)  # a true signal, which ends a wait, too
            else:
                _thread.interrupt_main()

    def interrupt_from_now_on(self) -> None:
        """Say that what comes has nothing to save.

        Raises:
            KeyboardInterrupt: somebody has asked already.
        """
        self.interrupts.set()
        if self.asked.is_set():
            raise KeyboardInterrupt


Work = Callable[[Job, Stop], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """How the work ended: well, or for a reason in one line."""

    reason: str | None = None


def run_inside(work: Work, job: Job, link: Connection, held: object) -> None:
    """Do the work of a job, and send how it ended.

    Args:
        work: what to do.
        job: with what.
        link: to the study: a message there, or its end, is the wish to stop.
        held: something to keep until the process ends.
    """
    ending = see_through(work, job, link.recv)
    with suppress(OSError):  # the study is gone; the run is saved
        link.send(ending)
    del held


def see_through(work: Work, job: Job, wait: Callable[[], object]) -> Ending:
    """Do the work of a job in the main thread of a process that ends with it; return how it ended.

    Args:
        work: what to do.
        job: with what.
        wait: returns, or raises, when it is to stop.
    """
    _open_log(job)
    stop = Stop()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the shell that started mien ignores it
    threading.Thread(target=_listen, args=(wait, stop), name=STOP_THREAD, daemon=True).start()
    try:
        return _try(work, job, stop)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _try(work: Work, job: Job, stop: Stop) -> Ending:
    try:
        work(job, stop)
    except KeyboardInterrupt:
        return Ending("stopped")
    except MienError as error:
        sys.stderr.write(f"mien: {error}\n")
        return Ending(str(error))
    except Exception as error:
        traceback.print_exc()
        found = find_memory_trouble(error)
        return Ending(str(found) if found else f"{type(error).__name__}: {error}")
    return Ending()


def _open_log(job: Job) -> None:
    """Send what this process prints into the log, what libraries written in C print, too."""
    if hasattr(os, "setsid"):
        with suppress(PermissionError):  # it leads a group of its own already
            os.setsid()  # from now on no terminal sends signals here, so they can be let through
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    make_folder(job.log.parent)
    os.environ["COLUMNS"] = "120"
    with job.log.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    warnings.filterwarnings("ignore", module="PIL")  # remarks on damaged metadata: the picture is read or refused


def _listen(wait: Callable[[], object], stop: Stop) -> None:
    with suppress(Exception):  # whoever could ask is gone
        wait()
    stop.ask()
