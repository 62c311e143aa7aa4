"""Facial action units: which of them make an expression, and what each of them moves in a drawn face.

In: labels and a generator. Out: intensities (N, units) and from them the named controls (brow height, lid opening,
lip corners, …) that the drawing follows. The table of expressions is data, so a test can hold it against the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mien.labels import EXPRESSIONS

Field = npt.NDArray[np.float32]
"""A value for each face, (N, 1, 1), or for each pixel, (N, H, W)."""

ACTION_UNITS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "angry": (4, 5, 7, 23),
        "disgust": (9, 15, 16),
        "fear": (1, 2, 4, 5, 20, 26),
        "happy": (6, 12),
        "sad": (1, 4, 15),
        "surprise": (1, 2, 5, 26),
        "neutral": (),
    }
)
"""Expression -> the action units of one of its prototypes. Units: Ekman & Friesen, Facial Action Coding System, 1978.
Prototypes: Ekman, Friesen & Hager, Facial Action Coding System: Investigator's Guide, 2002, Table 10-1."""

OPTIONAL_UNITS: Mapping[str, tuple[int, ...]] = MappingProxyType({"happy": (25,)})
"""Units that half of the faces of an expression add: a smile is one with lips parted or closed."""

UNIT_EFFECTS: Mapping[int, tuple[str, Mapping[str, float]]] = MappingProxyType(
    {
        1: ("inner brow raiser", {"brow_inner": 0.22, "forehead": 0.5}),
        2: ("outer brow raiser", {"brow_outer": 0.15, "brow_arch": 0.03, "forehead": 0.5}),
        4: ("brow lowerer", {"brow_inner": -0.10, "brow_outer": -0.03, "brow_gap": -0.05, "frown": 1.0}),
        5: ("upper lid raiser", {"lid_top": 0.075}),
        6: ("cheek raiser", {"lid_bottom": -0.10, "lid_top": -0.02, "cheek": 1.0}),
        7: ("lid tightener", {"lid_bottom": -0.045, "lid_top": -0.03, "lid_line": 0.5}),
        9: (
            "nose wrinkler",
            {"wrinkle": 1.0, "fold": 0.9, "nose_rise": 0.06, "lip_top": 0.07, "brow_inner": -0.09, "lid_top": -0.04},
        ),
        12: ("lip corner puller", {"corner_rise": 0.17, "mouth_width": 0.07, "fold": 0.8}),
        15: ("lip corner depressor", {"corner_rise": -0.16, "mouth_width": -0.02}),
        16: ("lower lip depressor", {"lip_bottom": 0.09, "mouth_square": 0.5}),
        20: ("lip stretcher", {"mouth_width": 0.14, "corner_rise": -0.04, "mouth_square": 1.0}),
        23: ("lip tightener", {"lip_height": -0.04, "mouth_width": -0.10, "lip_press": 1.0}),
        25: ("lips part", {"lip_top": 0.02, "lip_bottom": 0.10}),
        26: ("jaw drop", {"lip_top": 0.03, "lip_bottom": 0.20, "mouth_width": -0.07, "jaw": 0.08}),
    }
)
"""Unit -> its name in FACS and what it adds to each control at full intensity, in units of half a face's height
(forehead, frown, cheek, wrinkle, fold, lid_line, lip_press and mouth_square: 0 absent to 1 full)."""

UNITS: tuple[int, ...] = tuple(UNIT_EFFECTS)
CONTROLS: tuple[str, ...] = tuple(sorted({control for _, effects in UNIT_EFFECTS.values() for control in effects}))

WEAKEST, STRONGEST = 0.7, 1.2
"""Range of a unit's intensity; 1 is the full effect of `UNIT_EFFECTS`."""


def sample_intensities(labels: npt.NDArray[np.int64], rng: np.random.Generator) -> Field:
    """Return float32 (N, units): how strongly each face shows each unit of `UNITS`, 0 where its expression lacks it."""
    always, sometimes = _membership(ACTION_UNITS), _membership(OPTIONAL_UNITS)
    shape = (len(labels), len(UNITS))
    shown = always[labels] | (sometimes[labels] & (rng.random(shape) < 0.5))
    return (shown * rng.uniform(WEAKEST, STRONGEST, shape)).astype(np.float32)


def _membership(table: Mapping[str, tuple[int, ...]]) -> npt.NDArray[np.bool_]:
    """Return bool (expressions, units)."""
    return np.array([[unit in table.get(expression, ()) for unit in UNITS] for expression in EXPRESSIONS])


def add_effects(intensities: Field) -> dict[str, Field]:
    """Return each control, float32 (N, 1, 1): the sum of what the units at `intensities` (N, units) do to it."""
    effects = np.array([[UNIT_EFFECTS[unit][1].get(control, 0.0) for control in CONTROLS] for unit in UNITS])
    # A sum, not a matrix product: BLAS may order its additions by machine, and faces are to be the same on all.
    sums = (intensities[:, :, None] * effects[None]).sum(axis=1).astype(np.float32)
    return {control: sums[:, index, None, None] for index, control in enumerate(CONTROLS)}
