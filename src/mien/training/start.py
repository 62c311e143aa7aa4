"""Start a run, or go on with one: data and recipe become a run folder; a run folder becomes its data and recipe."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator

import mien
from mien.data.loading import SYNTHETIC
from mien.data.prepare import fingerprint, label, prepare_loaded, read_data, resolve_files
from mien.errors import ConfigError, DataError, RunError
from mien.evaluation.predict import calibrate_all, pick_device
from mien.faces import IN_MEMORY, Splits, Targets
from mien.models import OWN, build_model
from mien.native import is_available
from mien.processes import count_processes, is_main_process
from mien.recipes.heads import BOTH
from mien.recipes.schema import Recipe
from mien.runs.folder import RunFolder
from mien.runs.info import SPLITS, Ending, RunInfo
from mien.runs.run import load_run
from mien.runs.seen import SeenFaces, describe_faces, gather, hash_whole, mark_tested, read_seen, restore, write_seen
from mien.training.engine import start_accelerator
from mien.training.loop import train
from mien.training.teachers import call_teachers, resolve_runs, soften_labels, start_weights
from mien.training.telling import Listener, Options, Outcome
from mien.training.together import ask_main, notice_loss, work_in_turns


def start_run(
    recipe: Recipe,
    source: str | Splits,
    folder: RunFolder,
    *,
    skip_bad: bool = False,
    options: Options | None = None,
    listener: Listener | None = None,
) -> Outcome:
    """Train `recipe` on `source` into a new run folder, which every process has to see where several train together.

    Raises:
        DataError: the data cannot be read or trained on.
        RunError: the folder holds a run already, or training failed.
    """
    recipe = resolve_runs(replace(recipe, data=resolve_files(recipe.data)))
    device = (options or Options()).device
    accelerator = start_accelerator(device, recipe.train.precision)
    with notice_loss(accelerator, lambda: "nothing is saved yet: start again"):
        whole = work_in_turns(accelerator, lambda: read_data(source, recipe.data, skip_bad=skip_bad))
        splits = prepare_loaded(whole, recipe.data, seed=recipe.train.seed)
        _check_possible(recipe, splits, accelerator.num_processes)
        info = _describe(recipe, splits, whole.source, device, skip_bad=skip_bad)
        info = replace(info, log=(options or Options()).log)
        ask_main(accelerator, folder.refuse_overwriting)
        targets = None
        if recipe.train.looks_once:
            targets = ask_main(accelerator, lambda: _ask_teachers(recipe, splits, device))
        with _lock(folder, accelerator):
            ask_main(accelerator, lambda: _create(folder, info, targets, describe_faces(splits, whole)))
            for warning in splits.warnings:
                (listener or Listener()).on_warning(warning)
            return _train(recipe, _give_targets(splits, targets), folder, info, options, listener)


@contextmanager
def _lock(folder: RunFolder, accelerator: Accelerator) -> Iterator[None]:
    """Hold the lock of the folder in the process that writes; in the others an error there is raised, too."""
    with ExitStack() as stack:
        ask_main(accelerator, lambda: stack.enter_context(folder.lock()))
        yield


def _describe(recipe: Recipe, splits: Splits, source: str, device: str, *, skip_bad: bool) -> RunInfo:
    """Return what run.json says of a run that has not begun."""
    is_path = not splits.synthetic and source != IN_MEMORY
    return RunInfo(
        recipe=recipe,
        source=str(Path(source).resolve()) if is_path else source,
        synthetic=splits.synthetic,
        labels=recipe.data.labels,
        warnings=tuple(splits.warnings),
        expressions=splits.expressions,
        faces={name: len(faces) for name, faces in splits.named().items()},
        fingerprints={"train": fingerprint(splits.train), "valid": fingerprint(splits.valid)},
        versions={"mien": mien.__version__, "torch": torch.__version__, "python": platform.python_version()},
        hardware=describe_hardware(device),
        processes=count_processes(),
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        skip_bad=skip_bad,
    )


def _ask_teachers(recipe: Recipe, splits: Splits, device: str) -> Targets | None:
    """Return the targets of train, its labels softened."""
    assert splits.train is not None
    return soften_labels(splits.train, recipe, splits.expressions, device=pick_device(device)).targets


def _give_targets(splits: Splits, targets: Targets | None) -> Splits:
    assert splits.train is not None
    return splits if targets is None else replace(splits, train=replace(splits.train, targets=targets))


def _create(folder: RunFolder, info: RunInfo, targets: Targets | None, seen: SeenFaces) -> None:
    folder.create()
    write_seen(folder.path, seen)
    if targets is not None:
        folder.write_targets(targets)
    folder.write_info(info)


def resume_run(
    folder: RunFolder,
    *,
    source: str | Splits | None = None,
    options: Options | None = None,
    listener: Listener | None = None,
) -> Outcome:
    """Go on with the run in `folder`, to the weights that it would have had without the stop.

    Args:
        folder: of the run.
        source: where its faces stand now, if they have moved; other pictures may stand beside them.
        options: see `start_run`.
        listener: likewise.

    Raises:
        RunError: there is no run, it has finished, or its checkpoints are not sound.
        DataError: the data is gone, or is not what the run was started on.
    """
    info = folder.read_info()
    if info.outcome is not None:
        raise RunError(f"{folder.path}: this run has finished ({info.outcome.stopped}): nothing to resume")
    recipe, options = info.recipe, options or Options()
    info = replace(info, log=options.log or info.log)
    options = replace(options, log=info.log)
    accelerator = start_accelerator(options.device, recipe.train.precision)
    with notice_loss(accelerator, lambda: "nothing has changed: start again"):
        name = source.source if isinstance(source, Splits) else source
        if name is not None:
            info = replace(info, source=name if name in (SYNTHETIC, IN_MEMORY) else str(Path(name).resolve()))
        data = source if isinstance(source, Splits) else info.source
        with _lock(folder, accelerator):
            splits = work_in_turns(accelerator, lambda: _prepare_again(data, info, folder))
            ask_main(accelerator, lambda: folder.write_info(info))
            return _train(recipe, splits, folder, info, options, listener)


def _prepare_again(source: str | Splits, info: RunInfo, folder: RunFolder) -> Splits:
    """Return the very faces that the run was started on, wherever they stand in the data now.

    Raises:
        DataError: some of them are gone, or have another label.
    """
    missing = [f"{name}_fingerprint" for name in SPLITS if name not in info.fingerprints]
    recipe, skip_bad = info.recipe, info.skip_bad
    if missing:
        raise RunError(f"{folder.path / 'run.json'}: expected {' and '.join(missing)}, found none: start a new run")
    data, seed, seen = recipe.data, recipe.train.seed, read_seen(folder.path)
    splits: Splits | None = None
    whole = read_data(source, data, skip_bad=skip_bad)
    try:
        splits = prepare_loaded(whole, data, seed=seed)
    except DataError:
        if seen is None:
            raise
    if seen is not None and (splits is None or _find_changed(splits, info)):
        splits = _restore(whole, seen, info) or splits
    changed = ["train"] if splits is None else _find_changed(splits, info)
    if changed or splits is None:
        raise DataError(info.source, f"{changed[0]} is not what {folder.path} was started on: start a new run")
    return _give_targets(splits, folder.read_targets() if recipe.train.looks_once else None)


def _restore(whole: Splits, seen: SeenFaces, info: RunInfo) -> Splits | None:
    """Return the faces of the run, found by their pixels; None where some are missing."""
    names = info.expressions
    known = np.array([*(names.index(name) if name in names else -1 for name in whole.expressions), -1])
    labels = np.concatenate([known[faces.labels] for faces in whole.named().values()])
    found = restore(seen, hash_whole(whole), labels, mark_tested(whole))
    if not found.is_whole or any(name not in names for name in whole.expressions):
        return None
    train, valid = (
        replace(faces, labels=known[faces.labels]) for faces in (gather(whole, found.train), gather(whole, found.valid))
    )
    splits = replace(whole, train=train, valid=valid if len(valid) else None, test=None, unlabelled=None)
    return label(replace(splits, expressions=names), info.recipe.data)


def _find_changed(splits: Splits, info: RunInfo) -> list[str]:
    there = splits.named()
    return [name for name in SPLITS if fingerprint(there.get(name)) != info.fingerprints[name]]


def _check_possible(recipe: Recipe, splits: Splits, processes: int) -> None:
    """Raise ConfigError for a network, size or number of processes that cannot be, before anything is written."""
    assert splits.train is not None
    if len(splits.train) < processes:
        raise ConfigError(f"{processes} processes: expected as many faces in train, found {len(splits.train)}")
    if recipe.data.labels == BOTH and recipe.train.class_weights != "none":
        found = f"train.class_weights={recipe.train.class_weights}"
        raise ConfigError(
            f"{found}: expected none beside labels both, whose heads have classes of their own: leave it out"
        )
    size = splits.train.images.shape[1]
    # Of mien's own networks shapes are enough, which cost neither memory nor time; others have to be tried.
    with torch.device("meta") if recipe.model.name in OWN else nullcontext(), torch.random.fork_rng():
        build_model(recipe.model, classes=len(splits.expressions), size=size)
    start_weights(recipe, splits.expressions, size)
    call_teachers(recipe, splits.expressions)


def _train(
    recipe: Recipe,
    splits: Splits,
    folder: RunFolder,
    info: RunInfo,
    options: Options | None,
    listener: Listener | None,
) -> Outcome:
    assert splits.train is not None
    counts = np.bincount(splits.train.labels, minlength=len(info.expressions)).tolist()
    known = {**info.header, "train_counts": counts}
    named = {"folder": folder, "facts": known, "options": options, "listener": listener}
    outcome = train(recipe, splits.train, splits.valid, **named)  # type: ignore[arg-type]
    ending = Ending(
        stopped=outcome.stopped or f"all {recipe.train.epochs} epochs done",
        best_epoch=outcome.best_epoch,
        epochs=len(outcome.history),
        seconds=round(outcome.seconds, 1),
        finished=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    if is_main_process():
        if splits.valid is not None:
            calibrate_all(load_run(folder.path), splits.valid, device=pick_device((options or Options()).device))
        folder.write_info(replace(info, outcome=ending))
    return outcome


def describe_hardware(device: str) -> str:
    """Return in words what computes: the GPU's name, or the processor, its threads and whose loops they run."""
    if device in ("auto", "cuda") and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    loops = "compiled loops" if is_available() else "torch's loops"
    return f"{platform.machine()} processor, {torch.get_num_threads()} threads, {loops}"
