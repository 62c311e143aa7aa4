"""`mien.evaluate`: a run and faces go in, as paths or values; an `Evaluation` comes out."""

from __future__ import annotations

import os
import warnings

from mien.beliefs.base_rates import TRAINING, Prior
from mien.beliefs.sets import DEFAULT
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
    prior: Prior = TRAINING,
    coverage: float | None = None,
    sets: str = DEFAULT,
) -> Evaluation:
    """Return what a run answers on one split, its probabilities calibrated on valid; nothing is written.

    Args:
        run: a run, its folder, a weights file, or "bundled", the network that ships with mien.
        data: labelled faces; None: those that the run was trained on.
        split: "test", "valid" or "train". Look at test once, at the end; choose on valid.
        views: how each face is shown: "plain", "mirror", "shift", "tencrop", or the mean of some: "plain,mirror".
        device: "auto", "cpu", "cuda" or "mps".
        prior: how often each expression occurs in these faces: "training", "uniform", {"happy": 0.4, …} or "estimate",
            from the answers themselves and never from labels.
        coverage: of sets of expressions, 0.5 to 0.99; None: 0.9, where the run knows thresholds.
        sets: "classes", "lac" or "raps", see `mien.beliefs.sets`.

    Raises:
        RunError: there is no such run.
        DataError: the data cannot be read, lacks the split, or has changed so that it is not known any more.
        ConfigError: no such view or device, or an impossible prior or coverage.
    """
    asked = run if isinstance(run, Run) else load_run(run)
    faces = data if data is None or isinstance(data, Splits) else os.fspath(data)
    question = Question(data=faces, split=split, views=views, device=device, prior=prior, coverage=coverage, sets=sets)
    found = measure([asked], question)
    if found.known.change:
        warnings.warn(found.known.tell(), stacklevel=2)
    return found.evaluation
