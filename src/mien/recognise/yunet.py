"""YuNet, a small network that finds faces (Wu et al. 2023), through OpenCV. In: its file, or where to fetch it once.

The file is not part of mien. `yunet:FILE` names it; plain `yunet` looks at the environment variable MIEN_YUNET, a path
or a URL. What is fetched has to have the checksum of the published file `face_detection_yunet_2023mar.onnx`, or the one
that the URL gives as `#sha256=…`, and is kept for the next time.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final
from urllib.error import URLError
from urllib.parse import urldefrag
from urllib.request import urlopen

import numpy as np

from mien.data.cache import find_cache
from mien.errors import ConfigError, RunError
from mien.files import make_folder, write_aside
from mien.recognise.face import Box
from mien.recognise.pictures import Picture
from mien.recognise.shrink import fit_boxes, shrink

VARIABLE = "MIEN_YUNET"
PUBLISHED = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
"""SHA-256 of face_detection_yunet_2023mar.onnx, 232,589 bytes, as OpenCV's model zoo states it."""

MAX_BYTES = 1 << 24
TIMEOUT_SECONDS = 30
MIN_SCORE, OVERLAP, MOST = 0.7, 0.3, 5000
"""A score from 0 to 1; boxes that overlap more are one face; candidates looked at."""


def find_yunet(file: str) -> Path:
    """Return where YuNet's file lies: `file`, or, where that is empty, what MIEN_YUNET says.

    Raises:
        ConfigError: neither says anything.
        RunError: no such file, it cannot be fetched, or its checksum is another one.
    """
    place = file or os.environ.get(VARIABLE, "")
    if not place:
        raise ConfigError(f"detector yunet: expected its file, as yunet:FILE or in {VARIABLE} (a path or a URL)")
    if place.startswith(("https://", "http://", "file://")):
        return _fetch(place)
    if not Path(place).is_file():
        raise RunError(f"{place}: expected the file of YuNet, but it does not exist")
    return Path(place)


@final
class YunetDetector:
    """Finds faces with YuNet; may be shared between threads.

    Raises:
        RunError: OpenCV cannot read the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = threading.local()  # a detector keeps the size of its picture: one for each thread
        self(np.zeros((64, 64, 3), np.uint8))  # another network is found out here, not at the first picture

    def __call__(self, picture: Picture, /) -> list[Box]:
        """Return the faces of a picture."""
        small, scale = shrink(picture)
        detector = self._detector()
        detector.setInputSize((small.shape[1], small.shape[0]))
        with self._name_file():
            _, found = detector.detect(np.ascontiguousarray(small[:, :, ::-1]))
        rows = [] if found is None else found.tolist()
        return fit_boxes([(*row[:4], row[-1]) for row in rows], picture, scale=scale)

    def _detector(self) -> Any:
        import cv2

        if not hasattr(self._held, "detector"):
            with self._name_file():
                made = cv2.FaceDetectorYN.create(str(self._path), "", (320, 320), MIN_SCORE, OVERLAP, MOST)
            self._held.detector = made
        return self._held.detector

    @contextmanager
    def _name_file(self) -> Iterator[None]:
        import cv2

        try:
            yield
        except cv2.error as error:
            raise RunError(f"{self._path}: expected the file of YuNet, found one that OpenCV cannot read") from error


def _fetch(place: str) -> Path:
    url, fragment = urldefrag(place)
    wanted = fragment.removeprefix("sha256=") or PUBLISHED
    target = find_cache() / "detectors" / f"yunet-{wanted[:16]}.onnx"
    if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == wanted:
        return target
    try:
        with urlopen(url, timeout=TIMEOUT_SECONDS) as reply:  # noqa: S310 (the caller looked at the scheme)
            data = reply.read(MAX_BYTES)
    except (URLError, OSError, ValueError) as error:
        raise RunError(f"{url}: YuNet cannot be fetched ({getattr(error, 'reason', error)})") from error
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise RunError(f"{url}: expected the SHA-256 {wanted[:16]}…, found {found[:16]}…: not kept")
    make_folder(target.parent)
    with write_aside(target) as aside:
        aside.write_bytes(data)
    return target
