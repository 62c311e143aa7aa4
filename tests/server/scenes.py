"""Drawn faces in a room, such that the built-in detector finds them; and a film of them for a browser's fake camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.recognition.detect import find_detector
from mien.synthetic import draw_faces

WIDTH, HEIGHT, SIDE = 640, 480, 200
PLACES = ((70, 120), (370, 150))


def paste_faces(faces: list[npt.NDArray[np.uint8]], *, shift: int = 0) -> npt.NDArray[np.uint8]:
    """Return uint8 (HEIGHT, WIDTH, 3) with these faces side by side, `shift` pixels further right."""
    scene = np.full((HEIGHT, WIDTH), 150, np.uint8)
    for face, (left, top) in zip(faces, PLACES, strict=False):
        scene[top : top + SIDE, left + shift : left + shift + SIDE] = face
    return np.repeat(scene[:, :, None], 3, axis=2)


def choose_faces(count: int) -> list[npt.NDArray[np.uint8]]:
    """Return drawn faces of which the detector finds each one, and nothing else."""
    detector, rng, chosen = find_detector("auto"), np.random.default_rng(0), list[npt.NDArray[np.uint8]]()
    assert detector is not None
    while len(chosen) < count:
        (face,) = draw_faces(["happy"], rng, size=SIDE)
        if all(len(detector(paste_faces([face], shift=shift))) == 1 for shift in (0, 20)):
            chosen.append(face)
    return chosen


def write_film(path: Path, faces: list[npt.NDArray[np.uint8]]) -> Path:
    """Write an MJPEG film in which the faces sway, and return its path."""
    with path.open("wb") as film:
        for frame in range(40):
            shift = round(20 * (0.5 - 0.5 * np.cos(2 * np.pi * frame / 40)))
            Image.fromarray(paste_faces(faces, shift=shift)).save(film, "JPEG", quality=90)
    return path
