"""How often the expression of a turned face is right, with and without turning it upright before it is named.

    python -m benchmarks.turned --data fer2013.csv [--faces 900] [--seed 0] [--detector auto]

Faces of valid are pasted into drawn scenes, the scenes are turned by known angles, and the recogniser gets them. Rates
are of the faces that were found; faces are harder to find the more they are turned, and that is told, too.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import replace

import numpy as np
from PIL import Image

from benchmarks.pasted import Scene, paste_faces
from mien.data.loading import load
from mien.recognition import Box, Recogniser

ANGLES = (0, 10, 20, 30, 45, 60)
GREY = (128, 128, 128)


def turn_scene(scene: Scene, degrees: float) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Return a scene turned clockwise, uint8 (H, W, 3), and where the middles of its faces are then."""
    picture = Image.fromarray(scene.picture)
    turned = picture.rotate(-degrees, Image.Resampling.BILINEAR, expand=True, fillcolor=GREY)
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    middles = []
    for box in scene.boxes:
        across = box.left + (box.width - picture.width) / 2
        down = box.top + (box.height - picture.height) / 2
        middles.append(
            (cosine * across - sine * down + turned.width / 2, sine * across + cosine * down + turned.height / 2)
        )
    return np.asarray(turned), middles


def find_near(boxes: list[Box], middle: tuple[float, float], side: int) -> Box | None:
    """Return the box whose middle is nearest, if it is within a third of a face's side."""
    away = [math.dist((box.left + box.width / 2, box.top + box.height / 2), middle) for box in boxes]
    return boxes[int(np.argmin(away))] if away and min(away) < side / 3 else None


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--run")
    parser.add_argument("--faces", type=int, default=900)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    recogniser = Recogniser(options.run, threads=1)
    valid = load(options.data).valid
    assert valid is not None
    chosen = np.random.default_rng(options.seed).permutation(len(valid))[: options.faces]
    print("| turned by | found | right as it stands | right turned upright | roll, median | ms a scene |")
    print("|---:|---:|---:|---:|---:|---:|")
    for degrees in ANGLES:
        rows, seconds, scenes = [], 0.0, 0
        for scene in paste_faces(valid.images[chosen], seed=options.seed):
            picture, middles = turn_scene(scene, degrees)
            start = time.process_time()
            boxes = recogniser.find(picture)
            seconds, scenes = seconds + time.process_time() - start, scenes + 1
            for face, place, middle in zip(scene.faces, scene.boxes, middles, strict=True):
                box = find_near(boxes, middle, place.width)
                if box is not None:
                    answers = recogniser.predict(recogniser.cut(picture, [replace(box, roll=None)])).argmax(1)
                    turned = recogniser.predict(recogniser.cut(picture, [box])).argmax(1)
                    label = valid.labels[chosen[face]]
                    rows.append((answers[0] == label, turned[0] == label, box.roll or 0.0))
        right, better, roll = np.array(rows, dtype=float).T
        print(f"| {degrees}° | {len(rows) / len(chosen):.1%} | {right.mean():.1%} | {better.mean():.1%} ", end="")
        print(f"| {np.median(roll):.0f}° | {1000 * seconds / scenes:.1f} |", flush=True)


if __name__ == "__main__":
    main()
