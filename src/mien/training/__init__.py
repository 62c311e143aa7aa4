"""Train a network: faces and a recipe go in, a run folder and its history come out.

`train` has no parameter through which test faces could enter. `folder` knows the files of a run, `stopping` says when
to stop, `engine` holds what moves (weights, optimiser, averages), `loop` turns the epochs.
"""

from mien.runs.folder import RunFolder
from mien.training.loop import Listener, Options, Outcome, train

__all__ = ["Listener", "Options", "Outcome", "RunFolder", "train"]
