"""TensorBoard events, where the package tensorboard is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mien.runs.folder import Record


def open_events(folder: Path) -> Callable[[Record], None] | None:
    """Return a function that writes the numbers of an epoch as events into `folder`, or None without tensorboard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None

    def write(record: Record) -> None:
        with SummaryWriter(str(folder)) as writer:  # opened for each epoch: nothing is lost when the process is killed
            for name, value in record.items():
                if name != "epoch":
                    writer.add_scalar(name.replace("_", "/", 1), value, int(record["epoch"]))

    return write
