"""Python imports this at its start where this folder is on PYTHONPATH: a process dies at a chosen point, once.

In: $KILL_BEFORE, a file that is about to get its name, $KILL_WHEN, the how manieth time in this process, and $KILLED, a
file that is made then: where it is there already, nothing dies any more.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

seen: list[str] = []


def kill(event: str, arguments: tuple[Any, ...]) -> None:
    """Take what `sys.addaudithook` tells."""
    if event != "os.rename" or os.fsdecode(arguments[1]) != os.environ["KILL_BEFORE"]:
        return
    seen.append(event)
    if len(seen) == int(os.environ["KILL_WHEN"]) and not Path(os.environ["KILLED"]).exists():
        Path(os.environ["KILLED"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)


if "KILL_BEFORE" in os.environ:
    sys.addaudithook(kill)
