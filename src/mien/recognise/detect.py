"""Finding faces. In: a picture, uint8 (H, W, 3) RGB. Out: a `Box` a face, the largest first; none is an empty list.

A detector is any callable of that form; `find_detector` makes those with a name: `auto` and `yunet`.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Protocol, final

import numpy as np

from mien.errors import ConfigError
from mien.recognise.face import Box
from mien.recognise.pictures import Picture
from mien.recognise.shrink import fit_boxes, shrink

CASCADE = "haarcascade_frontalface_alt2.xml"
SCALE_STEP = 1.1
"""Faces are looked for at sizes this far apart."""

MIN_NEIGHBOURS = 2
"""Windows around a face that have to agree."""

MIN_SCORE = 54.9
"""The least sum of the cascade's last stage. With these two, 75.6 % of 180 faces of FER2013's valid were found in drawn
scenes, 0.10 false finds a scene; with OpenCV's usual 3 windows and no score 73.3 % and 0.13. In 17 photographs of other
things nothing was found, where 2 windows alone found two faces."""

SMALLEST_FACE = 32
"""Side in pixels: less than the network sees; faces of 24 to 32 take a fifth of the time of looking."""


class Detector(Protocol):
    """Finds faces."""

    def __call__(self, picture: Picture, /) -> list[Box]:
        """Return the box of each face in uint8 (H, W, 3), RGB."""
        ...


def find_detector(detector: str | Detector) -> Detector | None:
    """Return the detector of this name: None for "none", where every picture is one face.

    Raises:
        ConfigError: no detector has that name, or YuNet's file is not told.
        RunError: YuNet's file is missing or cannot be read.
    """
    if not isinstance(detector, str):
        if not callable(detector):
            raise ConfigError(f"detector: expected a name or a callable, found {type(detector).__name__}")
        return detector
    name, _, file = detector.partition(":")
    if detector == "none":
        return None
    if detector == "auto":
        return CascadeDetector()
    if name == "yunet":
        from mien.recognise.yunet import YunetDetector, find_yunet

        return YunetDetector(find_yunet(file))
    raise ConfigError(f"detector {detector!r}: expected auto, yunet, yunet:FILE or none")


def check_boxes(boxes: Any, picture: Picture) -> list[Box]:
    """Return what a detector, which anybody may have written, answered for `picture`, uint8 (H, W, 3).

    Raises:
        ConfigError: it is no list of `Box`, or one of them is empty or not wholly in the picture.
    """
    if not isinstance(boxes, (list, tuple)) or not all(isinstance(box, Box) for box in boxes):
        kinds = ", ".join(sorted({type(box).__name__ for box in boxes})) if isinstance(boxes, (list, tuple)) else ""
        found = f"{type(boxes).__name__}{f' of {kinds}' if kinds else ''}"
        raise ConfigError(f"detector: expected a list of mien.Box, found {found}")
    height, width = picture.shape[:2]
    for box in boxes:
        across = box.left >= 0 and box.width >= 1 and box.left + box.width <= width
        down = box.top >= 0 and box.height >= 1 and box.top + box.height <= height
        if not (across and down):
            raise ConfigError(f"detector: expected boxes inside a picture of {width}x{height} pixels, found {box}")
    return list(boxes)


@final
class CascadeDetector:
    """Viola and Jones's cascade of Haar features (2001), as it ships with OpenCV 4; may be shared between threads."""

    def __init__(self) -> None:
        self._held = threading.local()  # a classifier keeps its pyramid inside: one for each thread

    def __call__(self, picture: Picture, /) -> list[Box]:
        """Return the faces of a picture."""
        import cv2

        small, scale = shrink(picture)
        found, _, scores = self._classifier().detectMultiScale3(
            cv2.cvtColor(small, cv2.COLOR_RGB2GRAY),
            scaleFactor=SCALE_STEP,
            minNeighbors=MIN_NEIGHBOURS,
            minSize=(SMALLEST_FACE, SMALLEST_FACE),
            outputRejectLevels=True,
        )
        boxes = [(*map(float, place), float(score)) for place, score in zip(found, np.ravel(scores), strict=True)]
        return fit_boxes((box for box in boxes if box[-1] >= MIN_SCORE), picture, scale=scale)  # type: ignore[misc]

    def _classifier(self) -> Any:
        import cv2

        if not hasattr(self._held, "classifier"):
            path = Path(cv2.__file__).parent / "data" / CASCADE
            self._held.classifier = cv2.CascadeClassifier(str(path))
        return self._held.classifier
