"""What differs from face to face beside the expression: the person, the pose, the light and the camera.

In: a count and a generator. Out: each trait as float32 (N, 1, 1). The amounts of variation stand in one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from mien.synthetic.units import Field

TRAIT_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        # the person; lengths in units of half a face's height, tones 0 black to 255 white
        "skin": (90, 225),
        "hair": (15, 190),
        "face_width": (0.70, 0.86),
        "jaw_width": (0.72, 1.0),
        "hair_width": (0.04, 0.28),
        "hair_length": (-0.15, 0.9),
        "hairline": (-0.92, -0.50),
        "parting": (-0.35, 0.35),
        "eye_gap": (0.32, 0.40),
        "eye_height": (-0.18, -0.08),
        "eye_width": (0.17, 0.23),
        "eye_opening": (0.09, 0.125),
        "eye_tilt": (-0.15, 0.25),
        "iris": (20, 110),
        "brow_distance": (0.27, 0.33),
        "brow_weight": (0.03, 0.065),
        "brow_slope": (-0.02, 0.03),
        "nose_length": (0.20, 0.34),
        "nose_width": (0.09, 0.15),
        "mouth_height": (0.55, 0.64),
        "mouth_breadth": (0.25, 0.33),
        "lip_fullness": (0.04, 0.085),
        "lip_tone": (0.55, 0.85),
        "asymmetry": (-0.02, 0.02),
        "gaze": (-0.05, 0.05),
        "shirt": (20, 235),
        # 0..1: worn where above the threshold given where it is drawn
        "bearded": (0, 1),
        "bespectacled": (0, 1),
        "haired": (0, 1),
        # the pose
        "roll_degrees": (-20, 20),
        "shift_x": (-0.17, 0.17),
        "shift_y": (-0.15, 0.15),
        "zoom": (0.82, 1.18),
        "yaw": (-0.20, 0.20),
        "pitch": (-0.10, 0.10),
        # the light and the camera
        "light_degrees": (0, 360),
        "light_strength": (0.0, 0.5),
        "contrast": (0.65, 1.1),
        "brightness": (-35, 35),
        "backdrop": (10, 245),
        "backdrop_slope": (-60, 60),
        "blur": (0.0, 0.2),
        "noise": (1, 8),
        # what stands before the face
        "barred": (0, 1),
        "bar_degrees": (0, 180),
        "bar_offset": (-0.9, 0.9),
        "bar_width": (0.04, 0.10),
        "bar_tone": (0, 255),
        "handed": (0, 1),
        "hand_side": (-1, 1),
        "hand_height": (0.25, 0.9),
        "hand_reach": (0.4, 0.65),
        "hand_degrees": (-30, 30),
    }
)
"""Trait -> the range from which it is drawn uniformly."""


def sample_traits(count: int, rng: np.random.Generator) -> dict[str, Field]:
    """Return each trait of `TRAIT_RANGES`, float32 (count, 1, 1)."""
    low, high = np.array(list(TRAIT_RANGES.values())).T
    values = rng.uniform(low, high, (count, len(TRAIT_RANGES))).astype(np.float32)
    return {name: values[:, index, None, None] for index, name in enumerate(TRAIT_RANGES)}
