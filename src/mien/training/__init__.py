"""Train a network: faces and a recipe go in, a run folder and its history come out.

`train` has no parameter through which test faces could enter. `folder` knows the files of a run, `stopping` says when
to stop, `engine` holds what moves (weights, optimiser, averages), `loop` turns the epochs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.runs.folder import RunFolder
    from mien.training.loop import train
    from mien.training.telling import Listener, Options, Outcome

__all__ = ["Listener", "Options", "Outcome", "RunFolder", "train"]


def __getattr__(name: str) -> Any:
    """Bring in the loop, and with it PyTorch, when it is first named: progress is shown by light commands, too."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {"RunFolder": "mien.runs.folder", "train": "mien.training.loop"}.get(name, "mien.training.telling")
    return getattr(importlib.import_module(home), name)
