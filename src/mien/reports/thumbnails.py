"""Faces as small PNGs in text. In: grey or colour images. Out: base64, ready for a data URI."""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]

WIDEST = 96
"""Side in pixels above which faces are made smaller: a page of large faces stays a small file."""


def encode_picture(image: Bytes) -> str:
    """Return a grey (H, W) or colour (H, W, 3) image as the base64 of a PNG of at most `WIDEST` pixels a side.

    >>> encode_picture(np.zeros((2, 2), dtype=np.uint8))[:8]
    'iVBORw0K'
    """
    picture = Image.fromarray(image)
    picture.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")
