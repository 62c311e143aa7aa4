"""Show faces to a trained network. In: a `Run` and `Splits`. Out: an `Evaluation`; every figure is derived from it.

`calibrate_run` fits, on valid, the temperature that every later prediction of the run is scaled by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import mien
from mien.data.copies import hash_images
from mien.data.prepare import fingerprint
from mien.data.votes import pick_head
from mien.errors import ConfigError, DataError, MienError
from mien.evaluation.evaluation import Evaluation
from mien.evaluation.fit_beliefs import fit_beliefs
from mien.evaluation.known import Known
from mien.evaluation.rules import ARGMAX, Rule
from mien.faces import UNLABELLED, Faces, Images, Labels, Splits
from mien.files import make_folder, write_aside
from mien.models import Network
from mien.models.network import WHITE, resize
from mien.models.views import VIEWS
from mien.native import accelerate
from mien.recipes.heads import FIRST
from mien.runs.beliefs_file import write_beliefs
from mien.runs.run import Run
from mien.runs.temperatures import fit_temperature, scale_probabilities, write_temperatures

BATCH_SIZE, BATCH_SIDE = 256, 64
"""Faces shown at a time, and up to which side: with fewer, the preparation of kernels for each batch shows."""


def pick_device(name: str) -> torch.device:
    """Return the device called `name`; "auto" is the best there is.

    Raises:
        ConfigError: no such device on this machine.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    usable = [device for device, found in there.items() if found]
    if name != "auto" and name not in usable:
        raise ConfigError(f"`device` {name}: expected one of auto, {', '.join(usable)} on this machine")
    return torch.device(usable[0] if name == "auto" else name)


def predict_probabilities(
    network: Network,
    images: Images,
    *,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
    views: Sequence[str] = ("plain",),
    accelerated: bool = True,
    side: int | None = None,
) -> npt.NDArray[np.float32]:
    """Return the probabilities (N, K) of each face, the mean over `views`, not scaled; rows sum to 1.

    Args:
        network: moved to `device` and put into evaluation mode.
        images: uint8 (N, H, W); resized, smoothly, where the network takes another size.
        batch_size: faces shown at a time; None: as many as take about the memory of `BATCH_SIZE` of `BATCH_SIDE`.
        device: of torch.
        views: names of `mien.models.views.VIEWS`, at least one.
        accelerated: whether the compiled loops compute on a CPU, not torch's own: the same but for rounding.
        side: in pixels, that faces are shown at; None: the network's own.

    Raises:
        DataError: there are no faces.
    """
    if not len(images):
        raise DataError("faces", "expected at least one to recognise, found none")
    # Only the layout that the network trains in: another one would change the last bits of a training that goes on.
    network = network.to(device, memory_format=network.memory_format).eval()  # type: ignore[call-overload]
    if batch_size is None:
        batch_size = max(1, BATCH_SIZE * BATCH_SIDE**2 // max(BATCH_SIDE, network.size) ** 2)
    quick = accelerate(network, frozen=True) if accelerated else network
    found = np.empty((0, 0), np.float32)
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            # A copy, because torch warns of the read-only memory that cached faces live in.
            batch = torch.from_numpy(np.array(images[start : start + batch_size])).to(device)
            shown = _show(quick, batch, views, network.size if side is None else side).cpu().numpy()
            if not start:
                found = np.empty((len(images), shown.shape[1]), np.float32)
            found[start : start + len(shown)] = shown
    return found


def evaluate_split(
    run: Run,
    splits: Splits,
    split: str,
    *,
    seen: Splits | Known | None = None,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
    views: tuple[str, ...] = ("plain",),
    rule: Rule = ARGMAX,
) -> Evaluation:
    """Return what `run` answers on one split, its probabilities scaled by the temperature that it holds for `views`.

    Args:
        run: the trained network.
        splits: the data; every class of it is one of the run's.
        split: name of the split.
        seen: what is known of the run's own data, where exact copies are looked for; None: `splits` are that data.
        batch_size: see `predict_probabilities`.
        device: likewise.
        views: likewise.
        rule: how probabilities become answers.

    Raises:
        DataError: no such split, no labels in it, or classes that the run does not know.
    """
    if split == "valid" and splits.valid is None and run.members:
        problem = "the members held out different faces, so some member has trained on each: choose another `split`"
        raise DataError(splits.source, f"expected a valid split that no member has trained on, found none: {problem}")
    faces, network = find_split(splits, split), run.network
    labels = match_labels(faces.labels, splits, run.expressions)
    raw = predict_probabilities(network, faces.images, batch_size=batch_size, device=device, views=views)
    return Evaluation(
        labels=labels,
        probabilities=scale_probabilities(raw, run.temperature(views)),
        ids=faces.ids,
        copies=_find_copies(faces, split, splits, seen),
        expressions=run.expressions,
        split=split,
        source=splits.source,
        trained_on=run.source,
        copies_sought_in=seen.sought_in if isinstance(seen, Known) else (seen or splits).source,
        synthetic=splits.synthetic or run.synthetic,
        recipe=run.recipe.name,
        epoch=run.epoch,
        views=views,
        members=tuple(member.name for member in run.members),
        temperature=run.temperature(views),
        rule=rule,
        labelled_by=splits.labels,
        about_data=seen.change if isinstance(seen, Known) else "",
    )


def calibrate_run(
    run: Run, valid: Faces, *, views: tuple[str, ...] = ("plain",), device: str | torch.device = "cpu"
) -> Run:
    """Return `run` with temperature and beliefs of these views: those that its folder holds, or fitted and kept.

    Args:
        run: the trained network.
        valid: the valid split that it was trained with, labels as indices into `run.expressions`.
        views: see `predict_probabilities`.
        device: likewise.
    """
    name = run.name_answer(views)
    if name in run.temperatures and name in run.beliefs:
        return run
    true = valid.labels if valid.targets is None else valid.targets
    raw = predict_valid(run, valid, views=views, device=device)
    temperature = run.temperatures[name] if name in run.temperatures else fit_temperature(true, raw)
    fitted = fit_beliefs(true, scale_probabilities(raw, temperature), run.training_rates)
    temperatures, beliefs = {**run.temperatures, name: temperature}, {**run.beliefs, name: fitted}
    if not run.is_bundled:  # the files that are installed stay as they are
        with suppress(MienError):  # a folder that may not be written to: fitted again the next time
            write_temperatures(run.folder, run.mark, temperatures)
            write_beliefs(run.folder, run.mark, beliefs)
    return replace(run, temperatures=temperatures, beliefs=beliefs)


def calibrate_all(
    run: Run, valid: Faces, *, views: tuple[str, ...] = ("plain",), device: str | torch.device = "cpu"
) -> Run:
    """Return `run` with the temperature of these views; of one with several heads, of each of them.

    Args:
        run: see `calibrate_run`.
        valid: likewise; of a run with heads as `label_heads` labels it.
        views: likewise.
        device: likewise.
    """
    if not run.heads:
        return calibrate_run(run, valid, views=views, device=device)
    for name in run.heads:
        run, faces = run.head(name), pick_head(valid, name)
        if len(faces):  # else no votes name an expression there, which a warning of the data says
            run = calibrate_run(run, faces, views=views, device=device)
    return run.head(FIRST)


def predict_valid(
    run: Run, valid: Faces, *, views: tuple[str, ...] = ("plain",), device: str | torch.device = "cpu"
) -> npt.NDArray[np.float32]:
    """Return the probabilities (N, K) of `valid`, not scaled; kept in the run's folder for the next time.

    Nothing is kept of the network that ships: its folder is that of the installed package. The file is named after
    weights, faces, views and versions, so that one of other weights or faces is never taken.
    """
    if run.is_bundled:
        return predict_probabilities(run.network, valid.images, device=device, views=views)
    name, key = run.name_answer(views), f"{run.mark}/{fingerprint(valid)}/{mien.__version__}/{torch.__version__}"
    digest = hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
    path = run.folder / "cache" / f"valid-{name}-{digest}.npy"
    try:
        kept: npt.NDArray[np.float32] = np.load(path)
        if kept.shape == (len(valid), len(run.expressions)):
            return kept
    except (OSError, ValueError, EOFError):  # not there, or damaged: as good as none
        pass
    found = predict_probabilities(run.network, valid.images, device=device, views=views)
    with suppress(MienError):
        make_folder(path.parent)
        for old in path.parent.glob(f"valid-{name}-*.npy"):
            old.unlink(missing_ok=True)
        with write_aside(path) as aside:
            np.save(aside, found)
    return found


def find_copies(faces: Faces, seen: Splits) -> npt.NDArray[np.bool_]:
    """Return bool (N,), True where the very pixels stand in train or valid of `seen`, other than as `faces` itself.

    A split with the same pictures as `faces`, in the same order, is `faces` itself, however often it was read.
    """
    digests = hash_images(faces.images)
    others = [hash_images(split.images) for split in (seen.train, seen.valid) if split is not None]
    return _is_among(digests, [other for other in others if not np.array_equal(other, digests)])


def _find_copies(faces: Faces, split: str, splits: Splits, seen: Splits | Known | None) -> npt.NDArray[np.bool_]:
    """Return where a copy stands in train or valid of the run: of its own data, in the other one of the two."""
    if isinstance(seen, Known):
        parts = {"train": seen.seen.train, "valid": seen.seen.valid}
        others = [digests for name, digests in parts.items() if not (seen.is_own and name == split)]
        return _is_among(hash_images(faces.images), others)
    named = (seen or splits).named()
    others = [
        hash_images(named[name].images)
        for name in ("train", "valid")
        if name in named and not (seen is None and name == split)
    ]
    return _is_among(hash_images(faces.images), others)


def _is_among(digests: npt.NDArray[np.bytes_], others: Sequence[npt.NDArray[np.bytes_]]) -> npt.NDArray[np.bool_]:
    return np.isin(digests, np.concatenate(others)) if others else np.zeros(len(digests), dtype=bool)


def find_split(splits: Splits, name: str) -> Faces:
    """Return the faces of a split, which all have labels.

    Raises:
        DataError: there is no such split (those that exist are listed), it is empty, or it has faces without a label.
    """
    there = splits.named()
    if name not in there:
        found = ", ".join(f"{split} ({len(faces):,} faces)" for split, faces in there.items()) or "none"
        raise DataError(splits.source, f"expected a split {name!r}, found {found}: choose one with `split`")
    unlabelled = int((there[name].labels == UNLABELLED).sum())
    if unlabelled or not len(there[name]):
        found = f"{unlabelled:,} of {len(there[name]):,} without one"
        raise DataError(splits.source, f"split {name}: expected faces with labels, found {found}")
    return there[name]


def match_labels(labels: Labels, splits: Splits, expressions: Sequence[str]) -> Labels:
    """Return `labels`, which index into the classes of `splits`, as indices into `expressions`: matched by name.

    Raises:
        DataError: a class of the data is not among `expressions`.
    """
    there = {splits.expressions[label] for label in np.unique(labels)}
    unknown = [name for name in splits.expressions if name in there and name not in expressions]
    if unknown:
        found = f"{', '.join(unknown)} that the run does not know: leave their faces out with `known_only`"
        raise DataError(splits.source, f"expected only classes among {', '.join(expressions)}, found {found}")
    places = [expressions.index(name) if name in expressions else UNLABELLED for name in splits.expressions]
    return np.array(places, dtype=np.int64)[labels]


def _show(network: Network, batch: Tensor, views: Sequence[str], side: int) -> Tensor:
    """Return the mean probabilities (B, K) of uint8 (B, H, W), shown at `side`, over `views`."""
    faces = batch.unsqueeze(1)
    if faces.shape[-2:] != (side, side):
        faces = resize(faces / WHITE, side)

    def recognise(view: str) -> Tensor:
        return torch.stack([network(shown).float().softmax(dim=1) for shown in VIEWS[view](faces)]).mean(dim=0)

    return torch.stack([recognise(view) for view in views]).mean(dim=0)
