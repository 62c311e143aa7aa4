"""Python imports this at its start where this folder is on PYTHONPATH: a run of a study waits at a chosen point.

In: $PAUSE_BEFORE, a file that is about to get its name, and $PAUSED, a file to make then. The process goes on when it
has been told to stop: when the thread that listens for that has ended. So it is told there, on any machine.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any


def pause(event: str, arguments: tuple[Any, ...]) -> None:
    """Take what `sys.addaudithook` tells."""
    if event != "os.rename" or os.fsdecode(arguments[1]) != os.environ["PAUSE_BEFORE"]:
        return
    Path(os.environ["PAUSED"]).touch()
    for thread in threading.enumerate():
        if thread.name == "stop":
            thread.join()


if "PAUSE_BEFORE" in os.environ:
    sys.addaudithook(pause)
