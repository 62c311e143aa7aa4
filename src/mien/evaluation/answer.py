"""`mien.evaluate`: a run and faces go in, as paths or values; an `Evaluation` comes out."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from mien.beliefs.base_rates import TRAINING, Prior, parse_prior
from mien.beliefs.sets import COVERAGE, DEFAULT, check_sets
from mien.data.prepare import read_data
from mien.errors import DataError
from mien.evaluation.evaluation import Evaluation
from mien.evaluation.known import Known, is_moved, know_other, know_splits
from mien.evaluation.name_sets import add_sets
from mien.evaluation.other_rates import apply_prior
from mien.evaluation.predict import calibrate_run, evaluate_split, find_split, pick_device
from mien.faces import Splits
from mien.models.views import parse_views
from mien.recipes.schema import DataConfig
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
    parse_prior(prior)
    check_sets(COVERAGE if coverage is None else coverage, sets)
    asked = run if isinstance(run, Run) else load_run(run)
    shown, computed_by = parse_views(views), pick_device(device)
    known, own = know_data(asked, data)
    known.require(split)
    find_split(known.splits, split)
    if known.change:
        warnings.warn(known.tell(), stacklevel=2)
    if own is not None and own.splits.valid is not None:
        asked = calibrate_run(asked, own.splits.valid, views=shown, device=computed_by)
    found = evaluate_split(asked, known.splits, split, seen=known, views=shown, device=computed_by)
    return add_sets(apply_prior(found, asked, prior)[0], asked, coverage=coverage, method=sets)


def know_data(run: Run, data: str | os.PathLike[str] | Splits | None) -> tuple[Known, Known | None]:
    """Return the faces to measure on, and those that the run was trained on: None where those are gone."""
    if data is None or (not isinstance(data, Splits) and run.source in (str(data), str(Path(data).resolve()))):
        own = know_splits(run)
        return own, own
    faces = read_data(data if isinstance(data, Splits) else os.fspath(data), DataConfig(), size=run.size)
    if is_moved(run, faces):
        own = know_splits(run, source=faces)
        return own, own
    try:
        seen = know_splits(run)
    except DataError:  # moved or gone since training: what the run wrote down is all that is known
        return know_other(run, faces, None), None
    return know_other(run, faces, seen), seen
