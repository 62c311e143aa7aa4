"""Faces in moving pictures. In: a video, a stream or a camera. Out: its frames, each with the faces followed so far."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, final

import numpy as np
import numpy.typing as npt

from mien.errors import ConfigError
from mien.recognition.draw import draw
from mien.recognition.face import Box, Face
from mien.recognition.pictures import Picture
from mien.recognition.videos.cameras import Camera, open_camera
from mien.recognition.videos.reading import Video, open_file
from mien.recognition.videos.tracking import Tracker

if TYPE_CHECKING:
    from mien.recognition.recogniser import Recogniser

Watched: TypeAlias = str | os.PathLike[str] | int | BinaryIO
"""A path, an address, the number of a camera, or an open file."""

FRAMES_AT_ONCE = 8
"""Frames whose faces are found in parallel and named together; of a camera one, which answers at once."""


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

    def __post_init__(self) -> None:
        for name, least in (("every", 1), ("workers", 1), ("smoothing_seconds", 0.0), ("min_confidence", 0.0)):
            value = getattr(self, name)
            if not value >= least:
                raise ConfigError(f"{name}: expected {least} or more, found {value}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedFace(Face):
    """A face in a video: its probabilities are averaged over time.

    Attributes:
        id: its number, from 1, which it keeps for as long as it is followed.
    """

    id: int

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values, ready for JSON."""
        return {"id": self.id, **Face.to_dict(self)}


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        number: from 0.
        seconds: since the beginning.
        picture: uint8 (H, W, 3), RGB.
        looked_at: faces were looked for; otherwise they are those of the frame before.
        faces: those that are followed.
    """

    number: int
    seconds: float
    picture: Picture
    looked_at: bool
    faces: tuple[TrackedFace, ...] = ()

    @property
    def numbered(self) -> list[tuple[int, Face]]:
        """The faces, each with its number."""
        return [(face.id, face) for face in self.faces]

    def draw(self) -> Picture:
        """Return uint8 (H, W, 3), RGB: the picture with each face framed and named."""
        return draw(self.picture, self.faces)


def open_video(source: Watched) -> AbstractContextManager[Video | Camera]:
    """Return what yields a video file, a stream, or the camera of a number.

    Raises:
        DataError: on entering: the file is missing or no video, or there is no such camera.
    """
    if isinstance(source, int):
        return open_camera(source)
    return open_file(Path(source) if isinstance(source, os.PathLike) else source)


def watch(recogniser: Recogniser, source: Watched, how: Watch) -> Generator[Frame, None, None]:
    """Yield the frames of a video that are looked at, or all, with their faces; it is closed at the end.

    Raises:
        DataError: it cannot be opened, or nothing decodes.
    """
    with open_video(source) as video, closing(follow_faces(recogniser, video, how)) as frames:
        yield from frames


def follow_faces(recogniser: Recogniser, video: Video | Camera, how: Watch) -> Generator[Frame, None, None]:
    """Yield the frames of a video that are looked at, or all, with their faces numbered and smoothed over time.

    Raises:
        DataError: nothing decodes.
    """
    tracker = Tracker(smoothing_seconds=how.smoothing_seconds)
    frames = _read_frames(video, how)
    held: tuple[TrackedFace, ...] = ()
    with ThreadPoolExecutor(how.workers) as pool:
        while batch := list(islice(frames, 1 if video.live else FRAMES_AT_ONCE)):
            looked_at = [frame for frame in batch if frame.looked_at]
            found = iter(_recognise_frames(recogniser, looked_at, pool, detect=how.detect))
            for frame in batch:
                if frame.looked_at:
                    followed = tracker.follow(next(found), frame.seconds)
                    held = tuple(_number(*pair) for pair in followed if pair[1].confidence >= how.min_confidence)
                yield replace(frame, faces=held)


def _number(number: int, face: Face) -> TrackedFace:
    return TrackedFace(id=number, **{field.name: getattr(face, field.name) for field in fields(Face)})


def _read_frames(video: Video | Camera, how: Watch) -> Iterator[Frame]:
    for shot in video:
        looked_at = shot.number % how.every == 0
        picture = shot.decode() if looked_at or how.keep_all else None
        if picture is not None:
            yield Frame(number=shot.number, seconds=shot.seconds, picture=picture, looked_at=looked_at)


def _recognise_frames(
    recogniser: Recogniser, frames: Sequence[Frame], pool: ThreadPoolExecutor, *, detect: bool
) -> list[list[Face]]:
    if not frames:
        return []

    def cut(frame: Frame) -> tuple[list[Box | None], npt.NDArray[np.uint8]]:
        boxes: list[Box | None] = [*recogniser.find(frame.picture)] if detect and recogniser.detects else [None]
        return boxes, recogniser.cut(frame.picture, boxes)

    parts = list(pool.map(cut, frames))
    answers = recogniser.answer(np.concatenate([crops for _, crops in parts]))
    pairs = zip(parts, answers.split([len(boxes) for boxes, _ in parts]), strict=True)
    return [recogniser.name(boxes, part, crops) for (boxes, crops), part in pairs]
