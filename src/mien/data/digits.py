"""Decimal text to pixels at the speed of memory: a block of text goes in, uint8 rows come out.

FER2013 is 301 MB of digits. Nothing here looks at a number in Python: the blanks are found in one sweep, and the three
bytes before each blank give the number. Whatever is not plain (another sign, a second blank, 256) makes `parse_fields`
return False, and the slow, exact `parse_field` says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.errors import DataError

PADDING = b"\n\n"
"""What stands before the first field, so that its first number, too, has three bytes before its blank."""

_BLANK = np.uint8(ord(" "))
_ZERO = np.uint8(ord("0"))
_TEN = np.uint8(10)
_HUNDRED = np.uint8(100)
_WHITE = 255
_STRANGE = re.compile(rb"[,;\[\]()]")
_WHOLE = re.compile(rb"\.0*$")
"""What other programs write around whole numbers, and behind them."""


def parse_fields(text: bytes, starts: Sequence[int], ends: Sequence[int], out: npt.NDArray[np.uint8]) -> bool:
    r"""Write the numbers of the fields `text[start:end]` to `out`; return False where any field is not plain.

    Args:
        text: `PADDING` and whole lines, each with its end; no blank stands outside of the fields.
        starts: where the fields start in `text`, ascending.
        ends: where they end.
        out: uint8 (fields, pixels); a plain field is so many numbers 0-255 with one blank between two. Where False is
            returned, it may hold anything.

    >>> numbers = np.empty((2, 3), np.uint8)
    >>> parse_fields(b"\n\n0 7 255\n1 20 3\n", [2, 10], [9, 16], numbers), numbers.tolist()
    (True, [[0, 7, 255], [1, 20, 3]])
    >>> parse_fields(b"\n\n0 7 256\n", [2], [9], numbers[:1])
    False
    """
    characters = np.frombuffer(text, np.uint8)
    is_blank = characters == _BLANK
    is_blank[np.asarray(ends)] = True  # so that a number ends there, too
    blanks = np.flatnonzero(is_blank)
    if len(blanks) != out.size or not np.array_equal(blanks[out.shape[1] - 1 :: out.shape[1]], ends):
        return False
    blanks -= 3
    hundreds, tens, units = (characters[offset:].take(blanks) for offset in range(3))
    for digits in (hundreds, tens, units):
        digits -= _ZERO  # in place, here and below: new memory would cost more than the sums
    has_tens = tens < _TEN
    has_hundreds = hundreds < _TEN
    has_hundreds &= has_tens
    count = len(blanks) + np.count_nonzero(has_tens) + np.count_nonzero(has_hundreds)
    # Every byte of a field is a digit of a number or the blank after it: a fourth digit or another sign breaks the sum.
    if count + len(blanks) != sum(ends) - sum(starts) + len(ends) or units.max() >= _TEN:
        return False
    hundreds *= has_hundreds.view(np.uint8)  # a product with bool would convert it first
    tens *= has_tens.view(np.uint8)
    tens *= _TEN
    tens += units
    if hundreds.max() > 2:
        return False
    hundreds *= _HUNDRED
    hundreds += tens
    out.ravel()[:] = hundreds
    return not (hundreds < tens).any()  # 256 to 299 wrapped around


def parse_field(field: bytes, pixels: int, where: str) -> npt.NDArray[np.uint8]:
    """Return uint8 (pixels,), however many blanks stand between the numbers.

    Raises:
        DataError: another number of pixels, something that is no number, or a number outside 0-255.
    """
    if b"..." in field or "…".encode() in field:
        advice = "they were cut off where an array was printed: write them out in full"
        raise DataError(where, f"expected all pixels, found some of them and an ellipsis: {advice}")
    words = [_WHOLE.sub(b"", word) for word in _STRANGE.sub(b" ", field).split()]
    if len(words) != pixels:
        raise DataError(where, f"expected {pixels} pixels, found {len(words)}")
    for position, word in enumerate(words, start=1):
        if not word.isdigit() or int(word[:20]) > _WHITE:
            found = repr(word[:20].decode("utf-8", errors="replace"))
            raise DataError(where, f"pixel {position}: expected a whole number from 0 to {_WHITE}, found {found}")
    return np.array([int(word) for word in words], dtype=np.uint8)
