"""Finding faces. In: a picture, uint8 (H, W, 3) RGB. Out: a `Box` a face, the largest first; none is an empty list.

A detector is any callable of that form; `find_detector` makes those with a name: `auto` and `yunet`.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, final

import numpy as np

from mien.errors import ConfigError
from mien.recognise.face import Box
from mien.recognise.pictures import Picture

LONGEST_SIDE = 1280
"""Larger pictures are scaled down before faces are looked for, because a cascade's time grows with the pixels."""


class Detector(Protocol):
    """Finds faces."""

    def __call__(self, picture: Picture, /) -> list[Box]:
        """Return the box of each face in uint8 (H, W, 3), RGB."""
        ...


def find_detector(detector: str | Detector) -> Detector | None:
    """Return the detector of this name: None for "none", where every picture is one face.

    Raises:
        ConfigError: no detector has that name.
    """
    if not isinstance(detector, str):
        return detector
    if detector == "none":
        return None
    if detector == "auto":
        return CascadeDetector()
    raise ConfigError(f"--detector {detector}: expected auto, yunet, yunet:FILE or none")


@final
class CascadeDetector:
    """Viola and Jones's cascade of Haar features (2001), as it ships with OpenCV 4; may be shared between threads."""

    def __init__(self) -> None:
        self._held = threading.local()  # a classifier keeps its pyramid inside: one for each thread

    def __call__(self, picture: Picture, /) -> list[Box]:
        """Return the faces of a picture."""
        import cv2

        scale = min(1.0, LONGEST_SIDE / max(picture.shape[:2]))
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if scale < 1.0:
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found, _, scores = self._classifier().detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=5, minSize=(24, 24), outputRejectLevels=True
        )
        boxes = [
            Box(left=int(left), top=int(top), width=int(width), height=int(height), score=float(score))
            for (left, top, width, height), score in zip(found, np.ravel(scores), strict=True)
        ]
        return fit_boxes(boxes, picture, scale=scale)

    def _classifier(self) -> Any:
        import cv2

        if not hasattr(self._held, "classifier"):
            folder = Path(cv2.__file__).parent / "data"
            self._held.classifier = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_alt2.xml"))
        return self._held.classifier


def fit_boxes(boxes: list[Box], picture: Picture, *, scale: float = 1.0) -> list[Box]:
    """Return boxes found in a picture `scale` times as large, in pixels of `picture`, inside it, the largest first."""
    height, width = picture.shape[:2]
    fitted = []
    for box in boxes:
        left, top = max(0, round(box.left / scale)), max(0, round(box.top / scale))
        right = min(width, round((box.left + box.width) / scale))
        bottom = min(height, round((box.top + box.height) / scale))
        if right > left and bottom > top:
            fitted.append(replace(box, left=left, top=top, width=right - left, height=bottom - top))
    return sorted(fitted, key=lambda box: -box.width * box.height)
