"""Tables of pixels, as the FER2013 challenge wrote them: a stream of text goes in, `Gathered` faces come out.

`fer2013.csv` and `icml_face_data.csv` (emotion, pixels, Usage), `train.csv` (no Usage) and `test.csv` (pixels alone).
The stream is read once, in blocks of whole lines; threads turn blocks into faces while the next one is read.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import isqrt
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from mien.data.bad import BadInputs
from mien.data.digits import PADDING, parse_field, parse_fields
from mien.data.gather import Gathered
from mien.data.names import read_header
from mien.data.rows import Block, Rows, Table, find_rows, understand_header
from mien.errors import DataError
from mien.labels import EXPRESSIONS

BLOCK_BYTES = 1 << 18
"""Small enough that what is made of a block stays in a core's cache."""
MAX_HEADER_BYTES = 1 << 16
MAX_LINE_BYTES = 1 << 24
_FIRST_LINE = 2
_PROBED_ROWS = 16
_LINE_END = np.uint8(ord("\n"))

_Parsed = tuple[npt.NDArray[np.uint8], Rows]


def read_pixel_table(stream: BinaryIO, name: str, bad: BadInputs) -> Gathered:
    """Return the faces of a table of pixels, in its order; the id of a face is its row number, from 0.

    Args:
        stream: the text, header first.
        name: of the file or archive entry, for messages; without a Usage column its stem tells the split.
        bad: what to do with a row that cannot be used.

    Raises:
        DataError: a missing column, no rows, or a bad row that may not be skipped.
    """
    table = understand_header(read_header(stream.readline(MAX_HEADER_BYTES)), name)
    blocks = _read_blocks(stream, name)
    first = next(blocks, None)
    if first is None:
        raise DataError(name, "expected rows of pixels after the header, found none")
    side = _probe_side(table, first)
    parsed = list(_parse_blocks(table, side, first, blocks, bad))
    return Gathered(
        images=np.concatenate([pixels for pixels, _ in parsed]).reshape(-1, side, side),
        labels=np.array([label for _, rows in parsed for label in rows.labels], dtype=np.int64),
        splits=np.array([split for _, rows in parsed for split in rows.splits], dtype=np.int8),
        ids=np.array([str(line - _FIRST_LINE) for _, rows in parsed for line in rows.lines], dtype=np.str_),
        expressions=EXPRESSIONS,
        kind="FER2013 table of pixels",
    )


def _read_blocks(stream: BinaryIO, name: str) -> Iterator[Block]:
    """Yield the stream in whole lines; the last one gets its line end if it lacks one."""
    line, rest = _FIRST_LINE, bytearray()
    while data := stream.read(BLOCK_BYTES):
        text = bytearray(PADDING)
        text += rest
        text += data
        cut = text.rfind(b"\n", len(PADDING)) + 1
        rest = text[cut or len(PADDING) :]
        if len(rest) > MAX_LINE_BYTES:
            raise DataError(f"{name} line {line}", f"expected at most {MAX_LINE_BYTES} bytes, found more")
        if cut:
            del text[cut:]
            yield Block(line=line, text=text)
            line += np.count_nonzero(np.frombuffer(text, np.uint8) == _LINE_END) - len(PADDING)
    if rest.strip():
        yield Block(line=line, text=bytearray(PADDING) + rest + b"\n")


def _probe_side(table: Table, block: Block) -> int:
    """Return the side of the faces: of the first rows, that of most which are square."""
    lines = block.text[len(PADDING) :].splitlines(keepends=True)[:_PROBED_ROWS]
    text = bytearray(PADDING) + b"".join(lines)
    rows = find_rows(table, Block(line=block.line, text=text))
    counts = Counter(len(text[start:end].split()) for start, end in zip(rows.starts, rows.ends, strict=True))
    for count, _ in counts.most_common():
        if count and isqrt(count) ** 2 == count:
            return isqrt(count)
    if not counts and rows.errors:
        raise rows.errors[0]
    found = counts.most_common(1)[0][0] if counts else "none"
    raise DataError(f"{table.name} line {block.line}", f"expected a square of pixels, as 2304 = 48x48, found {found}")


def _parse_blocks(table: Table, side: int, first: Block, blocks: Iterable[Block], bad: BadInputs) -> Iterator[_Parsed]:
    """Yield the parsed blocks in order, with a few of them in the works."""
    workers = min(os.cpu_count() or 1, 8)
    pending: deque[Future[_Parsed]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        pending.append(pool.submit(_parse_block, table, side, first))
        for block in blocks:
            pending.append(pool.submit(_parse_block, table, side, block))
            if len(pending) > 2 * workers:
                yield _finish(pending.popleft(), bad)
        while pending:
            yield _finish(pending.popleft(), bad)


def _finish(pending: Future[_Parsed], bad: BadInputs) -> _Parsed:
    pixels, rows = pending.result()
    for error in rows.errors:
        bad.add(error)
    return pixels, rows


def _parse_block(table: Table, side: int, block: Block) -> _Parsed:
    """Return the pixels, uint8 (rows, side²), of the sound rows."""
    rows = find_rows(table, block)
    if not rows.starts:
        return np.empty((0, side**2), np.uint8), rows
    pixels = parse_fields(block.text, rows.starts, rows.ends, side**2)
    return (pixels, rows) if pixels is not None else _parse_slowly(table, side, block, rows)


def _parse_slowly(table: Table, side: int, block: Block, rows: Rows) -> _Parsed:
    """Return the same row by row, with an error for each row that is not sound."""
    images: list[npt.NDArray[np.uint8]] = []
    sound: list[int] = []
    errors: list[DataError] = []
    for index, (line, start, end) in enumerate(zip(rows.lines, rows.starts, rows.ends, strict=True)):
        try:
            images.append(parse_field(bytes(block.text[start:end]), side**2, f"{table.name} line {line}"))
            sound.append(index)
        except DataError as error:
            errors.append(error)
    pixels = np.stack(images) if images else np.empty((0, side**2), np.uint8)
    return pixels, rows.keep(sound, errors)
