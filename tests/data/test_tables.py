"""A table beside pictures: what its rows may say, and what is wrong with them."""

from __future__ import annotations

import io

import pytest

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.pictures import Picture
from mien.data.tables import list_table
from mien.errors import DataError

PICTURES = ("images/1.png", "images/2.jpg", "test/3.png", "test/double.png", "images/double.png")


def read(text: str, name: str = "labels.csv", *, bad: BadInputs | None = None) -> list[Picture]:
    """Return the listing of a table beside the pictures."""
    tree = Tree(
        name="faces",
        files=(*PICTURES, name),
        folders=(),
        container="folder",
        open=lambda _: io.BytesIO(text.encode()),
    )
    return list_table(tree, name, bad or BadInputs())


@pytest.mark.parametrize("name", ["images/1.png", "1.png", "1", "images/1", "./images/1.png", "images\\1.png"])
@pytest.mark.parametrize("header", ["path,label", "id,emotion", "File, Expression", '"image","class"'])
def test_a_picture_is_named_by_path_file_name_or_id(name: str, header: str) -> None:
    """The id of the face is what the table calls it."""
    (picture,) = read(f"{header}\n{name},happy\n")
    assert ("images/1.png", "happy", "train", name) == (picture.file, picture.label, picture.split, picture.id)


def test_a_table_without_labels_lists_unlabelled_pictures() -> None:
    """In the order of its rows, which a submission keeps."""
    listing = read("id\n3\n1\n2\n")
    assert [("test/3.png", "unlabelled", None), ("images/1.png", "unlabelled", None)] == [
        (picture.file, picture.split, picture.label) for picture in listing[:2]
    ]


@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        ("path,label,split\n1,happy,test\n", "labels.csv", "test"),
        ("path,label,Usage\n1,happy,PublicTest\n", "labels.csv", "valid"),
        ("path,label\n1,happy\n", "test.csv", "test"),
        ("path,label\ntest/3.png,happy\n", "labels.csv", "test"),
        ("path,label\n1,happy\n", "labels.csv", "train"),
    ],
)
def test_the_split_is_told_by_column_table_or_path(text: str, table: str, expected: str) -> None:
    """In this order; otherwise it is train."""
    assert [expected] == [picture.split for picture in read(text, table)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("9,happy,train", "expected one picture called '9' beside the table, found none"),
        ("double,happy,train", "expected one picture called 'double' beside the table, found several"),
        ("1,,train", "expected a label, found none"),
        ("1,happy", "expected at least 3 columns, found 2"),
        ("1,happy,later", "expected Usage Training, PublicTest or PrivateTest, found 'later'"),
    ],
)
def test_a_bad_row_is_named_by_its_line(row: str, message: str) -> None:
    """Where it may be skipped, the others are read."""
    text = f"path,label,split\n1,happy,train\n{row}\n2,sad,train\n"
    with pytest.raises(DataError) as caught:
        read(text)
    assert f"faces/labels.csv line 3: {message}" == str(caught.value)
    bad = BadInputs(skip=True)
    assert (2, 1) == (len(read(text, bad=bad)), len(bad.lines))


def test_a_whole_path_is_never_in_doubt() -> None:
    """Two pictures may share a file name."""
    assert ["test/double.png"] == [picture.file for picture in read("path,label\ntest/double.png,sad\n")]


def test_a_table_needs_a_column_of_names() -> None:
    """Those that are there are listed."""
    with pytest.raises(
        DataError, match=r"labels.csv line 1: expected a column pixels, path or id, found colour, label"
    ):
        read("colour,label\nred,happy\n")
