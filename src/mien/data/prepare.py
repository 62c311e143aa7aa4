"""The very splits that a recipe trains on: source, recipe and seed go in, `Splits` come out.

Read and resized, without the faces that a list leaves out, with a valid split held out where one is needed, and with
the labels that the recipe asks for.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.data.copies import hash_images
from mien.data.images import resize_faces
from mien.data.loading import load
from mien.data.only import keep_only
from mien.data.split import hold_out_valid
from mien.data.votes import label_by_votes, read_votes
from mien.errors import ConfigError, DataError
from mien.faces import Faces, Splits, cut_blocks
from mien.recipes.schema import DataConfig

DEFAULT_VALID_FRACTION = 0.12


def prepare_splits(source: str, config: DataConfig, *, seed: int, skip_bad: bool = False) -> Splits:
    """Return the splits of `source` as a recipe with this `config` and `seed` trains on them.

    First the faces that `config.only` does not name are left out, then valid is held out, then train is cut to
    `config.train_fraction`, then FER+ votes give the labels: so valid consists of the same pictures, whoever labelled
    them and however few are trained on. Where `config.valid_fraction` is set, valid is held out from train and the
    data's own valid is left aside; where it is None, the data's own valid serves, or 0.12 of train where there is none.

    Raises:
        ConfigError: votes without a labelling by them, or the reverse.
        DataError: the data, the list or the votes cannot be read, or there is no labelled train split.
    """
    return prepare_loaded(read_data(source, config, skip_bad=skip_bad), config, seed=seed)


def read_data(source: str | Splits, config: DataConfig, *, size: int | None = None, skip_bad: bool = False) -> Splits:
    """Return all faces of `source`, its classes and columns named as `config` names them.

    Args:
        source: see `load`; of data in memory only the size of the faces is changed.
        config: of a recipe.
        size: side of the faces in pixels, where it is not that of `config`.
        skip_bad: see `load`.

    Raises:
        DataError: the data cannot be read.
    """
    side = config.size if size is None else size
    if isinstance(source, Splits):
        return source if side is None else _resize(source, side)
    return load(source, size=side, classes=config.classes, columns=config.columns, skip_bad=skip_bad)


def _resize(splits: Splits, side: int) -> Splits:
    parts = {
        name: replace(faces, images=resize_faces(faces.images, side))
        for name, faces in splits.named().items()
        if faces.images.shape[1:] != (side, side)
    }
    return replace(splits, **parts)  # type: ignore[arg-type]


def prepare_loaded(splits: Splits, config: DataConfig, *, seed: int) -> Splits:
    """Return what `prepare_splits` makes of data that has been read."""
    _check_votes(config)
    if config.only is not None:
        splits = keep_only(splits, Path(config.only))
    splits = _hold_out(splits, config, seed)
    if config.train_fraction is not None:
        kept = hold_out_valid(splits, fraction=config.train_fraction, seed=seed, stratify=config.stratify)
        splits = replace(splits, train=kept.valid)
    if config.drop_copies and splits.train is not None:
        splits = replace(splits, train=drop_copies(splits.train))
    return label(splits, config)


def label(splits: Splits, config: DataConfig) -> Splits:
    """Return `splits` with the labels that `config` asks for: their own, or those of FER+ votes.

    Raises:
        ConfigError: votes without a labelling by them, or the reverse.
        DataError: the votes cannot be read, or belong to other faces.
    """
    _check_votes(config)
    return splits if config.votes is None else label_by_votes(splits, read_votes(Path(config.votes)), config.labels)


def _check_votes(config: DataConfig) -> None:
    if (config.votes is None) != (config.labels == "own"):
        raise ConfigError(
            "answers by FER+ take both: `labels` ferplus (ferplus8, people, both) and `votes` fer2013new.csv"
        )


def _hold_out(splits: Splits, config: DataConfig, seed: int) -> Splits:
    if splits.train is None or len(splits.train) == 0:
        found = ", ".join(splits.named()) or "nothing"
        raise DataError(splits.source, f"expected labelled faces to train on, found {found}")
    fraction = config.valid_fraction
    if fraction is None and splits.valid is None:
        fraction = DEFAULT_VALID_FRACTION
    if fraction is None:
        return splits
    return hold_out_valid(replace(splits, valid=None), fraction=fraction, seed=seed, stratify=config.stratify)


def resolve_files(config: DataConfig) -> DataConfig:
    """Return `config` with the paths of its list and votes written out: a run goes on from any folder."""
    only, votes = (None if path is None else str(Path(path).resolve()) for path in (config.only, config.votes))
    return replace(config, only=only, votes=votes)


def drop_copies(faces: Faces) -> Faces:
    """Return the first of every group of exact copies, in the order of `faces`."""
    _, first = np.unique(hash_images(faces.images), return_index=True)
    return faces.take(np.sort(first))


def fingerprint(faces: Faces | None) -> str:
    """Return a digest of pixels and labels: equal for equal faces in equal order, whatever file they came from."""
    if faces is None:
        return "none"
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr(faces.images.shape).encode())
    for block in cut_blocks(faces.images):
        digest.update(np.ascontiguousarray(block).data)
    digest.update(np.ascontiguousarray(faces.labels).data)
    if faces.targets is not None:
        digest.update(np.ascontiguousarray(faces.targets).data)
    return digest.hexdigest()
