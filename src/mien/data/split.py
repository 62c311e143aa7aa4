"""Hold a validation split out of train: `Splits` without a valid split go in, the same with one come out.

Exact copies of a face always stay together, on one side of the cut.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mien.data.copies import hash_images
from mien.errors import ConfigError, DataError
from mien.faces import UNLABELLED, Faces, Splits

_LEAST = 2


def hold_out_valid(splits: Splits, *, fraction: float, seed: int, stratify: bool = True) -> Splits:
    """Return `splits` with round(`fraction` x N) of the N faces of train as valid, drawn at random; the rest is train.

    The number is exact unless train consists of copies alone. FER2013's 28,709 faces and 0.12 leave 25,264.

    Args:
        splits: has a train split; a valid split that it has is replaced.
        fraction: of train, above 0 and below 1.
        seed: of the drawing; equal seeds give equal splits.
        stratify: draw the same fraction of every class, as far as whole faces and groups of copies allow.

    Raises:
        ConfigError: `fraction` is out of range.
        DataError: there is no train split, it is too small, or a class has fewer than two faces when stratifying.
    """
    if not 0.0 < fraction < 1.0:
        raise ConfigError(f"valid_fraction: expected more than 0 and less than 1, found {fraction}")
    if splits.train is None:
        raise DataError(splits.source, f"expected a train split, found {', '.join(splits.named()) or 'nothing'}")
    quotas = _share_out(splits, splits.train, fraction, stratify)
    chosen = _draw(splits.train, quotas, np.random.default_rng(seed), stratify)
    train, valid = splits.train.take(np.flatnonzero(~chosen)), splits.train.take(np.flatnonzero(chosen))
    if not len(train) or not len(valid):
        held = f"{len(valid)} of {len(splits.train)} faces held out"
        raise DataError(splits.source, f"expected faces in train and valid, found {held} by a fraction of {fraction}")
    return replace(splits, train=train, valid=valid)


def _share_out(splits: Splits, train: Faces, fraction: float, stratify: bool) -> npt.NDArray[np.int64]:
    """Return how many faces of each class go to valid: largest remainders, none empty where that can be avoided."""
    total = round(fraction * len(train))
    if not stratify:
        return np.array([total])
    counts = np.bincount(train.labels[train.labels != UNLABELLED], minlength=len(splits.expressions))
    for name, count in zip(splits.expressions, counts, strict=True):
        if count < _LEAST:
            found = f"found {count}: add some, or do not stratify"
            raise DataError(splits.source, f"train, class {name}: expected at least {_LEAST} faces to split, {found}")
    exact = counts * fraction
    quotas = np.floor(exact).astype(np.int64)
    quotas[np.argsort(quotas - exact, kind="stable")[: total - quotas.sum()]] += 1
    for label in np.flatnonzero(quotas == 0):
        if quotas.max() > 1:
            quotas[quotas.argmax()] -= 1
            quotas[label] = 1
    return np.asarray(quotas)


def _draw(
    train: Faces, quotas: npt.NDArray[np.int64], rng: np.random.Generator, stratify: bool
) -> npt.NDArray[np.bool_]:
    """Return bool (N,): True for each face that goes to valid.

    Groups of copies come in random order; one goes to valid if it fits into what is left of every quota. Single faces,
    which always fit, fill the quotas to the last place.
    """
    labels = train.labels if stratify else np.zeros(len(train), dtype=np.int64)
    _, group_of = np.unique(hash_images(train.images), return_inverse=True)
    by_group = np.argsort(group_of, kind="stable")
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(group_of[by_group])) + 1, [len(by_group)]])
    left = quotas.copy()
    chosen = np.zeros(len(train), dtype=bool)
    for group in rng.permutation(len(bounds) - 1):
        members = by_group[bounds[group] : bounds[group + 1]]
        needed = np.bincount(labels[members], minlength=len(left))
        if (needed <= left).all():
            left -= needed
            chosen[members] = True
            if not left.any():
                break
    return chosen
