"""Detectors look at smaller pictures. In: a picture. Out: a smaller one; and boxes found there, in its own pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.recognition.face import Box
from mien.recognition.pictures import Picture

LONGEST_SIDE = 1280
"""Larger pictures are scaled down before faces are looked for, because the time to look grows with the pixels."""

ROWS_AT_ONCE = 48
"""So many rows stay in a processor's cache from step to step: from 1920x1080 to 1280x720 4 ms, all at once 14."""


def shrink(picture: Picture, *, longest: int = LONGEST_SIDE) -> tuple[Picture, float]:
    """Return the picture with at most `longest` pixels a side, and how many times as large it is: 1 or less."""
    scale = min(1.0, longest / max(picture.shape[:2]))
    if scale == 1.0:
        return picture, scale
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    if min(height, width) < 2:
        return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX)), scale
    while picture.shape[1] > 2 * width:
        picture = _average_pairs(picture, picture.shape[0] // 2, picture.shape[1] // 2)
    return _average_pairs(picture, height, width), scale


def _average_pairs(picture: Picture, height: int, width: int) -> Picture:
    """Return the picture at half its sides or more: each pixel the mean of the four that are nearest to its middle.

    Pillow's box filter takes 10 ms from 1920x1080 to 1280x720, and 80 to copy a picture of 12 megapixels before.
    """
    rows, columns = _first_of_pairs(picture.shape[0], height), _first_of_pairs(picture.shape[1], width)
    small = np.empty((height, width), "V3")  # a pixel is one thing of three bytes
    for start in range(0, height, ROWS_AT_ONCE):
        chosen = rows[start : start + ROWS_AT_ONCE]
        mean = _halve(picture[chosen], picture[chosen + 1])
        mean = np.ascontiguousarray(_halve(mean[:, :-1], mean[:, 1:]))
        np.take(mean.view("V3")[..., 0], columns, axis=1, out=small[start : start + ROWS_AT_ONCE], mode="clip")
    return small.view(np.uint8).reshape(height, width, 3)


def _first_of_pairs(before: int, after: int) -> npt.NDArray[np.intp]:
    """Return for each of `after` pixels the first of the two of `before`, at least 2, around its middle."""
    middles = (np.arange(after) + 0.5) * before / after - 0.5
    return np.clip(np.floor(middles + 1e-9).astype(np.intp), 0, before - 2)


def _halve(one: Picture, other: Picture) -> Picture:
    """Return the mean of two uint8 arrays, rounded down, without a wider type on the way."""
    return (one & other) + ((one ^ other) >> 1)


def fit_boxes(
    found: Iterable[tuple[float, float, float, float, float]], picture: Picture, *, scale: float = 1.0
) -> list[Box]:
    """Return (left, top, width, height, score) of a picture `scale` times as large as boxes, the largest first.

    They are in pixels of `picture` and end at its edges; what lies outside is left out.
    """
    rows, columns = picture.shape[:2]
    boxes = []
    for left, top, width, height, score in found:
        sides = (max(0, round(left / scale)), max(0, round(top / scale)))
        right, bottom = min(columns, round((left + width) / scale)), min(rows, round((top + height) / scale))
        if right > sides[0] and bottom > sides[1]:
            size = {"width": right - sides[0], "height": bottom - sides[1]}
            boxes.append(Box(left=sides[0], top=sides[1], score=float(score), **size))
    return sorted(boxes, key=lambda box: -box.width * box.height)
