"""Finding faces. In: a picture, uint8 (H, W, 3) RGB. Out: a `Box` a face, the largest first; none is an empty list.

A detector is any callable of that form; `find_detector` makes those with a name.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

from mien.errors import ConfigError
from mien.recognition.cascade import CascadeDetector, find_cascade
from mien.recognition.face import Box
from mien.recognition.pictures import Picture
from mien.recognition.yunet_file import locate_yunet

__all__ = ["CascadeDetector", "Choice", "Detector", "check_boxes", "choose_detector", "find_detector"]

EXPECTED = "auto, yunet, yunet:FILE, cascade or none"


class Detector(Protocol):
    """Finds faces."""

    def __call__(self, picture: Picture, /) -> list[Box]:
        """Return the box of each face in uint8 (H, W, 3), RGB."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What finds faces.

    Attributes:
        name: yunet, cascade or none.
        path: its file; None where it needs none.
        reason: why it is this one, in words.
        remark: what whoever asked for "auto" should know, otherwise None.
    """

    name: str
    path: Path | None
    reason: str
    remark: str | None = None


def choose_detector(detector: str = "auto") -> Choice:
    """Return what a detector's name stands for on this machine.

    Raises:
        ConfigError: no detector has that name, or what it needs is not there.
        RunError: YuNet's file, which the user named, is missing or cannot be fetched.
    """
    name, colon, file = detector.partition(":")
    if detector == "none":
        return Choice(name="none", path=None, reason="every picture is one face")
    if detector == "cascade":
        return Choice(name="cascade", path=find_cascade(), reason="asked for")
    if detector == "auto" or (name == "yunet" and (file or not colon)):
        return _choose_yunet(file, or_cascade=detector == "auto")
    raise ConfigError(f"`detector` {detector!r}: expected {EXPECTED}")


def _choose_yunet(file: str, *, or_cascade: bool) -> Choice:
    try:
        found = locate_yunet(file)
    except ConfigError as error:
        cascade = find_cascade() if or_cascade else None
        if cascade is None:
            raise
        missing = str(error).removeprefix("detector yunet: ")
        remark = f"faces are looked for with OpenCV's cascade, which finds fewer, because YuNet is missing: {missing}"
        return Choice(name="cascade", path=cascade, reason="YuNet's file is missing", remark=remark)
    return Choice(name="yunet", path=found.path, reason=found.reason)


def find_detector(
    detector: str | Detector,
    *,
    min_detection: float | None = None,
    on_remark: Callable[[str], None] = warnings.warn,
) -> Detector | None:
    """Return the detector of this name: None for "none", where every picture is one face.

    Args:
        detector: a name, or a callable, which is returned as it is.
        min_detection: the least score of a find, 0 to 1; None: what the detector of this name is set to.
        on_remark: is told, in one line, where "auto" is less than it could be.

    Raises:
        ConfigError: no detector has that name, what it needs is not there, or a score outside of 0 to 1.
        RunError: YuNet's file is missing or cannot be read.
    """
    if min_detection is not None and not 0.0 <= min_detection <= 1.0:
        raise ConfigError(f"`min_detection`: expected 0 to 1, found {min_detection}")
    if not isinstance(detector, str):
        if not callable(detector):
            raise ConfigError(f"`detector`: expected a name or a callable, found {type(detector).__name__}")
        return detector
    choice = choose_detector(detector)
    if choice.remark is not None:
        on_remark(choice.remark)
    if choice.name == "cascade":
        return CascadeDetector(min_score=min_detection)
    if choice.path is None:
        return None
    from mien.recognition.yunet import YunetDetector

    return YunetDetector(choice.path, min_score=min_detection)


def check_boxes(boxes: Any, picture: Picture) -> list[Box]:
    """Return what a detector, which anybody may have written, answered for `picture`, uint8 (H, W, 3).

    Raises:
        ConfigError: it is no list of `Box`, one of them is empty or not wholly in the picture, or a score is
            not from 0 to 1.
    """
    if not isinstance(boxes, (list, tuple)) or not all(isinstance(box, Box) for box in boxes):
        kinds = ", ".join(sorted({type(box).__name__ for box in boxes})) if isinstance(boxes, (list, tuple)) else ""
        found = f"{type(boxes).__name__}{f' of {kinds}' if kinds else ''}"
        raise ConfigError(f"`detector`: expected a list of mien.Box, found {found}")
    height, width = picture.shape[:2]
    for box in boxes:
        across = box.left >= 0 and box.width >= 1 and box.left + box.width <= width
        down = box.top >= 0 and box.height >= 1 and box.top + box.height <= height
        if not (across and down):
            raise ConfigError(f"`detector`: expected boxes inside a picture of {width}x{height} pixels, found {box}")
        if box.score is not None and not (math.isfinite(box.score) and 0.0 <= box.score <= 1.0):
            raise ConfigError(f"`detector`: expected a score from 0 to 1, or None, found {box.score} in {box}")
    return list(boxes)
