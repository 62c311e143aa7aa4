"""Where the figures of a training go beside the run folder: a `Tracker` takes the history after every epoch.

"csv" is our own; the others are Accelerate's (`accelerate.tracking`), each where its package is installed. "csv" and
"tensorboard" write below the run folder; "mlflow" and "trackio" where they keep all runs (`MLFLOW_TRACKING_URI`, or
mlflow.db in the current folder; `TRACKIO_DIR`, or Hugging Face's cache), and the run folder knows under which name. A
run that is resumed goes on in the same log, with no epoch twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol, final

from mien.errors import ConfigError
from mien.files import make_folder, write_rows, write_text
from mien.hints import suggest
from mien.runs.folder import Record

Opener = Callable[[Path, int], "Tracker"]


class Tracker(Protocol):
    """Keeps the figures of the epochs of one run."""

    def log(self, history: Sequence[Record]) -> None:
        """Take the records of all epochs so far; the last one is new."""
        ...

    def close(self) -> None:
        """Write what is still held back."""
        ...


@final
class CsvTracker:
    """A table with a line for each epoch, written whole each time: it never disagrees with the history."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def log(self, history: Sequence[Record]) -> None:
        """Write the table; a figure that an epoch lacks stays empty."""
        names = list(dict.fromkeys(name for record in history for name in record))
        rows = [[str(record.get(name, "")) for name in names] for record in history]
        write_rows(self.path, (names, *rows))

    def close(self) -> None:
        """Nothing is held back."""


@final
class AccelerateTracker:
    """One of Accelerate's trackers, told the newest epoch."""

    def __init__(self, tracker: Any) -> None:
        self.tracker = tracker
        start = getattr(tracker, "start", None)
        if start is not None:  # before Accelerate 1.6 making one started it
            start()

    def log(self, history: Sequence[Record]) -> None:
        """Log the last record, under its epoch."""
        figures = {name.replace("_", "/", 1): value for name, value in history[-1].items() if name != "epoch"}
        self.tracker.log(figures, step=int(history[-1]["epoch"]))

    def close(self) -> None:
        """End the run there."""
        self.tracker.finish()


def open_trackers(names: Sequence[str], folder: Path, *, done: int) -> tuple[Tracker, ...]:
    """Return the trackers of these names.

    Args:
        names: of `TRACKERS`.
        folder: of the run.
        done: epochs that the run has finished: what a log holds beyond them was lost with a checkpoint.
    """
    return tuple(TRACKERS[name][1](folder, done) for name in names)


def parse_log(text: str | None) -> tuple[str, ...]:
    """Return the names in "csv" or "csv,tensorboard"; None is none.

    Raises:
        ConfigError: there is no such tracker, or its package is not installed.

    >>> parse_log("csv"), parse_log(None)
    (('csv',), ())
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(","))) if text is not None else ()
    for name in names:
        if name not in TRACKERS:
            raise ConfigError(f"`log` {text}: expected some of {', '.join(TRACKERS)}{suggest(name, TRACKERS)}")
        package = TRACKERS[name][0]
        if package is not None and find_spec(package) is None:
            raise ConfigError(f"`log` {text}: {package} is not installed: run  pip install {package}")
    return names


def _open_csv(folder: Path, done: int) -> Tracker:
    return CsvTracker(folder / "log.csv")


def _open_tensorboard(folder: Path, done: int) -> Tracker:
    from accelerate.tracking import TensorBoardTracker

    # Flushed after every epoch by Accelerate, so that nothing is lost when the process is killed.
    return AccelerateTracker(TensorBoardTracker("tensorboard", str(folder), purge_step=done + 1))


def _open_mlflow(folder: Path, done: int) -> Tracker:
    from accelerate.tracking import MLflowTracker

    tracker = AccelerateTracker(MLflowTracker("mien", run_id=_recall(folder, "mlflow"), run_name=folder.resolve().name))
    _remember(folder, "mlflow", str(tracker.tracker.tracker.info.run_id))
    return tracker


def _open_trackio(folder: Path, done: int) -> Tracker:
    from accelerate.tracking import TrackioTracker

    # Trackio knows runs by their names: another run in a folder of this name is another run.
    name = _recall(folder, "trackio") or f"{folder.resolve().name}-{token_hex(3)}"
    _remember(folder, "trackio", name)
    return AccelerateTracker(TrackioTracker("mien", name=name, resume="allow"))


def _recall(folder: Path, name: str) -> str | None:
    """Return under which name that tracker knows the run; None where it does not yet."""
    with suppress(OSError):
        return (folder / name / "run-id.txt").read_text(encoding="utf-8").strip() or None
    return None


def _remember(folder: Path, name: str, known_as: str) -> None:
    make_folder(folder / name)
    write_text(folder / name / "run-id.txt", known_as)


TRACKERS: dict[str, tuple[str | None, Opener]] = {
    "csv": (None, _open_csv),
    "tensorboard": ("tensorboard", _open_tensorboard),
    "mlflow": ("mlflow", _open_mlflow),
    "trackio": ("trackio", _open_trackio),
}
"""Name -> the package that it takes, and what opens it."""
