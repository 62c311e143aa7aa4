"""Photographs whose faces are known. In: a folder with `boxes.json`. Out: squares with faces and without, (N, S, S).

`boxes.json` is a list of {"file", "faces": [{"box": [left, top, right, bottom]}], "ignore": boxes of people that count
neither way, "crowd": not all faces are listed}. Photographs at even places of the list teach, the others measure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.recognition import Box, Recogniser
from mien.recognition.pictures import read_picture

Squares = npt.NDArray[np.uint8]
SMALLEST = 24
"""Pixels of the side of a square that is cut."""

PIECES, BESIDE = 24, 4
"""Squares of a photograph without a face; of each face that has others beside it."""

UNSURE = 0.3
"""The detector's least score of finds that may be none: a little below what it is set to, so that there are some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """A photograph: its path, the boxes of its faces, and of all that no square without a face may touch."""

    path: Path
    faces: tuple[Box, ...]
    avoid: tuple[Box, ...]
    is_crowd: bool


def list_photographs(folder: Path, *, teaching: bool) -> list[Photograph]:
    """Return the photographs of one half."""
    known: list[dict[str, Any]] = json.loads((folder / "boxes.json").read_text("utf-8"))
    return [
        Photograph(
            path=folder / one["file"],
            faces=(faces := tuple(make_box(face["box"]) for face in one["faces"])),
            avoid=(*faces, *map(make_box, one["ignore"])),
            is_crowd=bool(one["crowd"]),
        )
        for one in known[(0 if teaching else 1) :: 2]
    ]


def make_box(sides: Sequence[float]) -> Box:
    """Return the box of left, top, right and bottom."""
    left, top, right, bottom = map(round, sides)
    return Box(left=left, top=top, width=max(1, right - left), height=max(1, bottom - top))


def cut_photographs(photographs: Sequence[Photograph], recogniser: Recogniser, *, seed: int) -> dict[str, Squares]:
    """Return squares by kind: "faces", and without one "pieces", "beside faces" and "taken for faces".

    Args:
        photographs: of `list_photographs`.
        recogniser: looks for faces, with a detector that is set to `UNSURE`; cuts as it does for its network.
        seed: of the places of pieces.
    """
    rng = np.random.default_rng(seed)
    kept: dict[str, list[Squares]] = {"faces": [], "pieces": [], "beside faces": [], "taken for faces": []}
    for one in photographs:
        picture = read_picture(one.path)
        found = recogniser.find(picture)
        real = [box for box in found if any(overlap(box, face) > 0.4 for face in one.faces)]
        real = [box for box in real if max(box.width, box.height) >= SMALLEST]
        kept["faces"].append(recogniser.cut(picture, real))
        if one.is_crowd:
            continue
        none = [box for box in found if all(overlap(box, other) < 0.02 for other in one.avoid)]
        kept["taken for faces"].append(recogniser.cut(picture, none))
        beside = [box for face in one.faces for box in place_beside(face, picture.shape, rng)]
        for kind, places in (("pieces", place_pieces(picture.shape, rng)), ("beside faces", beside)):
            if kind == "pieces" and one.faces:
                continue
            free = [box for box in places if all(overlap(box, other) < 0.02 for other in one.avoid)]
            kept[kind].append(recogniser.cut(picture, free))
    return {kind: np.concatenate(parts) for kind, parts in kept.items()}


def place_pieces(shape: Sequence[int], rng: np.random.Generator) -> Iterator[Box]:
    """Yield squares anywhere in a picture, of all sizes."""
    height, width = shape[:2]
    for _ in range(PIECES):
        side = int(np.exp(rng.uniform(np.log(SMALLEST), np.log(min(height, width)))))
        yield Box(
            left=int(rng.integers(0, width - side + 1)),
            top=int(rng.integers(0, height - side + 1)),
            width=side,
            height=side,
        )


def place_beside(face: Box, shape: Sequence[int], rng: np.random.Generator) -> Iterator[Box]:
    """Yield squares of a face's size around it, that lie in the picture."""
    height, width = shape[:2]
    side = max(face.width, face.height)
    if side < SMALLEST:
        return
    for _ in range(BESIDE):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(1.1, 2.5) * side
        left, top = round(face.left + far * np.cos(angle)), round(face.top + far * np.sin(angle))
        if left >= 0 and top >= 0 and left + side <= width and top + side <= height:
            yield Box(left=left, top=top, width=side, height=side)


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(across, 0) * max(down, 0)
    return shared / (one.width * one.height + other.width * other.height - shared)
