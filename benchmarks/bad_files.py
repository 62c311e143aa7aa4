"""Files that nobody should have to train on. In: an empty folder. Out: small, seeded, broken data sets in it."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE_PIXELS = 48
USAGES = ("Training", "PublicTest", "PrivateTest")
ROWS = 21
BAD_LINE = 17

Change = Callable[[str], str]
Make = Callable[[Path], object]


def draw_face(number: int) -> npt.NDArray[np.uint8]:
    """Return uint8 (48, 48): noise that no other number has."""
    return np.random.default_rng(number).integers(0, 256, (SIDE_PIXELS, SIDE_PIXELS)).astype(np.uint8)


def encode_face(number: int, kind: str) -> bytes:
    """Return that face as a file of the kind "png" or "jpeg"."""
    stream = io.BytesIO()
    Image.fromarray(draw_face(number)).save(stream, kind)
    return stream.getvalue()


def write_table(header: str = "emotion,pixels,Usage", *, change: Change | None = None) -> str:
    """Return a table in FER2013's form, each expression in each split; `change` is made to line 17."""
    lines = [header]
    for number in range(ROWS):
        pixels = " ".join(map(str, draw_face(number).ravel().tolist()))
        lines.append(f"{number % 7},{pixels},{USAGES[number // 7]}")
    if change:
        lines[BAD_LINE - 1] = change(lines[BAD_LINE - 1])
    return "\n".join(lines) + "\n"


def table(change: Change | None = None, header: str = "emotion,pixels,Usage") -> Make:
    """Return what makes `fer2013.csv`, line 17 changed."""
    return text("fer2013.csv", lambda: write_table(header, change=change))


def text(name: str, content: Callable[[], str]) -> Make:
    """Return what makes a file of text."""
    return lambda folder: (folder / name).write_text(content())


def change_pixels(change: Callable[[list[str]], object]) -> Change:
    """Return a change of a row: `change` gets its pixels as a list of words, to alter in place."""

    def spoil(row: str) -> str:
        emotion, pixels, usage = row.split(",")
        words = pixels.split()
        change(words)
        return ",".join((emotion, " ".join(words), usage))

    return spoil


def put_pixel(position: int, word: str) -> Change:
    """Return a change of a row: `word` at that position, from 1."""
    return change_pixels(lambda words: words.__setitem__(position - 1, word))


def faces(**counts: int) -> Make:
    """Return what makes `faces/train/<class>/`, so many pictures in each; 0 leaves the class folder empty."""

    def make(folder: Path) -> None:
        for start, (name, count) in enumerate(counts.items()):
            target = folder / "faces" / "train" / name
            target.mkdir(parents=True)
            for number in range(count):
                (target / f"{number}.png").write_bytes(encode_face(100 * start + number, "png"))

    return make


def faces_and(name: str, content: Callable[[], bytes]) -> Make:
    """Return what makes six sound faces and one more file, `faces/train/happy/NAME`."""

    def make(folder: Path) -> None:
        faces(angry=3, happy=3)(folder)
        (folder / "faces" / "train" / "happy" / name).write_bytes(content())

    return make


def zipped_faces_and(name: str, content: Callable[[], bytes]) -> Make:
    """Return what makes `faces.zip`: six sound faces and one more entry."""

    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / "faces.zip", "w") as archive:
            for number in range(6):
                archive.writestr(f"train/{('angry', 'happy')[number % 2]}/{number}.png", encode_face(number, "png"))
            archive.writestr(name, content())

    return make


def listed_faces(header: str, missing: str = "") -> Make:
    """Return what makes `faces/labels.csv` with this header beside four pictures, and a line for a missing one."""

    def make(folder: Path) -> None:
        target = folder / "faces" / "images"
        target.mkdir(parents=True)
        for number in range(4):
            (target / f"{number}.png").write_bytes(encode_face(number, "png"))
        lines = [header, *(f"{number}.png,{('angry', 'happy')[number % 2]}" for number in range(4))]
        (folder / "faces" / "labels.csv").write_text("\n".join([*lines, missing]).strip() + "\n")

    return make


def two_tables(folder: Path) -> None:
    """Write two tables of pixels, each with every split."""
    for name in ("ckextended.csv", "fer2013.csv"):
        (folder / "faces").mkdir(exist_ok=True)
        (folder / "faces" / name).write_text(write_table())


def two_levels(folder: Path) -> None:
    """Write faces two folders deep, none of which is called after an expression."""
    for number in range(8):
        path = folder / "faces" / ("web", "film")[number % 2] / ("yawn", "blink")[number // 4] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_face(number, "png"))


def contradicted_faces(folder: Path) -> None:
    """Write a class folder whose table says something else."""
    faces(happy=3, sad=3)(folder)
    (folder / "faces" / "labels.csv").write_text("path,label\ntrain/happy/0.png,sad\n")


def cut_in_half(make: Make, name: str) -> Make:
    """Return what makes the files of `make`, the one called `name` cut off in the middle."""

    def cut(folder: Path) -> None:
        make(folder)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return cut


def gzipped_table(folder: Path) -> None:
    """Make a sound `fer2013.csv.gz`."""
    (folder / "fer2013.csv.gz").write_bytes(gzip.compress(write_table().encode(), mtime=0))


def locked_table(folder: Path) -> None:
    """Make a sound `fer2013.csv` that nobody but root may read."""
    table()(folder)
    (folder / "fer2013.csv").chmod(0)


def encode_bomb() -> bytes:
    """Return a PNG that says it has 30,000 × 30,000 pixels: decoded, it would take 900 MB."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(1_000_000))), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
