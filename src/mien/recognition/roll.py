"""By how much a face is turned in its picture. In: a picture, a candidate of YuNet and how to look again. Out: degrees.

YuNet's landmarks show a third to a half of a tilt, so the face is turned by what they show and looked at again, until
little is left. That costs a small look each time, and is done for faces alone whose landmarks show a tilt worth it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mien.recognition.crop import cut_square
from mien.recognition.face import Box
from mien.recognition.pictures import Picture
from mien.recognition.priors import Found

WORTH_A_LOOK = 10.0
"""Degrees that the landmarks have to show: 7 % of upright faces of valid in drawn scenes do."""

LOOKS = 3
PATCH = 160
"""Pixels a side of what is looked at again: the face fills half of it."""

PROFILE = 0.36
"""A face whose eyes are nearer to each other, in widths of its box, looks aside: its eyes tell no tilt."""


def measure_roll(picture: Picture, box: Box, found: Found, look: Callable[[Picture], Found]) -> float:
    """Return degrees, -180 to 180, positive where the face leans clockwise as the picture shows it.

    Args:
        picture: uint8 (H, W, 3).
        box: of the face.
        found: float32 (15,): the candidate that the box was made from.
        look: returns candidates in a picture, float32 (N, 15).
    """
    degrees = show_roll(found)
    if abs(degrees) < WORTH_A_LOOK or _is_profile(found):
        return degrees
    for _ in range(LOOKS - 1):
        patch = np.asarray(cut_square(picture, box, margin=0.5, turn=degrees, side=PATCH))
        nearest = _find_nearest(look(patch))
        if nearest is None:
            break
        degrees += show_roll(nearest)
    return (degrees + 180.0) % 360.0 - 180.0


def show_roll(found: Found) -> float:
    """Return the degrees by which the line between the eyes of a candidate, float32 (15,), leans."""
    right, left = found[5:7], found[7:9]
    return math.degrees(math.atan2(left[1] - right[1], left[0] - right[0]))


def _is_profile(found: Found) -> bool:
    return bool(math.hypot(*(found[7:9] - found[5:7])) < PROFILE * found[2])


def _find_nearest(found: Found) -> Found | None:
    """Return the candidate nearest to the middle of a patch, if it is near."""
    away = np.hypot(*(found[:, axis] + found[:, axis + 2] / 2 - PATCH / 2 for axis in (0, 1)))
    return found[away.argmin()] if len(found) and away.min() < PATCH / 4 else None
