"""Faces that something covers: a band anywhere, a mask over mouth and nose, a band over the eyes.

Places are parts of the crop, as eyes and mouths lie in crops of FER2013's kind: the middle of the eyes at two fifths.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.faces import Images

EYES = 0.4
"""Height of the eyes in the crop, from its top."""

SIDES = 0.08
"""What a mask or glasses leave free on the left and on the right."""

BRIGHT, DARK = (120, 250), (0, 60)
"""Grey values of masks, and of glasses."""


def cover(images: Images, part: float, rng: np.random.Generator) -> Images:
    """Return faces behind a band of one grey value, as wide as the picture and `part` of its height, anywhere."""
    height = images.shape[1]
    thick = round(part * height)
    places, greys = rng.random((len(images), 2)).T
    first = np.floor(places * (height - thick + 1))[:, None]
    rows = np.arange(height)[None, :]
    hidden = (rows >= first) & (rows < first + thick)
    return _paint(images, hidden[:, :, None], np.floor(greys * 256))


def put_on_mask(images: Images, part: float, rng: np.random.Generator) -> Images:
    """Return faces whose lowest `part` a bright mask covers."""
    rows = np.arange(images.shape[1]) >= round((1.0 - part) * images.shape[1])
    return _paint(images, _frame(rows, images.shape[2]), rng.uniform(*BRIGHT, len(images)))


def put_on_glasses(images: Images, part: float, rng: np.random.Generator) -> Images:
    """Return faces with a dark band over the eyes, `part` of the picture's height."""
    height = images.shape[1]
    middles = (np.arange(height) + 0.5) / height
    return _paint(images, _frame(np.abs(middles - EYES) <= part / 2, images.shape[2]), rng.uniform(*DARK, len(images)))


def _frame(rows: npt.NDArray[np.bool_], width: int) -> npt.NDArray[np.bool_]:
    """Return bool (1, H, W): these rows, without the sides."""
    middles = (np.arange(width) + 0.5) / width
    return (rows[:, None] & ((middles >= SIDES) & (middles <= 1.0 - SIDES))[None, :])[None]


def _paint(images: Images, hidden: npt.NDArray[np.bool_], greys: npt.NDArray[np.float64]) -> Images:
    return np.where(hidden, greys.astype(np.uint8)[:, None, None], images)
