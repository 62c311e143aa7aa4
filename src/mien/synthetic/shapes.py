"""Shapes as signed distances on the pixel grid of many faces at once, and paint that fills them with smooth edges.

In: coordinates float32 (N, H, W). Out: distances (negative inside) and coverages 0–1 of the same shape.
Only + − × ÷ √ min max act on pixels: these round alike on every machine, so the same seed draws the same faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.synthetic.units import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The coordinates of each pixel on N faces, (N, H, W): right and down from the middle of the face.

    Attributes:
        across: −1…1 from the left of the picture to its right, 1 being half the height of a face.
        down: −1 top of the skull … 1 chin.
        outward: |across|, so that one stroke draws both eyes.
        side: −1 left of the middle, 1 right of it.
        pixel: the side of a pixel in the same unit, (N, 1, 1).
    """

    across: Field
    down: Field
    outward: Field
    side: Field
    pixel: Field

    def cover(self, distance: Field, softness: float = 1.0) -> Field:
        """Return 0–1: how much of each pixel lies inside; an edge is `softness` pixels wide."""
        return cover(distance, softness * self.pixel)

    def take(self, indices: npt.NDArray[np.intp]) -> Plane:
        """Return the plane of the faces at `indices`."""
        return Plane(
            across=self.across[indices],
            down=self.down[indices],
            outward=self.outward[indices],
            side=self.side[indices],
            pixel=self.pixel[indices],
        )


def cover(distance: Field, edge: Field | np.float32) -> Field:
    """Return 0–1: 1 where `distance` is inside by half of the width `edge`, 0 where it is outside by as much."""
    alpha = distance / -edge
    alpha += np.float32(0.5)
    return clip_unit(alpha)


def clip_unit(values: Field) -> Field:
    """Clip `values` to 0–1 in place and return them."""
    np.maximum(values, 0, out=values)
    np.minimum(values, 1, out=values)
    return values


def paint(canvas: Field, tone: Field | float, alpha: Field) -> None:
    """Blend `tone` into `canvas` (N, H, W) in place, where `alpha` is 1 wholly."""
    canvas += alpha * (tone - canvas)


def ellipse(x: Field, y: Field, half_width: Field | float, half_height: Field | float) -> Field:
    """Return the distance to an ellipse around 0, exact on a circle and near enough on others."""
    radius: Field = np.sqrt((x / half_width) ** 2 + (y / half_height) ** 2)
    radius -= np.float32(1)
    scale: Field = np.sqrt(np.float32(1) * half_width * half_height)
    return radius * scale


def box(x: Field, y: Field, half_width: Field | float, half_height: Field | float) -> Field:
    """Return the distance to a rectangle around 0 (to its sides; corners are square)."""
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)
