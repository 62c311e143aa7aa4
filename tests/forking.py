"""Processes of their own in a hundredth of the time: forked from one that has imported what is heavy, but not mien.

    python tests/forking.py     (started by `Forker`; one request a line on standard input, one answer on its output)

A fresh interpreter spends three seconds on importing torch, and tests start hundreds. Each forked process is one of its
own as a user's is: own files, folder, environment and end, mien imported anew, exit handlers run; a signal kills it
alone. Only third-party packages are there already, so a test of what is imported, or of variables that they read when
they are imported, starts an interpreter (`conftest.run_fresh`).
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PACKAGES = (
    *("torch", "torch.optim.optimizer", "torch.library", "accelerate", "safetensors.torch", "scipy.optimize"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg"),
    *("numpy", "PIL.Image", "typer", "rich"),
)
"""None of them starts a thread, as onnxruntime and scikit-learn (by pandas and pyarrow) do: forking would lose it."""

PLAIN = ("MIEN_", "COLUMNS", "STOP_", "PYTEST_CURRENT_TEST")
"""Beginnings of variables that no package reads when it is imported."""

SET_BY_PACKAGES = ("ACCELERATE_", "KMP_", "TORCHINDUCTOR_")
"""Beginnings of those that torch, scikit-learn and Accelerate set for themselves where a test imports them."""


class Forker:
    """The process that forks, started when it is first needed."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self.process: subprocess.Popen[str] | None = None

    def can_take(self, environment: Mapping[str, str]) -> bool:
        """Say whether to fork for `environment`: on Linux, if only plain variables differ; with MIEN_FORK=0 never."""
        names = {name for name, _ in environment.items() ^ self.environment.items()}
        wanted = sys.platform == "linux" and environment.get("MIEN_FORK") != "0"
        return wanted and all(name.startswith((*PLAIN, *SET_BY_PACKAGES)) for name in names)

    def run(self, arguments: Sequence[str], *, environment: Mapping[str, str], cwd: Path, to: Path) -> int:
        """Run `python *arguments`, `-m MODULE …` or `SCRIPT …`, and return its status as `subprocess` has it.

        Args:
            arguments: behind the interpreter.
            environment: all variables.
            cwd: folder that it starts in.
            to: folder for the files "out" and "err".
        """
        order = {"arguments": list(arguments), "environment": dict(environment), "cwd": str(cwd), "to": str(to)}
        process = self.process = self.process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())
        except BaseException:  # a test that takes too long, say: what it started does not answer the next one
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            self.process = None
            raise

    def _start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, __file__]
        single = {"OMP_NUM_THREADS": "1", **self.environment}  # torch would start a thread for each core
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=single, start_new_session=True)

    def close(self) -> None:
        """Let the process end."""
        if self.process is not None:
            self.process.communicate()


def become(order: Mapping[str, Any]) -> None:
    """Turn this forked process into the one that was asked for."""
    for number, (name, flags) in enumerate(
        ((os.devnull, os.O_RDONLY), *((Path(order["to"], name), os.O_WRONLY) for name in ("out", "err")))
    ):
        file = os.open(name, flags | os.O_CREAT * (number > 0) | os.O_TRUNC * (number > 0), 0o600)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    kind, *rest = order["arguments"]
    sys.path[0] = order["cwd"] if kind == "-m" else str(Path(kind).parent)
    sys.argv = rest if kind == "-m" else order["arguments"]


def start(order: Mapping[str, Any]) -> None:
    """Run what was asked for; it ends as a program ends."""
    become(order)
    kind, *rest = order["arguments"]
    if kind == "-m":
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(kind, run_name="__main__")


def serve() -> dict[str, Any] | None:
    """Fork for each order and answer with its status; return the order in the forked process, None at the end."""
    for name in PACKAGES:
        with suppress(ImportError):
            importlib.import_module(name)
        if len(list(Path("/proc/self/task").iterdir())) > 1:
            raise RuntimeError(f"{name} starts a thread: leave it out of PACKAGES")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            return dict(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    return None


if __name__ == "__main__":
    asked = serve()
    if asked is not None:
        start(asked)
