"""From decoded frames to pictures as a player shows them: turned as the telephone was held, with square pixels."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

import numpy as np

from mien.recognition.pictures import Picture

MOST_STRETCHED = 4
"""Pixels that claim to be wider, or higher, than so many times are a damaged header."""


def make_picture(frame: Any, ratio: Fraction | None = None) -> Picture:
    """Return uint8 (H, W, 3), RGB, of a frame of PyAV whose pixels are `ratio` times as wide as high."""
    matrix = find_matrix(frame)
    width = _measure_width(frame.width, ratio)
    if width != frame.width:
        frame = frame.reformat(width=width, height=frame.height, format="rgb24")
    return turn(frame.to_ndarray(format="rgb24"), matrix)


def turn(picture: Picture, matrix: tuple[int, int, int, int] | None) -> Picture:
    """Return a picture turned and mirrored by the matrix (a, b, c, d) that takes (x, y) to (ax + cy, bx + dy).

    Only whole quarter turns and mirrors are kept in videos; all others are left alone.
    """
    if matrix is None:
        return picture
    a, b, c, d = ((value > 0) - (value < 0) for value in matrix)
    if abs(a) == abs(d) == 1 and b == c == 0:
        turned = picture[::d, ::a]
    elif abs(b) == abs(c) == 1 and a == d == 0:
        turned = picture.swapaxes(0, 1)[::b, ::c]
    else:
        return picture
    return np.ascontiguousarray(turned)


def find_matrix(frame: Any) -> tuple[int, int, int, int] | None:
    """Return the four numbers of a frame's display matrix that turn it, or None."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    a, b, _, c, d, *_ = struct.unpack("9i", bytes(data)[:36])
    return a, b, c, d


def _measure_width(width: int, ratio: Fraction | None) -> int:
    """Return the width with square pixels; DVDs and camcorders store wide pictures in narrow frames."""
    if not ratio or not Fraction(1, MOST_STRETCHED) <= ratio <= MOST_STRETCHED:
        return width
    return max(1, round(width * ratio))
