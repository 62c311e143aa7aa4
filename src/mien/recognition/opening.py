"""A network opens in the background while the first picture is read; no program ends in the middle of that.

onnxruntime works outside of Python's lock: a process that tears the thread down when it ends dies of SIGABRT, whatever
status it meant to end with. So every end waits, a fraction of a second, until the network is open.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Generic, TypeVar, final
from weakref import WeakSet

Opened = TypeVar("Opened")

_opening: WeakSet[Thread] = WeakSet()


def start_opening(work: Callable[[], None]) -> None:
    """Do `work` in a thread that the end of the process waits for; by itself, too, where it ends by Ctrl-C."""
    thread = Thread(target=work, name="mien opens its network")
    _opening.add(thread)
    thread.start()


@final
class Opening(Generic[Opened]):
    """What `work` makes, in the background or at once; its errors are told to whoever asks for it."""

    def __init__(self, work: Callable[[], Opened], *, in_background: bool) -> None:
        self._work, self._process = work, os.getpid()
        self._future: Future[Opened] = Future()
        if in_background:
            start_opening(self._open)
        else:
            self._future.set_result(work())

    def _open(self) -> None:
        try:
            self._future.set_result(self._work())
        except BaseException as error:
            self._future.set_exception(error)

    def wait(self) -> Opened:
        """Return it as soon as it is there."""
        if self._process != os.getpid() and not self._future.done():  # forked: the thread that opens stayed behind
            self._process, self._future = os.getpid(), Future()
            self._open()
        return self._future.result()


@atexit.register
def _wait() -> None:
    """Wait once more: Python gives up waiting for its threads at a second Ctrl-C."""
    for thread in list(_opening):
        while thread.is_alive():
            with suppress(KeyboardInterrupt):
                thread.join()
