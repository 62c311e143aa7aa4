"""Folders of class folders: the names in a `Tree` go in, a listing of pictures with split and class comes out.

    train/<class>/…  test/<class>/…  valid/<class>/…      splits (valid is optional)
    <class>/…                                             everything is train
    test/…  or  …                                         no class folders: unlabelled

Folders around all this (`archive/fer/train/…`) and below a class folder (`happy/anna/1.jpg`) do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from mien.data.archives import Tree, name_outer
from mien.data.bad import BadInputs
from mien.data.names import canonical_split
from mien.data.pictures import Picture
from mien.errors import DataError
from mien.labels import canonical_expression

_LABELLED = ("train", "valid", "test")


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
    parts = file.split("/")
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
    direct = {file.rpartition("/")[0] for file in tree.pictures}
    filled = name_outer(direct)
    has_splits = any(canonical_split(part) in _LABELLED for folder in direct for part in folder.split("/")[depth:][:1])
    class_depth = depth + (2 if has_splits else 1)
    for folder in tree.folders:
        parts = folder.split("/")
        is_class = len(parts) == class_depth and (canonical_split(parts[depth]) in _LABELLED) == has_splits
        if is_class and folder not in filled:
            bad.add(DataError(tree.locate(folder), "expected at least one picture of this class, found none"))
