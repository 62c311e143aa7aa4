"""Faces in moving pictures. In: a video file or a camera. Out: its frames, each with the faces followed through it.

Reading and writing is OpenCV's; a video that does not decode is a `DataError` of one line.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from mien.errors import DataError, MienError, MissingExtraError
from mien.files import write_aside
from mien.recognition import Recogniser, draw
from mien.recognition.face import Box, Face
from mien.recognition.pictures import Picture
from mien.stream.tracking import Tracker

FRAMES_AT_ONCE = 8
"""Frames whose faces are found in parallel and named together; of a camera one, which answers at once."""

USUAL_FPS = 25.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How to watch a video.

    Attributes:
        detect: look for faces; otherwise each frame is one face.
        every: look at each frame whose number it divides.
        keep_all: yield the frames between, too, with the faces of the one before.
        smoothing_seconds: time constant of the average over time.
        min_confidence: faces that are named with less are left out.
        workers: threads that look for faces.
    """

    detect: bool = True
    every: int = 1
    keep_all: bool = False
    smoothing_seconds: float = 0.5
    min_confidence: float = 0.0
    workers: int = 1


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        number: from 0.
        seconds: since the beginning.
        picture: uint8 (H, W, 3), RGB.
        looked_at: faces were looked for; otherwise they are those of the frame before.
        faces: with the number of each, which it keeps for as long as it is followed.
    """

    number: int
    seconds: float
    picture: Picture
    looked_at: bool
    faces: tuple[tuple[int, Face], ...] = ()


@final
class Video:
    """An open video or camera; `open_video` opens it.

    Attributes:
        name: what it is called in errors and rows.
        frames: how many there are, as the file tells; 0 where it does not, as for a camera.
        fps: frames a second, as it tells.
        live: it is a camera.
    """

    def __init__(self, source: str | int, capture: Any) -> None:
        import cv2

        self.live = isinstance(source, int)
        self.name = f"camera {source}" if self.live else str(source)
        self.frames = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.fps = float(capture.get(cv2.CAP_PROP_FPS)) or USUAL_FPS
        self.read = 0
        self._capture = capture

    def __iter__(self) -> Iterator[tuple[int, float, Callable[[], Picture | None]]]:
        """Yield number, seconds and what decodes it, of each frame; skipping one is cheaper than decoding it."""
        began = time.monotonic()
        while self._capture.grab():
            seconds = time.monotonic() - began if self.live else self._tell_seconds()
            yield self.read, seconds, self._decode
            self.read += 1
        if not self.read:
            raise DataError(self.name, "expected moving pictures, found not one frame that decodes")

    def tell_damage(self) -> str | None:
        """Return in words that a video ended before its time; its header may be a little wrong, hence the tenth."""
        if self.read < 0.9 * self.frames:
            return f"ends after {self.read:,} of {self.frames:,} frames: the file may be damaged"
        return None

    def _tell_seconds(self) -> float:
        import cv2

        told = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
        return told if told > 0.0 else self.read / self.fps  # some containers do not tell

    def _decode(self) -> Picture | None:
        import cv2

        whole, picture = self._capture.retrieve()
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if whole else None


@contextmanager
def open_video(source: str | int) -> Iterator[Video]:
    """Yield a video file, or the camera of a number.

    Raises:
        DataError: the file is missing or no video, or there is no such camera.
    """
    cv2 = quieten_opencv()
    capture = cv2.VideoCapture(source)
    try:
        if not capture.isOpened() and isinstance(source, int):
            raise DataError(f"camera {source}", "expected a camera of this number, found none that opens")
        if not capture.isOpened():
            raise DataError(source, "expected a video that OpenCV can decode, found another or a broken file")
        yield Video(source, capture)
    finally:
        capture.release()


def quieten_opencv() -> Any:
    """Return cv2, which from now on leaves it to us to tell what is wrong, in one line.

    Raises:
        MissingExtraError: it is not installed, or lacks a library of the system.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "video") from error
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


def follow_faces(recogniser: Recogniser, video: Video, watch: Watch) -> Generator[Frame, None, None]:
    """Yield the frames of a video that are looked at, or all, with their faces numbered and smoothed over time.

    Raises:
        DataError: nothing decodes.
    """
    tracker = Tracker(smoothing_seconds=watch.smoothing_seconds)
    frames = _read_frames(video, watch)
    held: tuple[tuple[int, Face], ...] = ()
    with ThreadPoolExecutor(watch.workers) as pool:
        while batch := list(islice(frames, 1 if video.live else FRAMES_AT_ONCE)):
            looked_at = [frame for frame in batch if frame.looked_at]
            found = iter(_recognise_frames(recogniser, looked_at, pool, detect=watch.detect))
            for frame in batch:
                if frame.looked_at:
                    followed = tracker.follow(next(found), frame.seconds)
                    held = tuple(pair for pair in followed if pair[1].confidence >= watch.min_confidence)
                yield replace(frame, faces=held)


@contextmanager
def open_copy(path: Path, video: Video) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that draws a frame's faces and appends it to a new mp4 file.

    Raises:
        MienError: the file cannot be written.
    """
    cv2 = quieten_opencv()
    with write_aside(path) as aside:
        writers: list[Any] = []
        written = 0

        def write(frame: Frame) -> None:
            nonlocal written
            if not writers:
                size = (frame.picture.shape[1], frame.picture.shape[0])
                writers.append(cv2.VideoWriter(str(aside), cv2.VideoWriter_fourcc(*"mp4v"), video.fps, size))
            drawn = cv2.cvtColor(draw(frame.picture, [face for _, face in frame.faces]), cv2.COLOR_RGB2BGR)
            due = frame.seconds * video.fps + 1.0 if video.live else written + 1  # a camera keeps its own time
            while written < due:
                writers[0].write(drawn)
                written += 1

        try:
            yield write
        finally:
            for writer in writers:
                writer.release()
        if not aside.exists() or not aside.stat().st_size:
            raise MienError(f"{path}: cannot be written (OpenCV does not say why)")


def _read_frames(video: Video, watch: Watch) -> Iterator[Frame]:
    for number, seconds, decode in video:
        looked_at = number % watch.every == 0
        picture = decode() if looked_at or watch.keep_all else None
        if picture is not None:
            yield Frame(number=number, seconds=seconds, picture=picture, looked_at=looked_at)


def _recognise_frames(
    recogniser: Recogniser, frames: Sequence[Frame], pool: ThreadPoolExecutor, *, detect: bool
) -> list[list[Face]]:
    if not frames:
        return []

    def cut(frame: Frame) -> tuple[list[Box | None], npt.NDArray[np.uint8]]:
        boxes: list[Box | None] = [*recogniser.find(frame.picture)] if detect else [None]
        return boxes, recogniser.cut(frame.picture, boxes)

    parts = list(pool.map(cut, frames))
    answers = iter(recogniser.predict(np.concatenate([crops for _, crops in parts])))
    return [recogniser.name(boxes, np.array(list(islice(answers, len(boxes)))), crops) for boxes, crops in parts]
