"""Faces that are turned, moved, cut too tightly, or that moved while they were taken. One interpolation: bilinear.

What comes in from outside the picture repeats its border.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from mien.faces import Images
from mien.robustness.filters import USUAL_SIDE, to_pixels

Floats = npt.NDArray[np.float64]
STEPS_PER_PIXEL = 2
"""Pictures that a motion blur averages, for each pixel of its length."""


def turn(images: Images, degrees: float, rng: np.random.Generator) -> Images:
    """Return faces turned around their middle by `degrees`, to the left or to the right by chance."""
    angles = np.deg2rad(degrees) * np.where(rng.random(len(images)) < 0.5, -1.0, 1.0)
    return to_pixels(_warp(images, np.cos(angles), np.sin(angles), np.zeros((len(images), 2))))


def move(images: Images, part: float, rng: np.random.Generator) -> Images:
    """Return faces that lie off the middle by `part` of their side, in a direction chosen by chance."""
    directions = _draw_directions(len(images), rng)
    still = np.ones(len(images))
    return to_pixels(_warp(images, still, 0.0 * still, 2.0 * part * directions))


def frame_tightly(images: Images, part: float, rng: np.random.Generator) -> Images:
    """Return the middle `part` of the sides of each face, enlarged: crops that are too tight."""
    return to_pixels(_warp(images, np.full(len(images), part), np.zeros(len(images)), np.zeros((len(images), 2))))


def smear(images: Images, length: float, rng: np.random.Generator) -> Images:
    """Return faces that moved by `length` pixels (of a side of 48) while they were taken, in a direction by chance."""
    directions = _draw_directions(len(images), rng)
    still, steps = np.ones(len(images)), math.ceil(length) * STEPS_PER_PIXEL + 1
    total = np.zeros(images.shape, np.float32)
    for place in np.linspace(-0.5, 0.5, steps):
        total += _warp(images, still, 0.0 * still, 2.0 * place * length / USUAL_SIDE * directions)
    return to_pixels(total / steps)


def _draw_directions(count: int, rng: np.random.Generator) -> Floats:
    angles = rng.uniform(0.0, 2.0 * np.pi, count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _warp(images: Images, along: Floats, across: Floats, offsets: Floats) -> npt.NDArray[np.float32]:
    """Return float32 (N, H, W): each new pixel p is the old one at [[along, −across], [across, along]] p + offset.

    Coordinates run from −1 to 1 over the picture. Sides of different lengths would shear a turned face: theirs are
    evened out.
    """
    height, width = images.shape[1:]
    ratio = height / width
    rows = (
        np.stack([along, -across * ratio, offsets[:, 0]], axis=1),
        np.stack([across / ratio, along, offsets[:, 1]], axis=1),
    )
    theta = torch.from_numpy(np.stack(rows, axis=1)).float()
    pixels = torch.from_numpy(np.array(images)).float().unsqueeze(1)
    with torch.inference_mode():
        grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)
        shown = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return np.asarray(shown.squeeze(1).numpy())
