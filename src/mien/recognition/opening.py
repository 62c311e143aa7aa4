"""A network opens in the background while the first picture is read; no program ends in the middle of that.

onnxruntime works outside of Python's lock: a process that tears the thread down when it ends dies of SIGABRT, whatever
status it meant to end with. So every end waits, a fraction of a second, until the network is open.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from weakref import WeakSet

_opening: WeakSet[Thread] = WeakSet()


def start_opening(work: Callable[[], None]) -> None:
    """Do `work` in a thread that the end of the process waits for; by itself, too, where it ends by Ctrl-C."""
    thread = Thread(target=work, name="mien opens its network")
    _opening.add(thread)
    thread.start()


@atexit.register
def _wait() -> None:
    """Wait once more: Python gives up waiting for its threads at a second Ctrl-C."""
    for thread in list(_opening):
        while thread.is_alive():
            with suppress(KeyboardInterrupt):
                thread.join()
