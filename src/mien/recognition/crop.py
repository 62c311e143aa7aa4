"""Faces are cut out as FER2013 was made: square, with some of what surrounds them, grey. In: a picture and boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.recognition.face import Box, Crop
from mien.recognition.pictures import Picture

MARGIN = 0.05
"""Added on each side of a box, as a fraction of its longer side, where the detector does not tell its own `margin`."""


TURNED = 20.0
"""Degrees from which on a face is turned upright before it is cut. Of faces of valid that
were found in drawn scenes turned by 30 degrees 64.4 % are right so instead of 59.1 %, by 45 degrees 59.3 instead of
53.0 %, upright 69.8 instead of 69.6 % (n = 624, 334, 825; seed 5, benchmarks.turned)."""


def cut_faces(
    picture: Picture, boxes: Sequence[Box | None], *, side: int, margin: float = MARGIN
) -> npt.NDArray[np.uint8]:
    """Return uint8 (N, side, side): each box as a grey square; None stands for the whole picture, stretched.

    What a square needs beyond the edge of the picture repeats the pixels of the edge. A face whose box tells that it is
    turned by more than `TURNED` is turned upright.
    """
    faces = np.empty((len(boxes), side, side), np.uint8)
    for face, box in zip(faces, boxes, strict=True):
        if box is None:
            square = Image.fromarray(picture).convert("L").resize((side, side), Image.Resampling.BILINEAR)
        else:
            turn = tell_turn(box)
            square = cut_square(picture, box, margin=margin, turn=turn, side=side, mode="L")
        face[:] = np.asarray(square)
    return faces


def tell_turn(box: Box) -> float:
    """Return the degrees by which a face is turned back before it is cut."""
    return 0.0 if box.roll is None or abs(box.roll) <= TURNED else box.roll


def place_square(box: Box, *, margin: float) -> Crop:
    """Return the square around a box's middle, as long as its longer side and `margin` of it more on each side.

    >>> place_square(Box(left=10, top=20, width=40, height=60), margin=0.0)
    Crop(left=0, top=20, side=60, turn=0.0)
    """
    length = max(1, round(max(box.width, box.height) * (1 + 2 * margin)))
    left, top = round(box.left + (box.width - length) / 2), round(box.top + (box.height - length) / 2)
    return Crop(left=left, top=top, side=length, turn=tell_turn(box))


def cut_square(
    picture: Picture, box: Box, *, margin: float, side: int, turn: float = 0.0, mode: str = "RGB"
) -> Image.Image:
    """Return a square of `side` pixels around a box's middle, in which what leans by `turn` degrees stands upright.

    The square is as long as the box's longer side and `margin` of it more on each side.
    """
    length = place_square(box, margin=margin).side
    if not turn:
        return _cut(picture, box, length, mode).resize((side, side), Image.Resampling.BILINEAR)
    diagonal = math.ceil(length * math.sqrt(2.0))
    fine = min(1.0, 2.0 * side / length)  # turned at twice the pixels that are needed: turning blurs
    large = _cut(picture, box, diagonal, mode)
    large = large.resize((max(1, round(diagonal * fine)),) * 2, Image.Resampling.BILINEAR)
    turned = large.rotate(turn, Image.Resampling.BILINEAR)
    edge = (turned.width - length * fine) / 2
    return turned.resize(
        (side, side), Image.Resampling.BILINEAR, box=(edge, edge, turned.width - edge, turned.width - edge)
    )


def _cut(picture: Picture, box: Box, length: int, mode: str) -> Image.Image:
    rows, columns = picture.shape[:2]
    left = round(box.left + (box.width - length) / 2)
    top = round(box.top + (box.height - length) / 2)
    edges = (max(left, 0), max(top, 0), min(left + length, columns), min(top + length, rows))
    inside = np.asarray(Image.fromarray(picture[edges[1] : edges[3], edges[0] : edges[2]]).convert(mode))
    across = (edges[0] - left, left + length - edges[2])
    down = (edges[1] - top, top + length - edges[3])
    return Image.fromarray(np.pad(inside, (down, across, *[(0, 0)] * (inside.ndim - 2)), mode="edge"))
