"""Draw what was recognised. In: a picture and its faces. Out: a copy with a frame and a name for each clear face.

The frame is the square that the network was shown. Where names stand, `mien.recognition.layout` says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.recognition.face import Crop, Face
from mien.recognition.layout import LETTER, LINE, Legend, Mark, Rectangle, lay_out, lay_out_legend
from mien.recognition.pictures import Picture, WholePicture

FRAME = (255, 196, 0)
PALE = (255, 238, 190)
"""Of a face that the network is unsure of."""

QUIET = (190, 190, 190)
"""Of a face that is not clear enough to be named."""

INK, PALE_INK = (24, 24, 24), (96, 84, 48)

LETTERS_ACROSS = 95
"""The smallest font is this part of a picture's longer side: it can be read where the picture fills a screen."""

LEAST_FONT = 11


def draw(picture: Picture, faces: Sequence[Face]) -> Picture:
    """Return uint8 (H, W, 3): a copy of `picture` with its faces framed and named, each as surely as it is known."""
    image = Image.fromarray(picture).convert("RGB")
    pen = ImageDraw.Draw(image)
    size = {"width": image.width, "height": image.height}
    smallest = max(float(LEAST_FONT), max(image.size) / LETTERS_ACROSS)
    marks = lay_out(faces, smallest=smallest, **size)
    for face, mark in zip(faces, marks, strict=True):
        _draw_frame(pen, face, mark, image.size)
    for mark in marks:
        if mark.place is not None:
            _draw_text(pen, mark.text, mark.place, mark.font, sure=mark.is_sure)
    legend = lay_out_legend(faces, marks, smallest=smallest, **size)
    if legend is not None:
        numbered = [mark.is_sure for mark in marks if mark.is_number]
        _draw_legend(pen, legend, numbered)
    return np.asarray(image)


def draw_on(picture: WholePicture, faces: Sequence[Face]) -> Picture:
    """Return uint8 (H, W, 3): a copy of a picture, as it was read, with its faces; boxes in its own pixels."""
    if picture.is_whole:
        return draw(picture.pixels, faces)
    scale = picture.pixels.shape[1] / picture.width
    placed = [
        face
        if face.box is None
        else replace(face, box=picture.shrink([face.box])[0], crop=face.crop and _scale(face.crop, scale))
        for face in faces
    ]
    return draw(picture.pixels, placed)


def _scale(crop: Crop, scale: float) -> Crop:
    return replace(
        crop, left=round(crop.left * scale), top=round(crop.top * scale), side=max(1, round(crop.side * scale))
    )


def _draw_frame(pen: ImageDraw.ImageDraw, face: Face, mark: Mark, size: tuple[int, int]) -> None:
    colour = QUIET if not mark.is_clear else FRAME if mark.is_sure else PALE
    corners = list_corners(face, size)
    side = math.dist(*corners[:2])
    thick = 1 if not mark.is_clear else max(2, round(side / (60 if mark.is_sure else 90)))
    # As four lines, each wholly inside of the picture: a polygon's own outline has gaps at its corners.
    inside = [(min(max(x, 0), size[0] - 1), min(max(y, 0), size[1] - 1)) for x, y in corners]
    pen.line([*inside, inside[0], inside[1]], fill=colour, width=thick, joint="curve")


def list_corners(face: Face, size: tuple[int, int]) -> list[tuple[float, float]]:
    """Return the corners of what the network saw of a face, in a picture of this width and height."""
    if face.crop is None:
        box = face.box
        left, top, right, bottom = (
            (0, 0, size[0], size[1]) if box is None else (box.left, box.top, box.left + box.width, box.top + box.height)
        )
        return [(left, top), (right - 1, top), (right - 1, bottom - 1), (left, bottom - 1)]
    crop, half = face.crop, (face.crop.side - 1) / 2
    middle = (crop.left + half, crop.top + half)
    cos, sin = math.cos(math.radians(crop.turn)), math.sin(math.radians(crop.turn))
    ends = ((-half, -half), (half, -half), (half, half), (-half, half))
    return [(middle[0] + x * cos - y * sin, middle[1] + x * sin + y * cos) for x, y in ends]


def _draw_text(
    pen: ImageDraw.ImageDraw, text: str, place: Rectangle, font: float, *, sure: bool, listed: bool = False
) -> None:
    """Write a text into the middle of its place, or, in a list, to its left."""
    pen.rounded_rectangle(place, radius=0 if listed else 0.2 * font, fill=FRAME if sure else PALE)
    at = place[0] + LETTER * font / 2 if listed else (place[0] + place[2]) / 2
    letters, anchor = ImageFont.load_default(size=font), "lm" if listed else "mm"
    pen.text((at, (place[1] + place[3]) / 2), text, fill=INK if sure else PALE_INK, font=letters, anchor=anchor)


def _draw_legend(pen: ImageDraw.ImageDraw, legend: Legend, sure: Sequence[bool]) -> None:
    left, top, right, _ = legend.place
    rows = -(-len(legend.lines) // legend.columns)
    wide, high = (right - left) / legend.columns, LINE * legend.font
    for index, (line, is_sure) in enumerate(zip(legend.lines, sure, strict=True)):
        corner = (left + index // rows * wide, top + index % rows * high)
        _draw_text(pen, line, (*corner, corner[0] + wide, corner[1] + high), legend.font, sure=is_sure, listed=True)
