"""What light and a sensor do to grey values: noise, dark, bright, little contrast, gamma, light from one side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.faces import Images
from mien.robustness.filters import to_pixels

WHITE = 255.0
MIDDLE_GREY = 128.0


def add_noise(images: Images, sigma: float, rng: np.random.Generator) -> Images:
    """Return faces with Gaussian noise of `sigma` grey levels, as of a sensor's electronics."""
    return to_pixels(images + sigma * rng.standard_normal(images.shape, dtype=np.float32))


def count_photons(images: Images, photons: float, rng: np.random.Generator) -> Images:
    """Return faces as a sensor counts them that catches `photons` in a white pixel: Poisson noise.

    At middle grey its standard deviation is 255 √(0.5 / photons) grey levels.
    """
    return to_pixels(rng.poisson(images * (photons / WHITE)) * (WHITE / photons))


def scale_light(images: Images, gain: float, rng: np.random.Generator) -> Images:
    """Return faces with `gain` times the light; what becomes brighter than white is white."""
    return to_pixels(images * np.float32(gain))


def flatten_contrast(images: Images, part: float, rng: np.random.Generator) -> Images:
    """Return faces with `part` of their distance from middle grey."""
    return to_pixels((images - np.float32(MIDDLE_GREY)) * np.float32(part) + np.float32(MIDDLE_GREY))


def bend_tones(images: Images, gamma: float, rng: np.random.Generator) -> Images:
    """Return faces with wrong gamma: half of them, by chance, to the power of `gamma`, the others of 1 / `gamma`."""
    darker = rng.random(len(images)) < 0.5
    scale = np.arange(256) / WHITE
    curves = np.stack([to_pixels(WHITE * scale ** (1.0 / gamma)), to_pixels(WHITE * scale**gamma)])
    return curves[darker.astype(np.intp)[:, None, None], images]


def light_from_one_side(images: Images, strength: float, rng: np.random.Generator) -> Images:
    """Return faces under a gain that runs from 1 + `strength` on one side, chosen by chance, to 1 − `strength`."""
    angles = rng.uniform(0.0, 2.0 * np.pi, len(images))[:, None, None]
    rows, columns = (np.linspace(-1.0, 1.0, side) for side in images.shape[1:])
    across: npt.NDArray[np.float64] = np.cos(angles) * columns[None, None, :] + np.sin(angles) * rows[None, :, None]
    across /= np.abs(across).max(axis=(1, 2), keepdims=True)
    return to_pixels(images * (1.0 + strength * across))
