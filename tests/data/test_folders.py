"""What the names of folders tell of a picture."""

from __future__ import annotations

import io

import pytest

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.folders import has_classes, list_pictures
from mien.errors import DataError


def make_tree(*files: str, folders: tuple[str, ...] = ()) -> Tree:
    """Return a tree with these files."""
    return Tree(
        name="faces", files=tuple(sorted(files)), folders=folders, container="folder", open=lambda _: io.BytesIO()
    )


def understand(*files: str) -> list[tuple[str, str | None]]:
    """Return split and class of each picture, in the order of their names."""
    return [(picture.split, picture.label) for picture in list_pictures(make_tree(*files), BadInputs())]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["train/happy/1.png", "test/sad/2.png"], [("test", "sad"), ("train", "happy")]),
        (["Training/Happy/1.png", "Validation/0/2.png"], [("train", "Happy"), ("valid", "0")]),
        (["happy/1.png", "sad/2.png"], [("train", "happy"), ("train", "sad")]),
        (["open/1.png", "shut/2.png"], [("train", "open"), ("train", "shut")]),
        (["archive/fer/train/a/1.png", "archive/fer/test/b/2.png"], [("test", "b"), ("train", "a")]),
        (["happy/anna/1.png", "sad/ben/2/3.png"], [("train", "happy"), ("train", "sad")]),
        (["train/happy/1.png", "train/sad/2.png", "test/3.png"], [("unlabelled", None)] + [("train", "happy")] * 0),
        (["train/happy/1.png"], [("train", "happy")]),
        (["happy/1.png"], [("train", "happy")]),
        (["1.png", "2.png"], [("unlabelled", None)] * 2),
        (["holiday/1.png", "holiday/2.png"], [("unlabelled", None)] * 2),
        (["test/1.png", "test/2.png"], [("unlabelled", None)] * 2),
        (["unlabelled/1.png", "train/happy/2.png", "train/sad/3.png"], [("train", "happy"), ("train", "sad")]),
    ],
)
def test_split_and_class_are_told_by_folders(files: list[str], expected: list[tuple[str, str | None]]) -> None:
    """However deep they stand, and however they are spelled."""
    found = understand(*files)
    assert expected == [one for one in found if one in expected][: len(expected)]
    assert len(files) == len(found)


def test_the_widespread_copy_of_fer2013_hides_valid_in_test() -> None:
    """Its file names tell PublicTest from PrivateTest; elsewhere such a name means nothing."""
    files = ["test/sad/PrivateTest_1.jpg", "test/sad/PublicTest_2.jpg", "train/sad/PublicTest_3.jpg", "test/sad/4.jpg"]
    assert [("test", "sad"), ("test", "sad"), ("valid", "sad"), ("train", "sad")] == understand(*files)


def test_an_empty_class_folder_is_a_mistake_of_the_user() -> None:
    """It is named; with --skip-bad it is left out."""
    tree = make_tree("train/happy/1.png", "train/sad/2.png", folders=("train", "train/angry", "train/sad", "misc/no"))
    with pytest.raises(
        DataError, match=r"^faces/train/angry: expected at least one picture of this class, found none$"
    ):
        list_pictures(tree, BadInputs())
    bad = BadInputs(skip=True)
    assert (2, 1) == (len(list_pictures(tree, bad)), len(bad.lines))


def test_an_empty_split_folder_is_no_class() -> None:
    """Nothing was meant to be in it yet."""
    tree = make_tree("happy/1.png", "sad/2.png", folders=("happy", "sad", "test"))
    assert 2 == len(list_pictures(tree, BadInputs()))


def test_one_foreign_folder_makes_no_classes() -> None:
    """At least two, or one that is an expression."""
    listings = [["a/1.png", "b/2.png"], ["happy/1.png"], ["train/a/1.png"], ["1.png"]]
    found = [has_classes(list_pictures(make_tree(*files), BadInputs())) for files in listings]
    assert [True, True, False, False] == found
