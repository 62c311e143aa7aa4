"""Draw what was recognised. In: a picture and its faces. Out: a copy with a frame and a label for each face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.recognition.face import Box, Face
from mien.recognition.pictures import Picture, WholePicture

FRAME = (255, 196, 0)
INK = (24, 24, 24)


def draw(picture: Picture, faces: Sequence[Face]) -> Picture:
    """Return uint8 (H, W, 3): a copy of `picture` with each face framed, named and its confidence told."""
    image = Image.fromarray(picture).convert("RGB")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(12, round(min(image.size) / 32)))
    for face in faces:
        box = face.box or Box(left=0, top=0, width=image.width, height=image.height)
        _draw_face(pen, box, f"{face.expression} {face.confidence:.0%}", font)
    return np.asarray(image)


def draw_on(picture: WholePicture, faces: Sequence[Face]) -> Picture:
    """Return uint8 (H, W, 3): a copy of a picture, as it was read, with its faces; boxes in its own pixels."""
    placed = [face if face.box is None else replace(face, box=picture.shrink([face.box])[0]) for face in faces]
    return draw(picture.pixels, placed)


def _draw_face(
    pen: ImageDraw.ImageDraw, box: Box, label: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> None:
    corners = (box.left, box.top, box.left + box.width - 1, box.top + box.height - 1)
    pen.rectangle(corners, outline=FRAME, width=max(2, round(box.width / 60)))
    left, top, right, bottom = pen.textbbox((0, 0), label, font=font)
    width, height = right - left + 6, bottom - top + 6
    place = (box.left, box.top - height if box.top >= height else box.top)
    pen.rectangle((*place, place[0] + width, place[1] + height), fill=FRAME)
    pen.text((place[0] + 3 - left, place[1] + 3 - top), label, fill=INK, font=font)
