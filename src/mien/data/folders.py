"""Which folders are classes, which are splits: the paths in a `Tree` go in, a listing of pictures comes out.

    train/<class>/…  test/<class>/…  valid/<class>/…      splits (valid is optional), also <class>/train/…
    <class>/…                                             everything is train
    test/…  or  …                                         no class folders: unlabelled

Folders around all this (`archive/fer/train/…`), folders of persons and sources above the classes (`S001/happy/…`,
`CK/happy/…`) and what stands below a class folder (`happy/anna/1.jpg`) do not matter. The classes are the level whose
names are expressions; where no level has any and several could be meant, nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mien.data.archives import Tree, name_outer
from mien.data.bad import BadInputs
from mien.data.listing import Reading
from mien.data.names import canonical_split, find_doubtful_splits
from mien.data.pictures import Picture
from mien.errors import DataError
from mien.labels import LOOSE_SPELLINGS, canonical_expression, expand_code

_FILLERS = frozenset(
    [
        "images",
        "image",
        "imgs",
        "img",
        "pictures",
        "pics",
        "photos",
        "faces",
        "face",
        "data",
        "dataset",
        "jpg",
        "png",
        "aligned",
        "cropped",
        "crops",
    ]
)
"""Folders that say nothing of the pictures in them."""

_PERSON = re.compile(
    r"^(s|p|id|af|am|bf|bm|sub|subj|subject|person|people|actor|actress|user|participant|patient|speaker|sn|m|f|w|n)"
    r"[-_ ]?\d+[a-z]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A picture's folders: the splits among them, and the others but those that say nothing."""

    file: str
    splits: tuple[str, ...]
    parts: tuple[str, ...]


def list_pictures(tree: Tree, bad: BadInputs, reading: Reading | None = None) -> list[Picture]:
    """Return what the folders tell of each picture.

    Raises:
        DataError: a class folder is empty, and that may not be skipped; or two levels of folders could be the classes,
            or two splits that of a picture.
    """
    places = [_find_place(file) for file in tree.pictures]
    places = _drop_outer(places)
    level = _Levels(tree, places, reading or Reading()).choose(bad)
    listing = [_understand(tree, place, level) for place in places]
    _check_splits(tree, bad)
    if level is not None:
        _check_folders(tree, listing, places, level, bad)
        _remark(tree, places, level, listing, bad)
    return listing


def has_classes(listing: Sequence[Picture]) -> bool:
    """Tell whether the folders name classes: at least two, or one that is an expression."""
    labels = {picture.label for picture in listing if picture.label is not None}
    return len(labels) > 1 or any(canonical_expression(label) for label in labels)


def find_splits(file: str) -> tuple[str, ...]:
    """Return the splits that the folders of a picture name, from the outside in, each once."""
    return _read_folder(file.rpartition("/")[0])[0]


def _find_place(file: str) -> _Place:
    return _Place(file, *_read_folder(file.rpartition("/")[0]))


@lru_cache(maxsize=4096)  # pictures stand in few folders
def _read_folder(folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the splits of a folder's path, each once, and its other parts but those that say nothing."""
    folders = folder.split("/") if folder else []
    splits = dict.fromkeys(split for part in folders if (split := canonical_split(part)))
    return tuple(splits), tuple(
        part for part in folders if canonical_split(part) is None and part.lower() not in _FILLERS
    )


def _drop_outer(places: Sequence[_Place]) -> list[_Place]:
    """Return the places without the folders that stand around all of them, unless one is the only class."""
    depth = 0
    while places:
        names = {place.parts[depth] if depth < len(place.parts) else None for place in places}
        name = next(iter(names))
        if len(names) > 1 or name is None or canonical_expression(name):
            break
        depth += 1
    # the innermost folder of all may be the class of unsplit pictures, which one class alone is not
    kept = [_Place(place.file, _drop_shared(place.splits, places), place.parts[depth:]) for place in places]
    if depth and not any(place.parts for place in kept) and any(place.splits for place in kept):
        return [
            _Place(place.file, place.splits, old.parts[depth - 1 :]) for place, old in zip(kept, places, strict=True)
        ]
    return kept


def _drop_shared(splits: Sequence[str], places: Sequence[_Place]) -> tuple[str, ...]:
    """Return the splits less an outer one that all pictures share, where further ones follow."""
    first = splits[0] if len(splits) > 1 else None
    shared = first is not None and all(len(place.splits) > 1 and place.splits[0] == first for place in places)
    return tuple(splits[1:]) if shared else tuple(splits)


@dataclass(frozen=True, slots=True)
class _Levels:
    """The levels of folders that could be the classes."""

    tree: Tree
    places: Sequence[_Place]
    reading: Reading

    def choose(self, bad: BadInputs) -> int | None:
        """Return the level of the classes, -1 where each picture has one expression at a level of its own, or None.

        Raises:
            DataError: several could be meant.
        """
        names = self._names()
        if not names:
            return None
        by_user = [level for level, found in enumerate(names) if self._is_named(found)]
        if by_user:
            return by_user[0]
        return (
            self._choose_by_words(names, bad) if any(map(_count_expressions, names)) else self._choose_alone(names, bad)
        )

    def _names(self) -> list[set[str]]:
        depth = max((len(place.parts) for place in self.places), default=0)
        return [{place.parts[level] for place in self.places if level < len(place.parts)} for level in range(depth)]

    def _is_named(self, found: set[str]) -> bool:
        naming = self.reading.naming
        wanted = {name.lower() for name in (*naming.names, *naming.by_label)}
        return bool(wanted) and {name.lower() for name in found} <= wanted

    def _choose_by_words(self, names: Sequence[set[str]], bad: BadInputs) -> int:
        counts = [_count_expressions(found) for found in names]
        full = [level for level, found in enumerate(names) if counts[level] == len(found)]
        some = [level for level, count in enumerate(counts) if count]
        if len(some) == 1 and (counts[some[0]] > 1 or some == full or len(names) == 1):
            return some[0]
        if all(_count_expressions(set(place.parts)) == 1 for place in self.places if place.parts):
            return -1
        if len(full) == 1 and len(some) > 1 and counts[full[0]] > max(counts[one] for one in some if one != full[0]):
            return full[0]
        if len(some) == 1:
            return some[0]
        raise self._refuse(names, some)

    def _choose_alone(self, names: Sequence[set[str]], bad: BadInputs) -> int | None:
        """Return the level where none holds an expression: what is left without persons, if that is one."""
        coded = [level for level, found in enumerate(names) if len(found) > 1 and all(map(expand_code, found))]
        if len(coded) == 1:
            return coded[0]
        varied = [level for level, found in enumerate(names) if len(found) > 1 or level == 0]
        persons = [level for level in varied if len(names[level]) > 1 and all(map(_PERSON.match, names[level]))]
        left = [level for level in varied if level not in persons]
        if not left and persons:
            shown = ", ".join(sorted(names[persons[0]])[:3])
            bad.note(f"folders that look like persons ({shown}, …) are no classes")
            return None
        if len(left) > 1:
            raise self._refuse(names, left)
        return left[0] if left else None

    def _refuse(self, names: Sequence[set[str]], levels: Sequence[int]) -> DataError:
        shown = [", ".join(sorted(names[level])[:3]) + (", …" if len(names[level]) > 3 else "") for level in levels]
        problem = " or ".join(f"{{{one}}}" for one in shown[:3])
        advice = "choose by naming them all: `classes` NAME,NAME,…"
        return DataError(self.tree.name, f"expected one level of folders that are classes, found {problem}: {advice}")


def _count_expressions(names: set[str]) -> int:
    plain = sum(canonical_expression(name) is not None for name in names)
    loose = sum(name.lower() in LOOSE_SPELLINGS and canonical_expression(name) is None for name in names)
    return plain + (loose if plain > 1 else 0)


def _understand(tree: Tree, place: _Place, level: int | None) -> Picture:
    split = _decide_split(tree, place)
    if level is None:
        label = None
    elif level < 0:
        label = next((part for part in place.parts if canonical_expression(part)), None)
    else:
        label = place.parts[level] if level < len(place.parts) else None
    if label is None or split == "unlabelled":
        return Picture(file=place.file, split="unlabelled", label=None, id=place.file)
    split = _correct_split(split, place.file.rpartition("/")[2])
    return Picture(file=place.file, split=split or "train", label=label, id=place.file)


def _decide_split(tree: Tree, place: _Place) -> str | None:
    if len(place.splits) > 1 and set(place.splits) != {"test", "valid"}:
        found = " and ".join(place.splits)
        raise DataError(tree.locate(place.file), f"expected folders of one split around a picture, found {found}")
    return place.splits[-1] if place.splits else None


def _correct_split(split: str | None, name: str) -> str | None:
    """Return the split that a file of the widespread copy of FER2013 came from: its test/ holds both."""
    told = canonical_split(name.split("_")[0]) if split in ("test", None) and "_" in name else None
    if split is None:
        return told if name.lower().startswith(("publictest_", "privatetest_", "training_")) else None
    return told if told in ("valid", "test") else split


def _check_splits(tree: Tree, bad: BadInputs) -> None:
    """Say what a folder dev or eval was taken for.

    Raises:
        DataError: eval stands beside another valid split, and no test does.
    """
    around = {file.rpartition("/")[0] for file in tree.pictures}
    folders = {part for folder in around for part in folder.split("/") if canonical_split(part)}
    doubtful = find_doubtful_splits(folders)
    if not doubtful:
        return
    others = [name for name in folders if canonical_split(name) == "valid" and name not in doubtful]
    has_test = any(canonical_split(name) == "test" for name in folders)
    if not has_test and (others or len(doubtful) > 1):
        found = " and ".join(sorted((*others, *doubtful)))
        raise DataError(tree.name, f"expected one valid split, found {found}: name the one to test on test")
    bad.note(f"{' and '.join(doubtful)} is read as valid")


def _check_folders(
    tree: Tree, listing: Sequence[Picture], places: Sequence[_Place], level: int, bad: BadInputs
) -> None:
    """Complain of each class folder without a picture."""
    direct = {file.rpartition("/")[0] for file in tree.pictures}
    filled = name_outer(direct)
    present = {picture.label for picture in listing}
    parents = set()
    for picture, place in zip(listing, places, strict=True):
        if picture.label is not None:
            folders = picture.file.split("/")[:-1]
            parents.add(("/".join(folders[: folders.index(picture.label)]), level > 0 or len(place.splits) > 1))
    for folder in tree.folders:
        parent, _, name = folder.rpartition("/")
        is_split = canonical_split(name) is not None or name.lower() in _FILLERS
        is_class = (parent, False) in parents or ((parent, True) in parents and name not in present)
        if is_class and not is_split and folder not in filled:
            bad.add(DataError(tree.locate(folder), "expected at least one picture of this class, found none"))


def _list_above(parts: Sequence[str]) -> Sequence[str]:
    level = next((number for number, part in enumerate(parts) if canonical_expression(part)), 0)
    return parts[:level]


def _remark(tree: Tree, places: Sequence[_Place], level: int, listing: Sequence[Picture], bad: BadInputs) -> None:
    """Say which folders above the classes were taken for persons or sources, and what lies outside of the classes."""
    above = {name for place in places for name in place.parts[: max(level, 0)]}
    if level < 0:
        above = {part for place in places for part in _list_above(place.parts)}
    if above:
        shown = ", ".join(sorted(above)[:3]) + (f" and {len(above) - 3} more" if len(above) > 3 else "")
        bad.note(f"folders above the classes are read as persons or sources: {shown}")
    outside = sum(picture.label is None and not place.splits for picture, place in zip(listing, places, strict=True))
    if outside:
        bad.note(f"{outside:,} pictures lie outside of the class folders: read as unlabelled")
