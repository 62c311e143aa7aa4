"""The very splits that a recipe trains on: read, resized, and with a valid split held out where one is needed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from mien.config import DataConfig
from mien.data.faces import Faces, Splits
from mien.data.load import load
from mien.data.split import hold_out_valid
from mien.errors import DataError

DEFAULT_VALID_FRACTION = 0.12


def prepare_splits(source: str, config: DataConfig, *, seed: int, skip_bad: bool = False) -> Splits:
    """Return the splits of `source` as a recipe with this `config` and `seed` trains on them.

    Where `config.valid_fraction` is set, valid is held out from train and the data's own valid is left aside; where it
    is None, the data's own valid serves, or 0.12 of train where there is none.

    Raises:
        DataError: the data cannot be read, has no labelled train split, or fewer than two classes in it.
    """
    splits = load(source, size=config.size, skip_bad=skip_bad)
    if splits.train is None or len(splits.train) == 0:
        found = ", ".join(splits.named()) or "nothing"
        raise DataError(source, f"expected labelled faces to train on, found {found}")
    fraction = config.valid_fraction
    if fraction is None and splits.valid is None:
        fraction = DEFAULT_VALID_FRACTION
    if fraction is None:
        return splits
    return hold_out_valid(replace(splits, valid=None), fraction=fraction, seed=seed, stratify=config.stratify)


def fingerprint(faces: Faces | None) -> str:
    """Return a digest of pixels and labels: equal for equal faces in equal order, whatever file they came from."""
    if faces is None:
        return "none"
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr(faces.images.shape).encode())
    digest.update(np.ascontiguousarray(faces.images).data)
    digest.update(np.ascontiguousarray(faces.labels).data)
    return digest.hexdigest()
