"""`mien.export`: a run goes in, a checked ONNX file comes out."""

from __future__ import annotations

import os
from pathlib import Path

from mien.beliefs.base_rates import TRAINING, Prior, parse_prior
from mien.errors import ConfigError, DataError
from mien.evaluation.known import know_splits
from mien.evaluation.predict import calibrate_run
from mien.exporting.other_rates import build_in_prior
from mien.exporting.run import export_run, write_model
from mien.models.views import parse_views
from mien.runs.run import Run, load_run


def export(
    run: Run | str | os.PathLike[str],
    out: str | os.PathLike[str] = "model.onnx",
    *,
    views: str = "plain",
    int8: bool = False,
    overwrite: bool = False,
    prior: Prior = TRAINING,
) -> Path:
    """Write a run as an ONNX file that needs no PyTorch, and return its path: uint8 faces in, probabilities out.

    Args:
        run: a run, or its folder.
        out: the file.
        views: ways of showing each face whose mean is inside: "plain", "mirror", "plain,mirror", …
        int8: compute with 8-bit numbers; takes the faces that the run was trained on.
        overwrite: replace a file that is there.
        prior: base rates that the file shall assume: "training", "uniform" or {"happy": 0.4, …}.

    Raises:
        ConfigError: the file is there, or an impossible prior.
        DataError: 8 bits were asked for, and the data is gone.
        MissingExtraError: a package is missing that exporting takes.
        RunError: there is no such run.
    """
    path = Path(out)
    parse_prior(prior)
    if path.exists() and not overwrite:
        raise ConfigError(f"{path}: is there already: choose another name, or overwrite=True")
    asked, shown = run if isinstance(run, Run) else load_run(run), parse_views(views)
    try:
        splits = know_splits(asked).splits
    except DataError:
        if int8:
            raise
        splits = None  # gone since training: drawn faces serve for the check
    if splits is not None and splits.valid is not None:
        asked = calibrate_run(asked, splits.valid, views=shown)
    write_model(build_in_prior(export_run(asked, splits, views=shown, int8=int8).model, prior), path)
    return path
