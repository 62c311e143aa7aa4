"""From YuNet's maps to faces. In: what the network says at each place. Out: boxes, scores and landmarks, one a face.

YuNet (Wu et al., "YuNet: a tiny millisecond-level face detector", 2023) looks at a grid of places every 8, 16 and 32
pixels, each of which answers whether a face is there (`cls`), how well its box would fit (`obj`), where that is
(`bbox`) and where eyes, nose and corners of the mouth are (`kps`), in steps of the grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

STRIDES = (8, 16, 32)
"""Pixels between the places of each grid; what goes in has sides that are multiples of the last."""

NAMES = tuple(f"{part}_{stride}" for part in ("cls", "obj", "bbox", "kps") for stride in STRIDES)
"""The network's outputs: (1, places, 1, 1, 4 or 10), row by row of the grid."""

MOST = 5000
"""Candidates looked at: those with the highest scores."""

Maps: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
Found: TypeAlias = npt.NDArray[np.float32]
"""float32 (N, 15): left, top, width, height, score, then x and y of five landmarks: the right eye of the person, the
left one, the tip of the nose, the right and the left corner of the mouth; in pixels, the highest score first."""


def decode(maps: Maps, columns: int, *, min_score: float) -> Found:
    """Return the candidates with at least `min_score`, many of them for one face.

    Args:
        maps: by the names in `NAMES`.
        columns: pixels in a row of what the network was shown.
        min_score: 0 to 1.
    """
    found = np.concatenate([_decode_grid(maps, stride, columns // stride, min_score) for stride in STRIDES])
    return found[np.argsort(-found[:, 4], kind="stable")[:MOST]]


def _decode_grid(maps: Maps, stride: int, across: int, min_score: float) -> Found:
    cls, obj, bbox, kps = (maps[f"{part}_{stride}"][0] for part in ("cls", "obj", "bbox", "kps"))
    scores = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
    places = np.flatnonzero(scores >= min_score)
    corner = np.stack([places % across, places // across], axis=1).astype(np.float32)
    sides = np.exp(np.minimum(bbox[places, 2:], 10.0)) * stride
    marks = (kps[places].reshape(-1, 5, 2) + corner[:, None]) * stride
    starts = (corner + bbox[places, :2]) * stride - sides / 2
    return np.concatenate([starts, sides, scores[places, None], marks.reshape(-1, 10)], axis=1).astype(np.float32)


def keep_one_a_face(found: Found, *, overlap: float) -> Found:
    """Return the candidates without those that overlap a better one by more than `overlap`.

    Overlap is intersection over union, 0 to 1; `found` has the highest score first. (Non-maximum suppression.)
    """
    starts, ends = found[:, :2], found[:, :2] + found[:, 2:4]
    areas = found[:, 2] * found[:, 3]
    left, kept = np.arange(len(found)), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        shared = np.minimum(ends[best], ends[left]) - np.maximum(starts[best], starts[left])
        both = np.prod(np.maximum(shared, 0), axis=1)
        left = left[both <= overlap * (areas[best] + areas[left] - both)]
    return found[kept]
