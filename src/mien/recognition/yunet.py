"""YuNet, a small network that finds faces (Wu et al. 2023), through onnxruntime. In: its file. Out: a detector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np

from mien.errors import RunError
from mien.recognition.face import Box
from mien.recognition.free_shape import free_shape
from mien.recognition.pictures import Picture
from mien.recognition.priors import NAMES, STRIDES, Found, decode, keep_one_a_face
from mien.recognition.roll import measure_roll
from mien.recognition.shrink import LONGEST_SIDE, fit_boxes, shrink
from mien.recognition.yunet_file import find_yunet

__all__ = ["YunetDetector", "find_yunet"]

MIN_SCORE = 0.7
"""The least score of a find, 0 to 1. On photographs 0.65 finds more in crowds and takes more for faces."""

OVERLAP = 0.3
"""Boxes that overlap more, as intersection over union, are one face: what OpenCV takes, too."""

SECOND_SIDE = 320
"""Where nothing is found the picture is looked at once more at this size: a face that fills it may be too large."""


@final
class YunetDetector:
    """Finds faces with YuNet; may be shared between threads.

    Args:
        path: its file.
        min_score: the least score of a find, 0 to 1; None: 0.7.
        threads: that one look may use.

    Raises:
        RunError: it is no file of YuNet.
    """

    longest_side = LONGEST_SIDE
    """Larger pictures are scaled down to so many pixels before they are looked at."""

    margin = -0.05
    """Added on each side of a box, as a fraction of its longer side. The boxes are 0.80 times as wide as FER2013's
    pictures and as high. Of 2,700 faces of valid in drawn scenes (seeds 0, 7, 11) 63.3 % were found and right with
    -0.05, 63.0 % with -0.075, 63.1 % with 0, 61.8 % with 0.05, 62.6 % with -0.10 (benchmarks.detection)."""

    def __init__(self, path: Path, *, min_score: float | None = None, threads: int = 1) -> None:
        self._path, self._min_score = path, MIN_SCORE if min_score is None else min_score
        self._session = _open_session(path, threads)
        self(np.zeros((64, 64, 3), np.uint8))  # another network is found out here, not at the first picture

    def __call__(self, picture: Picture, /) -> list[Box]:
        """Return the faces of a picture."""
        return self._look(picture, LONGEST_SIDE) or self._look(picture, SECOND_SIDE)

    def _look(self, picture: Picture, longest: int) -> list[Box]:
        small, scale = shrink(picture, longest=longest)
        boxes = []
        for found in self._find(small):
            for box in fit_boxes([tuple(found[:5].tolist())], picture, scale=scale):
                roll = measure_roll(picture, box, found, self._find)
                boxes.append(replace(box, roll=round(roll, 1)))
        return sorted(boxes, key=lambda box: -box.width * box.height)

    def _find(self, small: Picture) -> Found:
        """Return one candidate a face; the network sees blue first, and black up to whole steps of the last grid."""
        height, width = small.shape[:2]
        sides = [-(-side // STRIDES[-1]) * STRIDES[-1] for side in (height, width)]
        planes = np.zeros((1, 3, *sides), np.float32)
        for plane, channel in enumerate((2, 1, 0)):
            planes[0, plane, :height, :width] = small[..., channel]
        try:
            maps = dict(zip(NAMES, self._session.run(list(NAMES), {"input": planes}), strict=True))
            found = decode(maps, sides[1], min_score=self._min_score)
        except Exception as error:  # onnxruntime raises a class of its own for each kind of damage
            raise _refuse(self._path, error) from error
        return keep_one_a_face(found, overlap=OVERLAP)


def _open_session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(free_shape(path.read_bytes()), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _refuse(path, error) from error


def _refuse(path: Path, error: Exception) -> RunError:
    reason = " ".join(str(error).split())[:120]
    return RunError(f"{path}: expected the file of YuNet, found another or a broken one ({reason})")
