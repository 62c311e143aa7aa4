"""`mien.train`: data and a recipe go in, as paths or values; a `Run` comes out."""

from __future__ import annotations

import os
import warnings
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import nn

from mien.data.loading import SYNTHETIC
from mien.errors import ConfigError
from mien.faces import Splits
from mien.models import offer_module
from mien.recipes.named import find_recipe
from mien.recipes.schema import Recipe
from mien.runs.folder import RunFolder
from mien.runs.run import Run, load_run
from mien.training.progress import show_progress
from mien.training.start import resume_run, start_run
from mien.training.telling import Listener, Options
from mien.training.trackers import parse_log


def train(
    data: str | os.PathLike[str] | Splits = SYNTHETIC,
    recipe: str | Recipe = "small",
    *,
    out: str | os.PathLike[str],
    model: nn.Module | None = None,
    device: str = "auto",
    resume: bool = False,
    progress: bool = True,
    log: str | None = None,
) -> Run:
    """Train a network and return it with all that is known of its training; the run folder keeps both.

    The global random generators of torch are left as they were.

    Args:
        data: labelled faces: a path in any form that `mien.load` reads, "synthetic", or `Splits`. Without a valid split
            a part of train is held out. The test split has no way into training.
        recipe: every choice, or the name of one.
        out: the run folder: new, unless `resume`.
        model: a network of your own in place of the recipe's: maps float32 (N, 1, S, S) in [0, 1] to logits. A copy of
            it is trained, from the weights that it has; it comes back as it was. Load the run with `model=` again.
        device: "auto", "cpu", "cuda" or "mps".
        resume: go on with the run in `out`, to the weights that it would have had without the stop.
        progress: show a bar in terminals and notebooks, lines elsewhere; False: silence.
        log: where the figures of each epoch go, too: "csv", "tensorboard", "mlflow", "trackio", or some of them.

    Raises:
        DataError: the data cannot be read or trained on.
        ConfigError: a name or a value is impossible, or the network does not fit.
        RunError: `out` holds a run already (or none, with `resume`), or training failed.
    """
    folder = RunFolder(Path(out))
    source = data if isinstance(data, Splits) else os.fspath(data)
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng())
        name = None if model is None else stack.enter_context(offer_module(model))
        chosen = folder.read_info().recipe if resume else _choose(recipe, name)
        listener = stack.enter_context(show_progress(chosen.train.epochs)) if progress else Listener()
        listener = Listener(on_step=listener.on_step, on_epoch=listener.on_epoch, on_warning=_warn)
        options = Options(device=device, log=parse_log(log))
        if resume:
            resume_run(folder, source=source, options=options, listener=listener)
        else:
            start_run(chosen, source, folder, options=options, listener=listener)
        return load_run(folder.path)


def _choose(recipe: str | Recipe, model: str | None) -> Recipe:
    chosen = find_recipe(recipe) if isinstance(recipe, str) else recipe
    if not isinstance(chosen, Recipe):
        raise ConfigError(f"`recipe`: expected a name or a Recipe, found {type(recipe).__name__}")
    return chosen if model is None else chosen.set(model=model)


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=2)
