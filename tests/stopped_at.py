"""`mien` in a process of its own that a signal meets at a chosen point of its work, however fast the machine is.

    python tests/stopped_at.py SIGKILL "sync 3" train --data faces --out run

A point is an event and which one of its kind in this process it is:

- `step N`: an optimiser has just taken its N-th step;
- `sync N`: a file is about to be flushed to the disk for the N-th time;
- `link N`, `rename N NAME`: a hard link is about to be made, a file is about to be renamed to NAME;
- `half N`: half of the bytes of the N-th file of tensors have been written.

The process sends the signal to itself, or with STOP_PARENT to the one that started it: it arrives exactly there. Of
several processes of one training, STOP_RANK chooses the one that does so.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any


class _Stop:
    """Sends `number` when `point` is reached, once."""

    def __init__(self, number: signal.Signals, point: str) -> None:
        self.number, (self.kind, which, *names) = number, point.split()
        self.which, self.name, self.seen = int(which), next(iter(names), ""), Counter[str]()

    def reach(self, kind: str, name: str = "") -> None:
        """Note an event, and stop at the chosen one."""
        if kind == self.kind and self.name in ("", name):
            self.seen[kind] += 1
            if self.seen[kind] == self.which:
                os.kill(os.getppid() if "STOP_PARENT" in os.environ else os.getpid(), self.number)

    def watch(self) -> None:
        """Listen to Python's own events, and to steps and files of torch where it is imported."""
        sys.addaudithook(self.hear)
        sync = os.fsync
        os.fsync = lambda file: (self.reach("sync"), sync(file))[1]  # it raises no event
        if self.kind in ("step", "half"):
            self.watch_torch()

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take what `sys.addaudithook` tells."""
        if event == "os.rename":
            self.reach("rename", Path(os.fsdecode(arguments[1])).name)
        elif event == "os.link":
            self.reach("link")

    def watch_torch(self) -> None:
        """Hear of every step, and let the process end in the middle of a file."""
        import safetensors.torch
        from torch.optim.optimizer import register_optimizer_step_post_hook

        register_optimizer_step_post_hook(lambda *_: self.reach("step"))
        write = safetensors.torch.save_file

        def write_half(tensors: Any, path: Any, metadata: Any = None) -> None:
            whole = safetensors.torch.save(tensors, metadata)
            if self.kind == "half" and self.seen["half"] + 1 == self.which:
                Path(path).write_bytes(whole[: len(whole) // 2])
            self.reach("half")
            write(tensors, path, metadata)

        safetensors.torch.save_file = write_half


def main() -> None:
    """Run the command that the third argument begins."""
    _, number, point, *command = sys.argv
    sys.argv, sys.path[0] = ["mien", *command], str(Path.cwd())
    if os.environ.get("STOP_RANK") in (None, os.environ.get("RANK")):
        _Stop(signal.Signals[number], point).watch()
    from mien.cli import main as run

    run()


if __name__ == "__main__":
    main()
