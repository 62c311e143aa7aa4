"""Viola and Jones's cascade of Haar features (2001), as OpenCV 4 ships it: where there is no YuNet. In: a picture."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

import numpy as np

from mien.errors import ConfigError
from mien.recognition.face import Box
from mien.recognition.pictures import Picture
from mien.recognition.shrink import LONGEST_SIDE, fit_boxes, shrink

CASCADE = "haarcascade_frontalface_alt2.xml"
SCALE_STEP = 1.1
"""Faces are looked for at sizes this far apart."""

MIN_NEIGHBOURS = 2
"""Windows around a face that have to agree."""

MIN_SUM = 54.9
"""The least sum of the cascade's last stage. With these two, 75.6 % of 180 faces of FER2013's valid were found in drawn
scenes, 0.10 false finds a scene; with OpenCV's usual 3 windows and no score 73.3 % and 0.13. In 17 photographs of other
things nothing was found, where 2 windows alone found two faces."""

SMALLEST_FACE = 32
"""Side in pixels: less than the network sees; faces of 24 to 32 take a fifth of the time of looking."""

MIN_SCORE = 0.5
"""What `MIN_SUM` is on the scale from 0 to 1."""


def find_cascade() -> Path | None:
    """Return the cascade's file, or None where no OpenCV is installed, or one that has none: 5 dropped it."""
    spec = find_spec("cv2")
    places = [Path(place) / "data" / CASCADE for place in (spec.submodule_search_locations or ())] if spec else []
    if not any(place.is_file() for place in places):
        return None
    try:
        import cv2
    except ImportError:  # one whose own libraries are missing
        return None
    if not hasattr(cv2, "CascadeClassifier"):
        return None
    return next(place for place in places if place.is_file())


def _tell_opencv() -> str:
    """Return which OpenCV is here instead of one with a cascade."""
    try:
        import cv2
    except ImportError:
        return "none"
    return f"OpenCV {getattr(cv2, '__version__', 'of an unknown version')}, which has none: take yunet"


@final
class CascadeDetector:
    """Finds upright frontal faces; may be shared between threads.

    Args:
        min_score: the least score of a find, 0 to 1; None: 0.5. A score is 1 - 2^(-s/54.9) of the last stage's
            sum s: it ranks, and 0.5 is what the cascade was set to.

    Raises:
        ConfigError: no OpenCV with a cascade is installed.
    """

    longest_side = LONGEST_SIDE
    """Larger pictures are scaled down to so many pixels before they are looked at."""

    margin = 0.05
    """Added on each side of a box, as a fraction of its longer side. The boxes are 0.92 times as wide as FER2013's
    pictures (median). Of 700 faces of valid that it found 67.3 % were right; without margin 67.4 %, with 0.10 65.7 %,
    with -0.05 66.3 %; on the original crops 70.0 % (benchmarks.detection)."""

    def __init__(self, *, min_score: float | None = None) -> None:
        path = find_cascade()
        if path is None:
            raise ConfigError(f"`detector` cascade: expected OpenCV 4, which ships one, but found {_tell_opencv()}")
        self._path, self._min_score = path, MIN_SCORE if min_score is None else min_score
        self._held = threading.local()  # a classifier keeps its pyramid inside: one for each thread

    def __call__(self, picture: Picture, /) -> list[Box]:
        """Return the faces of a picture."""
        import cv2

        small, scale = shrink(picture)
        found, _, sums = self._classifier().detectMultiScale3(
            cv2.cvtColor(small, cv2.COLOR_RGB2GRAY),
            scaleFactor=SCALE_STEP,
            minNeighbors=MIN_NEIGHBOURS,
            minSize=(SMALLEST_FACE, SMALLEST_FACE),
            outputRejectLevels=True,
        )
        scores = 1.0 - np.exp2(-np.maximum(np.ravel(sums), 0.0) / MIN_SUM)
        boxes = [(*map(float, place), float(score)) for place, score in zip(found, scores, strict=True)]
        return fit_boxes((box for box in boxes if box[-1] >= self._min_score), picture, scale=scale)  # type: ignore[misc]

    def _classifier(self) -> Any:
        import cv2

        if not hasattr(self._held, "classifier"):
            self._held.classifier = cv2.CascadeClassifier(str(self._path))
        return self._held.classifier
