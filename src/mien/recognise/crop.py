"""Faces are cut out as FER2013 was made: square, with some of what surrounds them, grey. In: a picture and boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.recognise.face import Box
from mien.recognise.pictures import Picture

MARGIN = 0.05
"""Added on each side of a box, as a fraction of its longer side, where the detector does not tell its own `margin`."""


def cut_faces(
    picture: Picture, boxes: Sequence[Box | None], *, side: int, margin: float = MARGIN
) -> npt.NDArray[np.uint8]:
    """Return uint8 (N, side, side): each box as a grey square; None stands for the whole picture, stretched.

    What a square needs beyond the edge of the picture repeats the pixels of the edge.
    """
    faces = np.empty((len(boxes), side, side), np.uint8)
    for face, box in zip(faces, boxes, strict=True):
        cut = Image.fromarray(picture).convert("L") if box is None else _cut_square(picture, box, margin)
        face[:] = np.asarray(cut.resize((side, side), Image.Resampling.BILINEAR))
    return faces


def _cut_square(picture: Picture, box: Box, margin: float) -> Image.Image:
    rows, columns = picture.shape[:2]
    length = max(1, round(max(box.width, box.height) * (1 + 2 * margin)))
    left = round(box.left + (box.width - length) / 2)
    top = round(box.top + (box.height - length) / 2)
    edges = (max(left, 0), max(top, 0), min(left + length, columns), min(top + length, rows))
    inside = np.asarray(Image.fromarray(picture[edges[1] : edges[3], edges[0] : edges[2]]).convert("L"))
    across = (edges[0] - left, left + length - edges[2])
    down = (edges[1] - top, top + length - edges[3])
    return Image.fromarray(np.pad(inside, (down, across), mode="edge"))
