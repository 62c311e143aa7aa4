"""Tables of pixels, as the FER2013 challenge wrote them: a stream of text goes in, `Gathered` faces come out.

`fer2013.csv` and `icml_face_data.csv` (emotion, pixels, Usage), `train.csv` (no Usage) and `test.csv` (pixels alone).
The stream is read once, in blocks of whole lines; threads turn blocks into faces while the next one is read.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from math import isqrt
from typing import BinaryIO

import numpy as np

from mien.data.bad import BadInputs
from mien.data.columns import read_header
from mien.data.dialects import find_delimiter
from mien.data.digits import PADDING, parse_field, parse_fields
from mien.data.gather import Gathered
from mien.data.listing import Reading
from mien.data.pixel_labels import name_rows, settle
from mien.data.rows import Block, Rows, Table, find_rows, rewrite, understand_header
from mien.data.space import Room
from mien.errors import DataError
from mien.faces import Images, pick

BLOCK_BYTES = 1 << 20
"""Measured: smaller blocks keep the threads waiting for one another, larger ones leave the processor's cache."""
MAX_HEADER_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 24
MAX_WORKERS = 8
_FIRST_LINE = 2
_PROBED_ROWS = 16
_SPARE = 1.05
_LINE_END = np.uint8(ord("\n"))


def read_pixel_table(stream: BinaryIO, name: str, bad: BadInputs, reading: Reading | None = None) -> Gathered:
    """Return the faces of a table of pixels, in its order; the id of a face is its row number, from 0.

    Args:
        stream: the text, header first.
        name: of the file or archive entry, for messages; without a Usage column its stem tells the split.
        bad: what to do with a row that cannot be used.
        reading: what the user says of columns and classes.

    Raises:
        DataError: a missing column, no rows, or a bad row that may not be skipped.
    """
    reading = reading or Reading()
    line = stream.readline(MAX_HEADER_BYTES)
    header = read_header(line)
    table = understand_header(header, name, reading.columns)
    delimiter = find_delimiter(line.decode("utf-8-sig", errors="replace")).encode()
    blocks = _read_blocks(stream, name)
    first = next(blocks, None)
    if first is None:
        raise DataError(name, "expected rows of pixels after the header, found none")
    table = settle(replace(table, delimiter=delimiter), header, first, reading, bad)
    plain, probed = rewrite(table, first)
    side = _probe_side(plain, probed)
    room = reading.space.make((_guess_rows(stream, first, side**2), side**2), name)
    rows = _parse_blocks(table, room, chain([first], blocks), bad)
    labels, expressions = name_rows(rows.labels, table, reading, bad)
    numbers = np.array(rows.lines, dtype=np.int64) - _FIRST_LINE
    return Gathered(
        images=_close_gaps(room.images.reshape(-1, side, side), rows),
        labels=labels,
        splits=np.array(rows.splits, dtype=np.int8),
        ids=numbers.astype(f"<U{len(str(numbers.max(initial=0)))}"),
        expressions=expressions,
        kind="FER2013 table of pixels" if table.is_numbered else "table of pixels",
    )


def _read_blocks(stream: BinaryIO, name: str) -> Iterator[Block]:
    """Yield the stream in whole lines; the last one gets its line end if it lacks one."""
    line, rest = _FIRST_LINE, b""
    while data := stream.read(BLOCK_BYTES):
        cut = data.rfind(b"\n") + 1
        if cut:
            text = b"".join((PADDING, rest, memoryview(data)[:cut]))
            yield Block(line=line, text=text)
            line += int(np.count_nonzero(np.frombuffer(text, np.uint8) == _LINE_END)) - len(PADDING)
            rest = b""
        rest += data[cut:]
        if len(rest) > MAX_LINE_BYTES:
            raise DataError(f"{name} line {line}", f"expected at most {MAX_LINE_BYTES} bytes, found more")
    if rest.strip():
        yield Block(line=line, text=PADDING + rest + b"\n")


def _probe_side(table: Table, block: Block) -> int:
    """Return the side of the faces: of the first rows, that of most which are square."""
    lines = [line for line in block.text[len(PADDING) :].split(b"\n") if line.strip()][:_PROBED_ROWS]
    text = PADDING + b"\n".join(lines) + b"\n"
    rows = find_rows(table, Block(line=block.line, text=text))
    for start, end, number in zip(rows.starts, rows.ends, rows.lines, strict=True):
        if b"..." in text[start:end] or "…".encode() in text[start:end]:
            parse_field(text[start:end], 0, f"{table.name} line {number}")
    counts = Counter(len(text[start:end].split()) for start, end in zip(rows.starts, rows.ends, strict=True))
    for count, _ in counts.most_common():
        if count and isqrt(count) ** 2 == count:
            return isqrt(count)
    if not counts and rows.errors:
        raise rows.errors[0]
    found = counts.most_common(1)[0][0] if counts else "none"
    raise DataError(f"{table.name} line {block.line}", f"expected a square of pixels, as 2304 = 48x48, found {found}")


def _guess_rows(stream: BinaryIO, block: Block, pixels: int) -> int:
    """Return how many rows of so many pixels the whole stream has, as far as its size tells.

    Memory for them is taken at once. A blank line is no row: a pixel takes two bytes of text, its digit and a space.
    """
    rows = min(block.text.count(b"\n"), len(block.text) // (2 * pixels) + 1)
    try:
        blocks = os.fstat(stream.fileno()).st_size / len(block.text)
    except (OSError, AttributeError):  # a stream within an archive has no file of its own
        blocks = 1.0
    return int(rows * (blocks + 1.0) * _SPARE) + 1


@dataclass(slots=True)
class _Said:
    """What the sound rows of all blocks say, in a few bytes each.

    Attributes:
        lines: line numbers.
        labels: as the table has them, each text held once.
        splits: indices into `SPLITS`.
        places: where the faces of each block begin in their room, and how many of them are sound.
    """

    lines: array[int] = field(default_factory=lambda: array("q"))
    labels: list[str] = field(default_factory=list)
    splits: array[int] = field(default_factory=lambda: array("b"))
    places: list[tuple[int, int]] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)

    def add(self, rows: Rows, start: int) -> None:
        """Take over the rows of a block."""
        self.lines.extend(rows.lines)
        self.labels.extend(self.known.setdefault(label, label) for label in rows.labels)
        self.splits.extend(rows.splits)
        self.places.append((start, len(rows.lines)))


def _parse_blocks(table: Table, room: Room, blocks: Iterable[Block], bad: BadInputs) -> _Said:
    """Fill `room` with the pixels of all blocks, (N, pixels), and return what their rows say, in order.

    This thread reads on and finds the rows; the others turn their text into numbers, each in its own part of the room.
    """
    workers = min(os.cpu_count() or 1, MAX_WORKERS)
    pending: deque[tuple[int, int, Future[Rows]]] = deque()
    said, stop = _Said(), 0

    def finish() -> None:
        start, end, future = pending.popleft()
        rows = future.result()
        for error in rows.errors:
            bad.add(error)
        said.add(rows, start)
        room.fill(end, [start] if len(rows.lines) < end - start else [])

    with ThreadPoolExecutor(workers) as pool:
        for raw in blocks:
            plain, block = rewrite(table, raw)
            rows = find_rows(plain, block)
            start, stop = stop, stop + len(rows.lines)
            if stop > len(room.images):
                while pending:  # nobody may write to what is left behind
                    finish()
                room.grow(2 * stop)
            is_there = stop <= room.done and start not in room.again
            out = room.images[start:stop]
            pending.append((start, stop, pool.submit(_parse_block, plain, block, rows, None if is_there else out)))
            if len(pending) > 2 * workers:
                finish()
        while pending:
            finish()
    return said


def _close_gaps(images: Images, said: _Said) -> Images:
    """Return the sound faces alone: they stand at the front of each block's place."""
    starts, counts = np.array(said.places, dtype=np.int64).reshape(-1, 2).T
    total = int(counts.sum())
    if (starts == np.cumsum(counts) - counts).all():
        return images[:total]
    return pick(images, np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(total))


def _parse_block(table: Table, block: Block, rows: Rows, out: Images | None) -> Rows:
    """Write the pixels of the sound rows to the front of `out`, uint8 (rows, pixels), and return these rows.

    Without `out` the pixels are there, from an earlier reading, and all are sound.
    """
    if out is None or not rows.lines or parse_fields(block.text, rows.starts, rows.ends, out):
        return rows
    sound: list[int] = []
    errors: list[DataError] = []
    for index, (line, start, end) in enumerate(zip(rows.lines, rows.starts, rows.ends, strict=True)):
        try:
            out[len(sound)] = parse_field(block.text[start:end], out.shape[1], f"{table.name} line {line}")
            sound.append(index)
        except DataError as error:
            errors.append(error)
    return rows.keep(sound, errors)
