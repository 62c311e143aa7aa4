"""Folders of class folders: the names in a `Tree` go in, a listing of pictures with split and class comes out.

    train/<class>/…  test/<class>/…  valid/<class>/…      splits (valid is optional)
    <class>/…                                             everything is train
    test/…  or  …                                         no class folders: unlabelled

Folders around all this (`archive/fer/train/…`) and below a class folder (`happy/anna/1.jpg`) do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.names import canonical_split
from mien.data.pictures import Picture
from mien.errors import DataError
from mien.labels import canonical_expression


def list_pictures(tree: Tree, bad: BadInputs) -> list[Picture]:
    """Return what the folders tell of each picture.

    Raises:
        DataError: a class folder is empty, and that may not be skipped.
    """
    pictures = tree.pictures
    depth = _count_outer(pictures)
    listing = [_understand_path(file, depth) for file in pictures]
    if any(picture.label is not None for picture in listing):
        _check_folders(tree, depth, bad)
        return [picture for picture in listing if picture.label is not None or picture.split == "unlabelled"]
    return listing


def has_classes(listing: Sequence[Picture]) -> bool:
    """Tell whether the folders name classes: at least two, or one that is an expression."""
    labels = {picture.label for picture in listing if picture.label is not None}
    return len(labels) > 1 or any(canonical_expression(label) for label in labels)


def _count_outer(pictures: Sequence[str]) -> int:
    """Return how many folders stand around all pictures and are neither splits nor classes."""
    paths = [file.split("/")[:-1] for file in pictures]
    depth = 0
    while paths:
        names = {path[depth] if depth < len(path) else None for path in paths}
        name = next(iter(names))
        if len(names) > 1 or name is None or canonical_split(name):
            break
        if any(len(path) == depth + 1 for path in paths) and canonical_expression(name):
            break  # the only class
        depth += 1
    return depth


def _understand_path(file: str, depth: int) -> Picture:
    parts = PurePosixPath(file).parts
    folders = parts[depth:-1]
    split = canonical_split(folders[0]) if folders else None
    rest = folders[1:] if split else folders
    if not rest or split == "unlabelled":
        return Picture(file=file, split="unlabelled", label=None, id=file)
    return Picture(file=file, split=_correct_split(split or "train", parts[-1]), label=rest[0], id=file)


def _correct_split(split: str, name: str) -> str:
    """Return the split that a file of the widespread copy of FER2013 came from: its test/ holds both."""
    told = canonical_split(name.split("_")[0]) if split == "test" and "_" in name else None
    return told if told in ("valid", "test") else split


def _check_folders(tree: Tree, depth: int, bad: BadInputs) -> None:
    """Complain of each class folder without a picture."""
    filled = {str(parent) for file in tree.pictures for parent in PurePosixPath(file).parents}
    for folder in tree.folders:
        parts = folder.split("/")[depth:]
        class_depth = 2 if parts and canonical_split(parts[0]) else 1
        if len(parts) == class_depth and folder not in filled and _is_class(parts, tree, depth):
            bad.add(DataError(tree.locate(folder), "expected at least one picture of this class, found none"))


def _is_class(parts: Sequence[str], tree: Tree, depth: int) -> bool:
    """Tell whether an empty folder was meant for a class: it stands where class folders stand."""
    outermost = {file.split("/")[depth] for file in tree.pictures}
    has_splits = any(canonical_split(name) for name in outermost)
    return not canonical_split(parts[-1]) and (len(parts) == 2) == has_splits
