"""Tables of pixels as other programs write them: the same faces, labels and splits as fer2013.csv itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.data import load
from mien.errors import DataError
from mien.labels import EXPRESSIONS

FACES = np.random.default_rng(1).integers(0, 256, (28, 8, 8)).astype(np.uint8)
USAGE = ["Training"] * 14 + ["PublicTest"] * 7 + ["PrivateTest"] * 7
PIXELS = [" ".join(map(str, face.ravel().tolist())) for face in FACES]
HEADER = "emotion,pixels,Usage"

Row = Callable[[int, str, str], str]
PLAIN: Row = lambda n, p, u: f"{n},{p},{u}"  # noqa: E731 (a table of one-liners)


def make(row: Row = PLAIN, header: str = HEADER, end: str = "\n", encoding: str = "utf-8") -> bytes:
    """Return a table with a row a face."""
    rows = [row(index % 7, PIXELS[index], USAGE[index]) for index in range(len(FACES))]
    return (end.join([header, *rows]) + end).encode(encoding)


FORMS = {
    "old Mac": make(end="\r"),
    "Windows": make(end="\r\n"),
    "UTF-16": make(encoding="utf-16"),
    "UTF-16 without mark": make(encoding="utf-16-le"),
    "byte order mark": make(encoding="utf-8-sig"),
    "semicolon": make(lambda n, p, u: f"{n};{p};{u}", "emotion;pixels;Usage"),
    "tab": make(lambda n, p, u: f"{n}\t{p}\t{u}", "emotion\tpixels\tUsage"),
    "bar": make(lambda n, p, u: f"{n}|{p}|{u}", "emotion|pixels|Usage"),
    "names": make(lambda n, p, u: f"{EXPRESSIONS[n]},{p},{u}"),
    "other names": make(lambda n, p, u: f"{EXPRESSIONS[n].upper()},{p},{u}"),
    "floats": make(lambda n, p, u: f"{n}.0,{p},{u}"),
    "brackets": make(lambda n, p, u: f"{n},[{p}],{u}"),
    "list in quotes": make(lambda n, p, u: f'{n},"[{p.replace(" ", ", ")}]",{u}'),
    "commas in quotes": make(lambda n, p, u: f'{n},"{p.replace(" ", ",")}",{u}'),
    "all in quotes": make(lambda n, p, u: f'"{n}","{p}","{u}"', '"emotion","pixels","Usage"'),
    "semicolons and quotes": make(lambda n, p, u: f'"{n}";"{p}";"{u}"', '"emotion";"pixels";"Usage"'),
    "note with a comma": make(lambda n, p, u: f'{n},{p},{u},"a, ""b"", [c]"', f"{HEADER},note"),
    "stray carriage return": make(
        lambda n, p, u: f"{n},{p},{u},{'a' + chr(13) + 'b' if n == 3 else 'x'}", f"{HEADER},note"
    ),
    "row numbers": make(lambda n, p, u: f"{n + 5},{n},{p},{u}", f",{HEADER}"),
    "floats in pixels": make(lambda n, p, u: f"{n},{p.replace(' ', '.0 ')}.0,{u}"),
    "blank lines": make(end="\n\n\n"),
    "a column a pixel": make(
        lambda n, p, u: f"{n},{p.replace(' ', ',')},{u}", f"emotion,{','.join(f'pixel{k}' for k in range(64))},Usage"
    ),
    "pixels last": make(
        lambda n, p, u: f"{u},{n},{p.replace(' ', ',')}", f"Usage,emotion,{','.join(str(k) for k in range(64))}"
    ),
    "column set": make(lambda n, p, u: f"{n},{p},{u}", "emotion,pixels,set"),
    "column of any name": make(lambda n, p, u: f"{u},{n},{p}", "part_of,emotion,pixels"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_of_pixels_is_read_however_it_was_written(form: str, tmp_path: Path) -> None:
    """Delimiters, encodings, line ends, brackets, quotes, words and floats."""
    path = tmp_path / "fer.csv"
    path.write_bytes(FORMS[form])
    splits = load(path, cache=False)
    assert EXPRESSIONS == splits.expressions
    np.testing.assert_array_equal(FACES, np.concatenate([faces.images for faces in splits.named().values()]))
    assert [14, 7, 7] == [len(faces) for faces in splits.named().values()]
    assert list(range(7)) * 4 == [label for faces in splits.named().values() for label in faces.labels.tolist()]


def test_seven_is_contempt_and_said(tmp_path: Path) -> None:
    """As in ckextended.csv."""
    (tmp_path / "ckextended.csv").write_bytes(make() + f"7,{PIXELS[0]},Training\n".encode())
    splits = load(tmp_path / "ckextended.csv", cache=False)
    assert ((*EXPRESSIONS, "contempt"), ("ckextended.csv: emotion 7, of 1 faces, is read as contempt",)) == (
        splits.expressions,
        splits.warnings,
    )


def test_numbers_in_another_form_than_fer2013_stay_numbers(tmp_path: Path) -> None:
    """A column label beside pixel0, pixel1, … may number the expressions in any order."""
    rows = make(lambda n, p, u: f"{n},{p.replace(' ', ',')}", f"label,{','.join(f'pixel{k}' for k in range(64))}")
    (tmp_path / "wide.csv").write_bytes(rows)
    bare = load(tmp_path / "wide.csv", cache=False)
    assert (tuple("0123456"), True) == (bare.expressions, "`classes`" in bare.warnings[0])
    assert EXPRESSIONS == load(tmp_path / "wide.csv", classes=",".join(EXPRESSIONS), cache=False).expressions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (make(lambda n, p, u: f'{n},"[{p[:9]} ... {p[-9:]}]",{u}'), "line 2: .* cut off where an array was printed"),
        (make(lambda n, p, u: f'{n},"[{p[:9]} … {p[-9:]}]",{u}'), "line 2: .* cut off where an array was printed"),
        (make(header=f"0,{PIXELS[0]},Training"), "line 1: expected names of columns, found a row of pixels"),
        (make(lambda n, p, u: f'{n},"{p[:40]}\n{p[40:]}",{u}'), "line 2: expected 3 columns, .* over several lines"),
        (make(lambda n, p, u: f"{n},{u},{p},{u}", "emotion,a,pixels,b"), "columns a and b name splits: choose"),
        (f"{HEADER}\n0,{PIXELS[0]},Training\n".encode() + b"\n" * 3_000_000, "expected faces of at least 2 classes"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_in_one_line(text: bytes, message: str, tmp_path: Path) -> None:
    """With its line, and without taking memory for blank ones."""
    (tmp_path / "fer.csv").write_bytes(text)
    with pytest.raises(DataError, match=message):
        load(tmp_path / "fer.csv", cache=False)


def test_two_tables_with_every_split_are_not_chosen_from(tmp_path: Path) -> None:
    """fer2013.csv and ckextended.csv in one folder: the user says which."""
    for name in ("fer2013.csv", "ckextended.csv"):
        (tmp_path / name).write_bytes(make())
    with pytest.raises(DataError, match=r"expected one table with every split, found ckextended.csv and fer2013.csv"):
        load(tmp_path, cache=False)
