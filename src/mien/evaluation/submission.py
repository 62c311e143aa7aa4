"""The leaderboard file. In: faces without labels and what a run answers. Out: a CSV file `id,label`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from mien.errors import DataError, MienError
from mien.faces import Faces, Splits
from mien.files import make_folder, write_rows

HEADER = ("id", "label")


def choose_faces(splits: Splits) -> tuple[str, Faces]:
    """Return the split to answer for, and its name: the unlabelled faces, or test where all have labels.

    Raises:
        DataError: the data has neither.
    """
    for name in ("unlabelled", "test"):
        if name in splits.named():
            return name, splits.named()[name]
    found = ", ".join(splits.named()) or "nothing"
    raise DataError(splits.source, f"expected faces without labels, or a test split, found {found}")


def refuse_overwriting(path: Path, *, force: bool) -> None:
    """Raise MienError if there is a file at `path`, unless `force`."""
    if path.is_dir():
        raise MienError(f"{path}: expected the name of a file, found a folder")
    if path.exists() and not force:
        raise MienError(f"{path}: exists already: give --force to overwrite it, or another --out")


def write_submission(path: Path, ids: Iterable[str], labels: Iterable[object], *, force: bool = False) -> None:
    """Write one line a face, `id,label`, in the order given.

    Args:
        path: of the CSV file.
        ids: as the data names its faces.
        labels: class indices, or names.
        force: whether a file that is there may be replaced.

    Raises:
        MienError: there is a file already, or it cannot be written.
    """
    refuse_overwriting(path, force=force)
    make_folder(path.parent)
    write_rows(path, chain([HEADER], zip(ids, labels, strict=True)))
