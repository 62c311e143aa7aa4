"""Detectors look at smaller pictures. In: a picture. Out: a smaller one; and boxes found there, in its own pixels."""

from __future__ import annotations

from collections.abc import Iterable

from mien.recognise.face import Box
from mien.recognise.pictures import Picture

LONGEST_SIDE = 1280
"""Larger pictures are scaled down before faces are looked for, because the time to look grows with the pixels."""


def shrink(picture: Picture, *, longest: int = LONGEST_SIDE) -> tuple[Picture, float]:
    """Return the picture with at most `longest` pixels a side, and how many times as large it is: 1 or less."""
    import cv2

    scale = min(1.0, longest / max(picture.shape[:2]))
    if scale == 1.0:
        return picture, scale
    sides = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, sides, interpolation=cv2.INTER_AREA), scale  # type: ignore[return-value]


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
