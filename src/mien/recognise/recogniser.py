"""`Recogniser`: from pictures to faces with expressions. It needs no PyTorch, and may be shared between threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, final, overload

import numpy as np
import numpy.typing as npt

from mien.errors import RunError
from mien.recognise.crop import cut_faces
from mien.recognise.detect import Detector, find_detector
from mien.recognise.face import Box, Face
from mien.recognise.network import OnnxNetwork
from mien.recognise.pictures import Picture, Source, read_picture

BUNDLED = Path(__file__).resolve().parent.parent / "weights" / "mien.onnx"
PICTURES_AT_ONCE = 32
"""Of a longer list, so many are in memory at a time."""


@final
class Recogniser:
    """Recognises expressions.

    Args:
        run: folder of a run, or a file that `mien export` wrote; None: the network that ships with mien.
        detector: "auto" (built in), "yunet" or "yunet:FILE" (see `mien.recognise.yunet`), "none" (every picture is one
            face), or a callable from uint8 (H, W, 3) to a list of `Box`.
        threads: that the network may use; None: one for each core.

    Raises:
        RunError: no such run or file, or not one of mien.
        ConfigError: no detector of that name.
    """

    def __init__(
        self,
        run: str | os.PathLike[str] | None = None,
        *,
        detector: str | Detector = "auto",
        threads: int | None = None,
    ) -> None:
        self._detector = find_detector(detector)
        self._network = OnnxNetwork(_find_model(run), threads=threads)

    @property
    def expressions(self) -> tuple[str, ...]:
        """Names of the classes, in the network's order."""
        return self._network.expressions

    @property
    def card(self) -> dict[str, Any]:
        """What is known of the network: expressions, recipe, size, views, calibration, versions."""
        return dict(self._network.card)

    @property
    def size(self) -> int:
        """Side in pixels of the faces that the network takes."""
        return self._network.size

    @property
    def detects(self) -> bool:
        """Whether faces are looked for; otherwise every picture is one face."""
        return self._detector is not None

    @overload
    def recognise(self, pictures: Source, *, detect: bool = True) -> list[Face]: ...
    @overload
    def recognise(self, pictures: list[Source] | tuple[Source, ...], *, detect: bool = True) -> list[list[Face]]: ...
    def recognise(
        self, pictures: Source | list[Source] | tuple[Source, ...], *, detect: bool = True
    ) -> list[Face] | list[list[Face]]:
        """Return the faces of a picture, the largest first; of a list of pictures, a list of such lists.

        Args:
            pictures: what `read_picture` reads, or a list of it; the faces of a list go through the network together.
            detect: look for faces; otherwise each picture is one face already.

        Raises:
            DataError: a picture that cannot be read.
        """
        if not isinstance(pictures, (list, tuple)):
            return self._recognise_some([read_picture(pictures)], detect)[0]
        found: list[list[Face]] = []
        sources = iter(pictures)
        while chunk := list(islice(sources, PICTURES_AT_ONCE)):
            found += self._recognise_some([read_picture(source) for source in chunk], detect)
        return found

    def find(self, picture: Picture) -> list[Box]:
        """Return where the faces are, the largest first; `picture` is uint8 (H, W, 3), RGB."""
        return [] if self._detector is None else self._detector(picture)

    def cut(self, picture: Picture, boxes: Sequence[Box | None]) -> npt.NDArray[np.uint8]:
        """Return what the network is shown of each box: uint8 (N, size, size); None is the whole picture."""
        return cut_faces(picture, boxes, side=self.size)

    def predict(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return probabilities (N, K) of grey faces, uint8 (N, H, W), in batches; see `OnnxNetwork.predict`."""
        return self._network.predict(crops)

    def name(self, boxes: Sequence[Box | None], probabilities: npt.NDArray[np.float32]) -> list[Face]:
        """Return a `Face` for each box and its row of probabilities (N, K)."""
        return [_make_face(box, row, self.expressions) for box, row in zip(boxes, probabilities, strict=True)]

    def _recognise_some(self, pictures: list[Picture], detect: bool) -> list[list[Face]]:
        look = detect and self.detects
        places: list[list[Box | None]] = [[*self.find(picture)] if look else [None] for picture in pictures]
        crops = [self.cut(picture, boxes) for picture, boxes in zip(pictures, places, strict=True)]
        rows = iter(self.predict(np.concatenate(crops)))
        return [self.name(boxes, np.array(list(islice(rows, len(boxes))))) for boxes in places]


def _make_face(box: Box | None, row: npt.NDArray[np.float32], expressions: Sequence[str]) -> Face:
    probabilities = dict(zip(expressions, row.tolist(), strict=True))
    best = expressions[int(row.argmax())]
    return Face(
        box=box,
        expression=best,
        confidence=probabilities[best],
        probabilities=probabilities,
        detection=None if box is None else box.score,
    )


def _find_model(run: str | os.PathLike[str] | None) -> Path:
    path = BUNDLED if run is None else Path(run)
    if run is None and not path.exists():
        raise RunError("mien ships no network yet: give a run folder or a file of `mien export`")
    return path
