"""Separable filters as matrices: a picture X becomes A X Bᵀ, for many pictures at once. Blur, low resolution, JPEG.

A matrix of 48 x 48 says exactly which pixels meet in a new one, its borders included, and costs less than a loop over
pictures. Sizes are told in pixels of a face of `USUAL_SIDE` and grow with the face.
"""

from __future__ import annotations

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.faces import Images

USUAL_SIDE = 48
"""FER2013's: the side that pixels of a severity are told at."""

REACH = 3.0
"""Standard deviations at which a Gaussian kernel ends, as OpenCV's does for 8 bits."""

Floats = npt.NDArray[np.float32]


def blur(images: Images, sigma: float, rng: np.random.Generator) -> Images:
    """Return faces out of focus: a Gaussian of `sigma` pixels, mirrored at the border."""
    height, width = (blur_matrix(side, sigma * side / USUAL_SIDE) for side in images.shape[1:])
    return to_pixels(height @ images.astype(np.float32) @ width.T)


def lower_resolution(images: Images, side: float, rng: np.random.Generator) -> Images:
    """Return faces that were shown with `side` pixels in place of 48: shrunk by area, enlarged linearly."""
    new = [max(1, round(old * side / USUAL_SIDE)) for old in images.shape[1:]]
    down = [shrink_matrix(old, few) for old, few in zip(images.shape[1:], new, strict=True)]
    up = [enlarge_matrix(few, old) for old, few in zip(images.shape[1:], new, strict=True)]
    small = to_pixels(down[0] @ images.astype(np.float32) @ down[1].T)
    return to_pixels(up[0] @ small.astype(np.float32) @ up[1].T)


def frame_widely(images: Images, part: float, rng: np.random.Generator) -> Images:
    """Return faces that fill `part` of their crop's sides; what lies around repeats the border, for want of a picture.

    Shrunk by area, so that no detail turns into a pattern that was not there.
    """
    new = [max(1, round(old * part)) for old in images.shape[1:]]
    down = [shrink_matrix(old, few) for old, few in zip(images.shape[1:], new, strict=True)]
    small = to_pixels(down[0] @ images.astype(np.float32) @ down[1].T)
    before = [(old - few) // 2 for old, few in zip(images.shape[1:], new, strict=True)]
    after = [old - few - lead for old, few, lead in zip(images.shape[1:], new, before, strict=True)]
    return np.pad(small, [(0, 0), *zip(before, after, strict=True)], mode="edge")


def compress(images: Images, quality: float, rng: np.random.Generator) -> Images:
    """Return faces as a JPEG of `quality` (1 to 95) gives them back."""
    shown = np.empty_like(images)
    for index, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=round(quality))
        shown[index] = np.asarray(Image.open(file))
    return shown


def blur_matrix(side: int, sigma: float) -> Floats:
    """Return (side, side): each row a Gaussian around its pixel; what reaches beyond the border is mirrored there.

    >>> blur_matrix(5, 1.0).sum(axis=1).round(5).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    reach = math.ceil(REACH * sigma)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    matrix = np.zeros((side, side))
    period = max(1, 2 * side - 2)  # mirrored without repeating the border pixel: 2 1 [0 1 2 3] 2 1
    for row in range(side):
        places = np.abs(row + offsets) % period
        np.add.at(matrix[row], np.minimum(places, period - places), weights / weights.sum())
    return matrix.astype(np.float32)


def shrink_matrix(old: int, new: int) -> Floats:
    """Return (new, old): each row the mean over the pixels, and parts of pixels, that its new one covers.

    >>> shrink_matrix(4, 2).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    edges = np.arange(new + 1) * old / new
    pixels = np.arange(old)
    covered: npt.NDArray[np.float64] = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(covered, 0.0, 1.0) * new / old, dtype=np.float32)


def enlarge_matrix(old: int, new: int) -> Floats:
    """Return (new, old): linear interpolation between pixel centres; beyond the outermost one its value.

    >>> enlarge_matrix(2, 4).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    centres = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0.0, old - 1.0)
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(centres[:, None] - np.arange(old))), dtype=np.float32)


def to_pixels(values: npt.NDArray[np.floating]) -> Images:
    """Return values as uint8: rounded, and cut off at black and white."""
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)
