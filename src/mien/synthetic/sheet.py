"""A contact sheet of synthetic faces: a column for each expression, under its name.

In: rows, seed, zoom. Out: one grey picture, uint8 (H, W). `docs/synthetic.png` is the sheet with the defaults.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from mien.errors import ConfigError
from mien.faces import Images
from mien.labels import EXPRESSIONS
from mien.synthetic.faces import SIZE, draw_faces

GAP, HEADING = 2, 18
"""Pixels between two faces, and above the first row."""


def draw_sheet(*, rows: int = 6, seed: int = 0, zoom: int = 2) -> Images:
    """Return `rows` faces of each expression side by side, each pixel drawn `zoom` times `zoom`.

    To save it: `PIL.Image.fromarray(draw_sheet()).save("sheet.png")`.

    Raises:
        ConfigError: less than one row or a zoom below 1.
    """
    if rows < 1 or zoom < 1:
        raise ConfigError(f"contact sheet: expected rows and zoom of 1 or above, found {rows} and {zoom}")
    columns, step = len(EXPRESSIONS), SIZE * zoom + GAP
    faces = draw_faces(list(EXPRESSIONS) * rows, np.random.default_rng(seed))
    sheet = Image.new("L", (columns * step - GAP, HEADING + rows * step - GAP), 255)
    pen = ImageDraw.Draw(sheet)
    for column, expression in enumerate(EXPRESSIONS):
        pen.text((column * step + step // 2, HEADING // 2), expression, fill=0, anchor="mm")
    for place, face in enumerate(faces.repeat(zoom, axis=1).repeat(zoom, axis=2)):
        row, column = divmod(place, columns)
        sheet.paste(Image.fromarray(face), (column * step, HEADING + row * step))
    return np.asarray(sheet)
