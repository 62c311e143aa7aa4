"""The faces of one picture as a list that can draw itself, become a table and show itself in a notebook."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from html import escape
from io import BytesIO
from typing import Any, final

import numpy as np
from PIL import Image

from mien.recognition.draw import draw_on
from mien.recognition.face import Face
from mien.recognition.inputs import Source
from mien.recognition.layout import tell_face
from mien.recognition.pictures import Picture, read_whole

SHOWN_SIDE = 800
"""Pixels of the longer side of a picture in a notebook, at most."""


@final
class FoundFaces(list[Face]):
    """A list of `Face`, the largest first, that knows where it came from.

    It holds the source as it was given, no pixels of its own: ten thousand results of files take little memory, and a
    file is read again when it is drawn.
    """

    def __init__(self, faces: Iterable[Face], source: Source) -> None:
        super().__init__(faces)
        self.source = source

    def draw(self) -> Picture:
        """Return uint8 (H, W, 3), RGB: the picture, as it is read, with each face framed and named.

        Raises:
            DataError: the file is gone.
        """
        return draw_on(read_whole(self.source, on_remark=lambda _: None), self)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return a dict a face, ready for JSON."""
        return [face.to_dict() for face in self]

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a row a face: `pandas.DataFrame(faces.to_rows())` is a table."""
        return [face.to_row() for face in self]

    def _repr_png_(self) -> bytes:
        whole = read_whole(self.source, on_remark=lambda _: None, enough=SHOWN_SIDE)
        shown = Image.fromarray(whole.pixels)
        shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE))  # before drawing: names are laid out for the size that is seen
        image = Image.fromarray(draw_on(replace(whole, pixels=np.asarray(shown)), self))
        stream = BytesIO()
        image.save(stream, "PNG")
        return stream.getvalue()

    def _repr_html_(self) -> str:
        picture = base64.b64encode(self._repr_png_()).decode()
        names = list(next((face.probabilities for face in self if face.probabilities), ()))
        heading = "".join(f"<th>{escape(name)}</th>" for name in names)
        rows = "".join(
            f"<tr><th>{number} {escape(tell_face(face))}</th>"
            + "".join(f"<td>{_tell_share(face, name)}</td>" for name in names)
            + "</tr>"
            for number, face in enumerate(self, 1)
        )
        table = f"<table><tr><th></th>{heading}</tr>{rows}</table>" if self else "<p>no face found</p>"
        return f'<img src="data:image/png;base64,{picture}" alt="{len(self)} faces">{table}'


def _tell_share(face: Face, expression: str) -> str:
    """Return the probability of an expression; nothing for a face that is not readable."""
    return f"{face.probabilities[expression]:.0%}" if face.probabilities else ""
