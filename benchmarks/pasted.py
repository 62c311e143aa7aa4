"""Faces in larger pictures. In: grey faces and a seed. Out: drawn scenes with faces in them, and where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mien.recognition import Box

WIDTH, HEIGHT = 640, 480
SMALLEST, LARGEST = 72, 200
FEATHER = 0.08
"""Of a face's side: so wide is the seam that blends into the scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A picture, uint8 (H, W, 3), and the boxes of its faces, with their positions among those given."""

    picture: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]
    faces: tuple[int, ...]


def paste_faces(images: npt.NDArray[np.uint8], *, seed: int, per_scene: int = 3) -> Iterator[Scene]:
    """Yield scenes of at most `per_scene` faces, side by side, until all `images`, uint8 (N, S, S), are used."""
    rng = np.random.default_rng(seed)
    for start in range(0, len(images), per_scene):
        chosen = tuple(range(start, min(start + per_scene, len(images))))
        canvas = draw_background(rng)
        boxes = tuple(_paste(canvas, images[face], column, per_scene, rng) for column, face in enumerate(chosen))
        yield Scene(picture=np.clip(canvas, 0, 255).astype(np.uint8), boxes=boxes, faces=chosen)


def draw_background(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return float32 (H, W, 3), 0 to 255: soft colours, some rectangles and discs with edges, a little noise."""
    soft = rng.uniform(40, 215, (6, 8, 3)).astype(np.float32)
    canvas = cv2.resize(soft, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for _ in range(14):
        colour = tuple(map(float, rng.uniform(0, 255, 3)))
        x, y, width, height = (int(value) for value in rng.integers(10, 220, 4) * np.array((3, 2, 1, 1)))
        if rng.random() < 0.6:
            cv2.rectangle(canvas, (x, y), (x + width, y + height), colour, int(rng.choice([-1, 2, 6])))
        else:
            cv2.circle(canvas, (x, y), width // 2, colour, int(rng.choice([-1, 3])), cv2.LINE_AA)
    noise = rng.normal(0, 6, canvas.shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 1.2) + noise, dtype=np.float32)


def _paste(
    canvas: npt.NDArray[np.float32], face: npt.NDArray[np.uint8], column: int, columns: int, rng: np.random.Generator
) -> Box:
    room = WIDTH // columns
    side = int(rng.integers(SMALLEST, min(LARGEST, room - 4)))
    left = column * room + int(rng.integers(0, room - side))
    top = int(rng.integers(0, HEIGHT - side))
    large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    edge = np.minimum(np.arange(side), np.arange(side)[::-1]) / (FEATHER * side)
    mask = np.clip(np.minimum.outer(edge, edge), 0, 1)[..., None]
    place = canvas[top : top + side, left : left + side]
    place[:] = mask * large[..., None] + (1 - mask) * place
    return Box(left=left, top=top, width=side, height=side)
