"""Cameras, through OpenCV: PyAV's wheels open none on Linux. In: a number. Out: frames, each with its time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from mien.errors import DataError, MissingExtraError
from mien.recognition.pictures import Picture
from mien.recognition.videos.reading import USUAL_FPS, Shot


@final
class Camera:
    """An open camera; it has the attributes of `Video`."""

    def __init__(self, number: int, capture: Any) -> None:
        import cv2

        self.source, self.name = None, f"camera {number}"
        self.live, self.frames, self.read, self.start, self.has_sound = True, 0, 0, 0.0, False
        self.fps = float(capture.get(cv2.CAP_PROP_FPS)) or USUAL_FPS
        self._capture = capture

    def __iter__(self) -> Iterator[Shot]:
        """Yield each frame at the time at which it came."""
        began = time.monotonic()
        while self._capture.grab():
            yield Shot(number=self.read, seconds=time.monotonic() - began, decode=self._decode)
            self.read += 1
        if not self.read:
            raise DataError(self.name, "expected moving pictures, found not one frame that decodes")

    def tell_damage(self) -> str | None:
        """Return None: a camera has no end to come before its time."""
        return None

    def tell_remark(self) -> str | None:
        """Return None: its times are those of the clock."""
        return None

    def _decode(self) -> Picture | None:
        import cv2

        whole, picture = self._capture.retrieve()
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if whole else None


@contextmanager
def open_camera(number: int) -> Iterator[Camera]:
    """Yield the camera of a number.

    Raises:
        DataError: there is none.
        MissingExtraError: OpenCV is not installed.
    """
    cv2 = _import_opencv()
    capture = cv2.VideoCapture(number)
    try:
        if not capture.isOpened():
            raise DataError(f"camera {number}", "expected a camera of this number, found none that opens")
        yield Camera(number, capture)
    finally:
        capture.release()


def _import_opencv() -> Any:
    """Return cv2, which from now on leaves it to us to tell what is wrong, in one line."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless, which opens cameras,", "video") from error
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2
