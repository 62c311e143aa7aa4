"""Show faces to a trained network. In: a `Run` and `Splits`. Out: an `Evaluation`; every figure is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from mien.checkpoint import Run
from mien.data.copies import hash_images
from mien.data.faces import UNLABELLED, Faces, Images, Labels, Splits
from mien.errors import ConfigError, DataError
from mien.models import Network
from mien.models.network import WHITE
from mien.results import Evaluation

BATCH_SIZE = 128
VIEWS: dict[str, Callable[[Tensor], Tensor]] = {"plain": lambda faces: faces, "mirror": lambda faces: faces.flip(-1)}
"""Ways of showing a face: name -> function of (B, 1, S, S)."""


def pick_device(name: str) -> torch.device:
    """Return the device called `name`; "auto" is the best there is.

    Raises:
        ConfigError: no such device on this machine.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    usable = [device for device, found in there.items() if found]
    if name != "auto" and name not in usable:
        raise ConfigError(f"--device {name}: expected one of auto, {', '.join(usable)} on this machine")
    return torch.device(usable[0] if name == "auto" else name)


def parse_views(text: str) -> tuple[str, ...]:
    """Return the views that a comma-separated list names.

    Raises:
        ConfigError: a name that is not in `VIEWS`, or one twice.

    >>> parse_views("plain, mirror")
    ('plain', 'mirror')
    """
    names = tuple(name.strip() for name in text.split(","))
    if not set(names) <= set(VIEWS) or len(set(names)) < len(names):
        raise ConfigError(f"--views {text}: expected some of {','.join(VIEWS)}, each once, separated by commas")
    return names


def predict_probabilities(
    network: Network,
    images: Images,
    *,
    batch_size: int = BATCH_SIZE,
    device: str | torch.device = "cpu",
    views: Sequence[str] = ("plain",),
) -> npt.NDArray[np.float32]:
    """Return the probabilities (N, K) of each face, the mean over `views`; rows sum to 1.

    Args:
        network: moved to `device` and put into evaluation mode.
        images: uint8 (N, H, W); resized, smoothly, where the network takes another size.
        batch_size: faces shown at a time.
        device: of torch.
        views: names of `VIEWS`, at least one.

    Raises:
        DataError: there are no faces.
    """
    if not len(images):
        raise DataError("faces", "expected at least one to recognise, found none")
    # Only the layout that the network trains in: another one would change the last bits of a training that goes on.
    network = network.to(device, memory_format=network.memory_format).eval()  # type: ignore[call-overload]
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            # A copy, because torch warns of the read-only memory that cached faces live in.
            batch = torch.from_numpy(np.array(images[start : start + batch_size])).to(device)
            parts.append(_show(network, batch, views).cpu())
    return torch.cat(parts).numpy()


def evaluate_split(
    run: Run,
    splits: Splits,
    split: str,
    *,
    seen: Splits | None = None,
    batch_size: int = BATCH_SIZE,
    device: str | torch.device = "cpu",
    views: Sequence[str] = ("plain",),
) -> Evaluation:
    """Return what `run` answers on one split.

    Args:
        run: the trained network.
        splits: the data; every class of it is one of the run's.
        split: name of the split.
        seen: the data that the run was trained on, if it is not `splits`: where exact copies are looked for.
        batch_size: see `predict_probabilities`.
        device: likewise.
        views: likewise.

    Raises:
        DataError: no such split, no labels in it, or classes that the run does not know.
    """
    faces, network, seen = find_split(splits, split), run.network, seen or splits
    return Evaluation(
        labels=match_labels(faces.labels, splits, run.expressions),
        probabilities=predict_probabilities(network, faces.images, batch_size=batch_size, device=device, views=views),
        ids=faces.ids,
        copies=find_copies(faces, seen),
        expressions=run.expressions,
        split=split,
        source=splits.source,
        trained_on=run.source,
        copies_sought_in=seen.source,
        synthetic=splits.synthetic or run.synthetic,
        recipe=run.recipe.name,
        epoch=run.epoch,
        views=tuple(views),
    )


def find_copies(faces: Faces, seen: Splits) -> npt.NDArray[np.bool_]:
    """Return bool (N,), True where the very pixels stand in train or valid of `seen`, other than as `faces` itself."""
    others = [split for split in (seen.train, seen.valid) if split is not None and split is not faces]
    digests = [hash_images(other.images) for other in others]
    return np.isin(hash_images(faces.images), np.concatenate(digests)) if digests else np.zeros(len(faces), dtype=bool)


def find_split(splits: Splits, name: str) -> Faces:
    """Return the faces of a split, which all have labels.

    Raises:
        DataError: there is no such split (those that exist are listed), it is empty, or it has faces without a label.
    """
    there = splits.named()
    if name not in there:
        found = ", ".join(f"{split} ({len(faces):,} faces)" for split, faces in there.items()) or "none"
        raise DataError(splits.source, f"expected a split {name!r}, found {found}: choose one with --split")
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
    unknown = [name for name in splits.expressions if name not in expressions]
    if unknown:
        found = f"{', '.join(unknown)} that the run does not know"
        raise DataError(splits.source, f"expected only classes among {', '.join(expressions)}, found {found}")
    return np.array([expressions.index(name) for name in splits.expressions], dtype=np.int64)[labels]


def _show(network: Network, batch: Tensor, views: Sequence[str]) -> Tensor:
    """Return the mean probabilities (B, K) of uint8 (B, H, W) over `views`."""
    side = (network.size, network.size)
    faces = batch.unsqueeze(1)
    if faces.shape[-2:] != side:
        faces = F.interpolate(faces / WHITE, side, mode="bilinear", antialias=True)
    return torch.stack([network(VIEWS[view](faces)).float().softmax(dim=1) for view in views]).mean(dim=0)
