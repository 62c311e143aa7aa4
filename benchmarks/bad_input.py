"""Write down what `mien data` says to every kind of bad input: each case is made and run for real.

    python -m benchmarks.bad_input [docs/bad-input.md]

The tests run the same table of cases, and hold the committed page against what this writes.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from benchmarks import bad_files as make
from mien.cli import main
from mien.files import write_text

PAGE = Path(__file__).resolve().parent.parent / "docs" / "bad-input.md"

OPENING = """# Bad input

What `mien data` answers to data that cannot be used: one line that names the file (with its line or entry), what was
expected and what was found; the exit status is 2. `mien train` and `mien evaluate` read with the same code and answer
alike. Where the last column says yes, `--skip-bad` goes on without the bad ones and says how many were left out.

This page is made by `python -m benchmarks.bad_input docs/bad-input.md`, which runs every case.

| input | message | `--skip-bad` |
|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A bad input.

    Attributes:
        about: what is wrong, in words.
        path: what the command is given, inside the folder.
        make: writes the files into a folder.
        says: parts that the message has to contain: the place, the expected, the found.
        options: of the command.
        left_out: how many inputs `--skip-bad` leaves out; None where nothing sound would remain.
        needs_user: means nothing to root, who may read everything.
    """

    about: str
    path: str
    make: make.Make
    says: tuple[str, ...]
    options: tuple[str, ...] = ()
    left_out: int | None = None
    needs_user: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended: its exit status and what it wrote."""

    status: object
    out: str
    err: str


CSV = "fer2013.csv"
LINE = f"{CSV} line {make.BAD_LINE}: "
CASES: tuple[Case, ...] = (
    Case(
        about="wrong pixel count",
        path=CSV,
        make=make.table(make.change_pixels(lambda words: words.__delitem__(slice(4)))),
        says=(LINE, "expected 2304 pixels", "found 2300"),
        left_out=1,
    ),
    Case(
        about="pixels that are no numbers",
        path=CSV,
        make=make.table(make.put_pixel(3, "x7")),
        says=(LINE, "expected a whole number", "found 'x7'"),
        left_out=1,
    ),
    Case(
        about="pixel value above 255",
        path=CSV,
        make=make.table(make.put_pixel(1000, "256")),
        says=(LINE, "expected", "0 to 255", "found '256'"),
        left_out=1,
    ),
    Case(
        about="pixel value below 0",
        path=CSV,
        make=make.table(make.put_pixel(2304, "-1")),
        says=(LINE, "expected", "0 to 255", "found '-1'"),
        left_out=1,
    ),
    Case(
        about="emotion outside 0–6",
        path=CSV,
        make=make.table(lambda row: f"8{row[1:]}"),
        says=(LINE, "expected emotion 0 to 6", "found '8'"),
        left_out=1,
    ),
    Case(
        about="unknown Usage",
        path=CSV,
        make=make.table(lambda row: f"{row.rpartition(',')[0]},Holdout"),
        says=(LINE, "expected Usage Training, PublicTest or PrivateTest", "found 'Holdout'"),
        left_out=1,
    ),
    Case(
        about="column pixels missing",
        path=CSV,
        make=make.table(header="emotion,values,Usage"),
        says=(f"{CSV} line 1: ", "column pixels", "emotion, values, usage"),
    ),
    Case(
        about="column emotion missing",
        path=CSV,
        make=make.table(header="number,pixels,Usage"),
        says=(f"{CSV} line 1: ", "expected a column emotion", "found number, pixels, usage"),
    ),
    Case(about="empty file", path=CSV, make=make.text(CSV, str), says=(CSV, "expected", "empty")),
    Case(
        about="header alone",
        path=CSV,
        make=make.text(CSV, lambda: "emotion,pixels,Usage\n"),
        says=(CSV, "expected rows", "found none"),
    ),
    Case(
        about="text that is no table",
        path="notes.csv",
        make=make.text("notes.csv", lambda: "Dear diary,\ntoday I looked at faces.\n"),
        says=("notes.csv", "expected", "found"),
    ),
    Case(
        about="zip cut off",
        path="faces.zip",
        make=make.cut_in_half(make.zipped_faces_and("about.txt", bytes), "faces.zip"),
        says=("faces.zip: ", "expected a whole", "found a truncated"),
    ),
    Case(
        about="gzip cut off",
        path=f"{CSV}.gz",
        make=make.cut_in_half(make.gzipped_table, f"{CSV}.gz"),
        says=(f"{CSV}.gz: ", "expected a whole", "found a truncated"),
    ),
    Case(
        about="JPEG cut off",
        path="faces",
        make=make.faces_and("cut.jpg", lambda: make.encode_face(50, "jpeg")[:400]),
        says=("faces/train/happy/cut.jpg", "expected", "found"),
        left_out=1,
    ),
    Case(
        about="JPEG cut off, in a zip",
        path="faces.zip",
        make=make.zipped_faces_and("train/happy/cut.jpg", lambda: make.encode_face(50, "jpeg")[:400]),
        says=("faces.zip", "train/happy/cut.jpg", "expected", "found"),
        left_out=1,
    ),
    Case(
        about="text called .jpg",
        path="faces",
        make=make.faces_and("notes.jpg", lambda: b"today I looked at faces"),
        says=("faces/train/happy/notes.jpg", "expected", "found"),
        left_out=1,
    ),
    Case(
        about="zip entry that points outside",
        path="faces.zip",
        make=make.zipped_faces_and("../../train/happy/evil.png", lambda: make.encode_face(50, "png")),
        says=("faces.zip", "../../train/happy/evil.png", "expected"),
        left_out=1,
    ),
    Case(
        about="picture of 30,000 × 30,000 pixels",
        path="faces",
        make=make.faces_and("bomb.png", make.encode_bomb),
        says=("faces/train/happy/bomb.png", "expected a picture of at most", "found"),
        left_out=1,
    ),
    Case(
        about="class without faces",
        path="faces",
        make=make.faces(angry=3, happy=3, sad=0),
        says=("faces", "sad", "expected", "found none"),
        left_out=1,
    ),
    Case(
        about="one class only",
        path="faces",
        make=make.faces(happy=3),
        says=("faces", "expected", "2 classes", "found only happy"),
    ),
    Case(
        about="one face in a class, stratified",
        path="faces",
        make=make.faces(angry=5, happy=1),
        options=("--valid-fraction", "0.2"),
        says=("happy", "expected at least 2", "found 1"),
    ),
    Case(
        about="table that names a missing picture",
        path="faces",
        make=make.listed_faces("path,label", missing="9.png,happy"),
        says=("labels.csv line 6", "9.png", "expected"),
        left_out=1,
    ),
    Case(
        about="table without a column of paths",
        path="faces/labels.csv",
        make=make.listed_faces("colour,label"),
        says=("labels.csv line 1", "path or id", "colour, label"),
    ),
    Case(
        about="pixels cut off where an array was printed",
        path=CSV,
        make=make.table(make.change_pixels(lambda words: words.__setitem__(slice(9, None), ["...", *words[-3:]]))),
        says=("fer2013.csv", "expected all pixels", "cut off"),
    ),
    Case(
        about="two tables with every split",
        path="faces",
        make=make.two_tables,
        says=("faces", "expected one table with every split", "give one of them"),
    ),
    Case(
        about="two levels that could be classes",
        path="faces",
        make=make.two_levels,
        says=("faces", "expected one level of folders that are classes", "--classes"),
    ),
    Case(
        about="table that contradicts the folder",
        path="faces",
        make=make.contradicted_faces,
        says=("faces", "expected one label", "happy", "sad"),
    ),
    Case(about="no permission", path=CSV, make=make.locked_table, says=(CSV, "ermission"), needs_user=True),
    Case(
        about="path that does not exist",
        path="fer2014.csv",
        make=str,
        says=("fer2014.csv: ", "expected a file or folder of faces"),
    ),
)


def run_case(case: Case, folder: Path, *options: str) -> Ending:
    """Make the files of `case` in the empty `folder` and run `mien data` on them, in this process."""
    case.make(folder)
    return run_data(folder / case.path, *case.options, *options)


def run_data(*arguments: object) -> Ending:
    """Run `mien data ARGUMENTS` in this process, which spares the start of a new one."""
    out, err, status = io.StringIO(), io.StringIO(), None
    with (
        patch.object(sys, "argv", ["mien", "data", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code
    return Ending(status, out.getvalue(), err.getvalue())


def is_root() -> bool:
    """Return whether no file is closed to this process."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def write_page() -> Iterator[str]:
    """Yield the page, line by line; as root, without the cases that mean nothing to root."""
    yield from OPENING.splitlines()
    for case in CASES:
        if case.needs_user and is_root():
            continue
        with tempfile.TemporaryDirectory() as folder:
            message = run_case(case, Path(folder).resolve()).err.removeprefix("mien: ").strip()
            message = message.replace(f"{Path(folder).resolve()}/", "")
        skips = "" if case.left_out is None else "yes"
        yield f"| {case.about} | `{message}` | {skips} |"


if __name__ == "__main__":
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as cache, patch.dict(os.environ, {"MIEN_CACHE": cache}):
        lines = "\n".join(write_page()) + "\n"
    if page:
        write_text(page, lines)
    else:
        print(lines, end="")
