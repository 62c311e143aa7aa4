"""The process of one run: `python -m mien.studies.worker '[["train", …], ["evaluate", …]]'`.

In: `mien` commands as JSON, run one after the other. Out: what they print and leave. When standard input closes, be it
that the study was stopped or that its process died, the command is interrupted as by Ctrl-C: it saves and ends.
"""

from __future__ import annotations

import _thread
import json
import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Run the commands of the first argument; the first that fails ends the process with its status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the shell that started mien ignores it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for command in json.loads(sys.argv[1]):
        sys.argv = ["mien", *command]
        try:
            runpy.run_module("mien", run_name="__main__")
        except SystemExit as ending:
            if ending.code:
                raise


def _end_with_parent() -> None:
    os.read(0, 1)  # nothing is ever written: this returns when the other end closes
    _thread.interrupt_main()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
