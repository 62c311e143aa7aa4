"""`read_pixel_table`: every form of the challenge's table, and what is wrong with a row."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mien.data import csv as pixel_csv
from mien.data.bad import BadInputs
from mien.data.csv import read_pixel_table
from mien.data.gather import Gathered
from mien.data.names import SPLITS
from mien.errors import DataError
from mien.faces import UNLABELLED

SIDE = 8
FACES = np.random.default_rng(0).integers(0, 256, (40, SIDE, SIDE)).astype(np.uint8)
USAGES = ("Training", "PublicTest", "PrivateTest")


def write_pixels(index: int) -> str:
    """Return the pixels of a face as text."""
    return " ".join(map(str, FACES[index].ravel().tolist()))


def write_rows(form: str = "{emotion},{pixels},{usage}", *, header: str = "emotion,pixels,Usage") -> list[str]:
    """Return a table, one row a face, in this form."""
    rows = [
        form.format(emotion=index % 7, pixels=write_pixels(index), usage=USAGES[index % 3])
        for index in range(len(FACES))
    ]
    return [header, *rows]


def read(lines: list[str], name: str = "fer2013.csv", *, end: str = "\n", skip: bool = False) -> Gathered:
    """Return what is read from these lines."""
    return read_pixel_table(io.BytesIO((end.join(lines) + end).encode()), name, BadInputs(skip=skip))


def assert_all(found: Gathered) -> None:
    """Hold all faces, labels and splits against what was written."""
    np.testing.assert_array_equal(FACES, found.images)
    assert [index % 7 for index in range(len(FACES))] == found.labels.tolist()
    assert [SPLITS[index % 3] for index in range(len(FACES))] == [SPLITS[split] for split in found.splits]


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("emotion,pixels,Usage", "{emotion},{pixels},{usage}"),
        ("emotion, Usage, pixels", "{emotion},{usage},{pixels}"),
        ("pixels,emotion,Usage", "{pixels},{emotion},{usage}"),
        ('"emotion","pixels","Usage"', '"{emotion}","{pixels}","{usage}"'),
        ("\ufeffemotion,pixels,Usage", "{emotion}, {pixels} ,{usage}"),
        ("row,emotion,pixels,Usage,note", "7,{emotion},{pixels},{usage},none"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_columns_stand_in_any_order_quoted_or_not(header: str, form: str, end: str) -> None:
    """fer2013.csv, icml_face_data.csv with its blanks, quotes, a byte order mark, foreign columns, any line end."""
    assert_all(read(write_rows(form, header=header), end=end))


def test_the_last_line_needs_no_end() -> None:
    """A file that stops right after its last row is whole."""
    assert_all(read_pixel_table(io.BytesIO("\n".join(write_rows()).encode()), "fer2013.csv", BadInputs()))


@pytest.mark.parametrize("block_bytes", [1, 64, 1000, 10_000])
def test_blocks_may_end_anywhere(block_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two rows, within a number, or before the first row has ended."""
    monkeypatch.setattr(pixel_csv, "BLOCK_BYTES", block_bytes)
    assert_all(read(write_rows()))


def test_ids_are_row_numbers_from_0() -> None:
    """As in the challenge's own listings."""
    assert [str(index) for index in range(len(FACES))] == read(write_rows()).ids.tolist()


@pytest.mark.parametrize(
    ("name", "split"), [("train.csv", "train"), ("fer/test.csv", "test"), ("valid.csv", "valid"), ("x.csv", "train")]
)
def test_without_usage_the_name_of_the_table_tells_the_split(name: str, split: str) -> None:
    """The challenge's train.csv has no Usage; neither have tables of one's own."""
    found = read(write_rows("{emotion},{pixels}", header="emotion,pixels"), name)
    assert {split} == {SPLITS[index] for index in found.splits}


def test_pixels_alone_are_unlabelled() -> None:
    """The challenge's test.csv."""
    found = read(write_rows("{pixels}", header="pixels"), "test.csv")
    assert ({"unlabelled"}, {UNLABELLED}) == ({SPLITS[index] for index in found.splits}, set(found.labels.tolist()))
    np.testing.assert_array_equal(FACES, found.images)


def spoil(line: int, row: str) -> list[str]:
    """Return a table with this row at that line."""
    lines = write_rows()
    lines[line - 1] = row
    return lines


BAD_ROWS = [
    (f"0,{write_pixels(0)} 9,Training", "expected 64 pixels, found 65"),
    (f"0,{write_pixels(0)[2:]}x,Training", "expected a whole number"),
    (f"8,{write_pixels(0)},Training", "expected emotion 0 to 6, found '8'"),
    (f"happy,{write_pixels(0)},Training", "expected emotion 0 to 6, found 'happy'"),
    (f",{write_pixels(0)},Training", "expected emotion 0 to 6, found ''"),
    (f"0,{write_pixels(0)},Hold", "expected Usage Training, PublicTest or PrivateTest, found 'Hold'"),
    (f"0,{write_pixels(0)}", "expected 3 columns, found 2"),
    (f"0,{write_pixels(0)},Training,1", "expected 3 columns, found 4"),
    ("0,,Training", "expected 64 pixels, found 0"),
    ("nothing", "expected 3 columns, found 1"),
]


@pytest.mark.parametrize(("row", "message"), BAD_ROWS)
@pytest.mark.parametrize("line", [2, 17, 41])
def test_a_bad_row_is_named_by_its_line(row: str, message: str, line: int) -> None:
    """At the start, in the middle and at the end of the table."""
    with pytest.raises(DataError) as caught:
        read(spoil(line, row))
    assert str(caught.value).startswith(f"fer2013.csv line {line}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(("row", "message"), BAD_ROWS)
def test_all_but_the_bad_row_is_read_where_it_may_be_skipped(row: str, message: str) -> None:
    """The others keep their labels and their row numbers."""
    bad = BadInputs(skip=True)
    found = read_pixel_table(io.BytesIO("\n".join(spoil(17, row)).encode()), "fer2013.csv", bad)
    others = [index for index in range(len(FACES)) if index != 15]
    np.testing.assert_array_equal(FACES[others], found.images)
    assert [str(index) for index in others] == found.ids.tolist()
    assert [True] == [message in line for line in bad.lines]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("emotion,values,Usage", "line 1: expected a column pixels, found emotion, values, usage"),
        ("number,pixels,Usage", "line 1: expected a column emotion, found number, pixels, usage"),
    ],
)
def test_a_missing_column_is_named(header: str, message: str) -> None:
    """With the columns that are there."""
    with pytest.raises(DataError, match=message):
        read(write_rows(header=header))


def test_a_header_alone_is_no_table() -> None:
    """There is nothing to learn from it."""
    with pytest.raises(DataError, match="expected rows of pixels after the header, found none"):
        read(write_rows()[:1])


def test_pixels_have_to_make_a_square() -> None:
    """62 pixels are no face."""
    with pytest.raises(DataError, match=r"line 2: expected a square of pixels, as 2304 = 48x48, found 62"):
        read(["pixels", " ".join("1" * 62)])


def test_blank_lines_take_no_memory(tmp_path: Path) -> None:
    """Four million of them after the faces, read with four gigabytes of memory: they are no rows."""
    row = "{}," + " ".join(["7"] * 2304) + ",Training\n"
    with (tmp_path / "faces.csv").open("w") as file:
        file.write("emotion,pixels,Usage\n" + row.format(0) + row.format(3))
        for _ in range(4):
            file.write("\n" * 1_000_000)
    code = (
        "import resource, sys; from mien.data import load\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "print(len(load(sys.argv[1], cache=False).train))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "faces.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert ("2\n", "") == (done.stdout, done.stderr)
