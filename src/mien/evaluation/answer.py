"""`mien.evaluate`: a run and faces go in, as paths or values; an `Evaluation` comes out."""

from __future__ import annotations

import os
import warnings

from mien.evaluation.evaluation import Evaluation
from mien.evaluation.measure import Question, measure
from mien.faces import Splits
from mien.runs.run import Run, load_run


def evaluate(
    run: Run | str | os.PathLike[str],
    data: str | os.PathLike[str] | Splits | None = None,
    *,
    split: str = "test",
    views: str = "plain",
    device: str = "auto",
) -> Evaluation:
    """Return what a run answers on one split, its probabilities calibrated on valid; nothing is written.

    Args:
        run: a run, its folder, a weights file, or "bundled", the network that ships with mien.
        data: labelled faces; None: those that the run was trained on.
        split: "test", "valid" or "train". Look at test once, at the end; choose on valid.
        views: how each face is shown: "plain", "mirror", "shift", "tencrop", or the mean of some: "plain,mirror".
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        RunError: there is no such run.
        DataError: the data cannot be read, lacks the split, or has changed so that it is not known any more.
        ConfigError: no such view or device.
    """
    asked = run if isinstance(run, Run) else load_run(run)
    faces = data if data is None or isinstance(data, Splits) else os.fspath(data)
    found = measure([asked], Question(data=faces, split=split, views=views, device=device))
    if found.known.change:
        warnings.warn(found.known.tell(), stacklevel=2)
    return found.evaluation
