"""How often is a face taken for somebody else from look to look, by the tracker's settings?

A camera held by hand pans and zooms over photographs whose faces are known: a folder with `boxes.json`, a list of
"file" and "faces", each with its "box": left, top, right, bottom. YuNet looks at each frame once; the tracker follows
its boxes with each setting, each so-many-th look. Lost: a face that has another number than at its last look. Mixed: a
number that was another face's. `python -m benchmarks.tracking PHOTOGRAPHS --films 18`
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from mien.recognition import Box, Face
from mien.recognition.detect import find_detector
from mien.recognition.videos import tracking

WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 30, 2
SPEEDS = (0.5, 1.5, 3.0)
"""Widths of a face a second, at most; film after film."""

EVERY = (1, 2, 5, 10)
SETTINGS = (
    *product((0.05, 0.1, 0.2, 0.3, 0.4, 0.5), (1.0,), (0.0, 1.0)),
    *product((0.1, 0.2), (0.25, 0.5, 2.0), (1.0,)),
)
"""Least overlap, patience in seconds, part of a movement that is expected to go on."""

Look = tuple[float, list[tuple[Box, int]]]
"""Seconds; each box that was found, and which face of the photograph it is: -1 for none."""


def draw_paths(speed: float, rng: np.random.Generator) -> np.ndarray:
    """Return for each frame the shift of the camera (x, y) and how many times as large it sees: (N, 3)."""
    seconds = np.arange(FPS * SECONDS) / FPS
    rates, phases = rng.uniform(0.25, 0.6, 2), rng.uniform(0, 2 * np.pi, 2)
    turns = 2 * np.pi * rates * seconds[:, None] + phases
    pan = speed / (2 * np.pi * rates) * np.sin(turns)
    shake = rng.normal(0, 0.02, (len(seconds), 2))
    zoom = 1.0 + 0.15 * np.sin(2 * np.pi * 0.3 * seconds + rng.uniform(0, 6))
    return np.column_stack([pan + shake, zoom])


def film(photograph: Path, faces: Sequence[Sequence[float]], speed: float, seed: int) -> Iterator[Look]:
    """Yield what YuNet finds, look after look, in a film of a photograph."""
    detector = find_detector("yunet")
    assert detector is not None
    corners = np.array(faces, float)
    with Image.open(photograph) as opened:
        image = opened.convert("RGB")
    face = float(np.median(corners[:, 2] - corners[:, 0]))
    scale = min(max(48.0 / face, WIDTH / image.width), 2.0)
    middle = np.array([(corners[:, 0] + corners[:, 2]).mean() / 2, (corners[:, 1] + corners[:, 3]).mean() / 2])
    for number, (x, y, zoom) in enumerate(draw_paths(speed, np.random.default_rng(seed))):
        size = np.array([WIDTH, HEIGHT]) / (scale * zoom)
        start = middle + np.array([x, y]) * face - size / 2
        box = tuple(float(value) for value in (*start, *(start + size)))
        frame = image.transform((WIDTH, HEIGHT), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR)
        shown = (corners - np.tile(start, 2)) * scale * zoom
        found = detector(np.asarray(frame))
        yield number / FPS, [(one, find_face(one, shown)) for one in found]


def find_face(box: Box, shown: np.ndarray) -> int:
    """Return which of the true boxes (N, 4) a find is, by an overlap of 0.4; -1 for none."""
    truths = [
        Box(left=round(a), top=round(b), width=max(1, round(c - a)), height=max(1, round(d - b)))
        for a, b, c, d in shown
    ]
    overlaps = [tracking.measure_overlap(box, truth) for truth in truths]
    best = int(np.argmax(overlaps))
    return best if overlaps[best] >= 0.4 else -1


def count(looks: Sequence[Look], every: int) -> np.ndarray:
    """Return how many faces were looked at again, lost, and mixed."""
    tracker = tracking.Tracker(smoothing_seconds=0.0)
    number_of: dict[int, int] = {}
    face_of: dict[int, int] = {}
    again = lost = mixed = 0
    for seconds, found in looks[::every]:
        faces = [Face(box=box, expression="-", confidence=1.0, probabilities={"-": 1.0}) for box, _ in found]
        for (number, _), (_, face) in zip(tracker.follow(faces, seconds), found, strict=True):
            if face < 0:
                continue
            if face in number_of:
                again += 1
                lost += number_of[face] != number
            mixed += face_of.get(number, face) != face
            number_of[face], face_of[number] = number, face
    return np.array([again, lost, mixed])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--films", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="leave out so many photographs before")
    options = parser.parse_args()
    known = json.loads((options.photographs / "boxes.json").read_text("utf-8"))
    chosen = list_photographs(known, options.first, options.films)
    films = [
        list(film(options.photographs / name, faces, SPEEDS[index % len(SPEEDS)], seed=options.first + index))
        for index, (name, faces) in enumerate(chosen)
    ]
    print(f"{len(films)} films, {sum(len(found) for looks in films for _, found in looks):,} finds\n")
    print("| overlap | patience, s | motion | " + " | ".join(f"every {every}: lost, mixed" for every in EVERY) + " |")
    print("|---:|---:|---:|" + "---:|" * len(EVERY))
    for overlap, patience, motion in SETTINGS:
        tracking.LEAST_OVERLAP, tracking.PATIENCE_SECONDS, tracking.MOTION = overlap, patience, motion
        cells = []
        for every in EVERY:
            again, lost, mixed = sum(count(looks, every) for looks in films)
            cells.append(f"{lost / again:.2%}, {mixed / again:.2%}")
        print(f"| {overlap} | {patience} | {motion} | " + " | ".join(cells) + " |", flush=True)


def list_photographs(known: list[dict], first: int, count: int) -> list[tuple[str, list[list[float]]]]:
    """Return names and faces of photographs with two to twelve faces of 20 pixels and more."""
    found = []
    for told in known:
        faces = [list(map(float, face["box"])) for face in told["faces"]]
        if 2 <= len(faces) <= 12 and min(right - left for left, _, right, _ in faces) >= 20:
            found.append((told["file"], faces))
    return found[first : first + count]


if __name__ == "__main__":
    main()
