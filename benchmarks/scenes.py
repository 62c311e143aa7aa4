"""How often an expression is right from a whole picture on, beside the cut face alone.

    python -m benchmarks.scenes --data fer2013.csv --run model.onnx

Faces of a split are pasted into drawn scenes of 640x480 pixels, 72 to 200 pixels a side; the recogniser gets the scenes
and nothing else. A face that is not found counts as wrong. Choose on valid; read test once, at the end.
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from benchmarks.detection import match_boxes
from benchmarks.pasted import paste_faces
from mien.data.loading import load
from mien.evaluation.metrics import wilson_interval
from mien.faces import Faces
from mien.recognition import Recogniser

UNREADABLE = 99
"""Stands for the class of a face that was found and has no expression: it is never right."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", help="a run or a file; none: the network that ships")
    parser.add_argument("--split", choices=("valid", "test"), default="valid")
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--labels", help="by which a network with several heads answers: fer2013 are those of the data")
    parser.add_argument("--faces", type=int, default=900)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    recogniser = Recogniser(given.run, detector=given.detector, labels=given.labels, threads=1)
    faces = load(given.data).named()[given.split]
    chosen = np.random.default_rng(given.seed).permutation(len(faces))[: given.faces]
    answers, extra, scenes = recognise_scenes(recogniser, faces, chosen, seed=given.seed)
    crops = recogniser.predict(faces.images[chosen]).argmax(axis=1)
    labels, found = faces.labels[chosen], answers >= 0
    print(f"{given.split}, {len(chosen):,} faces in {scenes:,} scenes, {extra / scenes:.2f} false finds a scene\n")
    print("| of | right | 95% interval | n |\n|---|---:|---:|---:|")
    print_row("faces found", found)
    print_row("expressions, end to end (a face not found is wrong)", answers == labels)
    print_row("expressions of the faces found, from the scene", (answers == labels)[found])
    print_row("the same faces, from their own crops", (crops == labels)[found])
    print_row("all faces, from their own crops", crops == labels)


def recognise_scenes(
    recogniser: Recogniser, faces: Faces, chosen: npt.NDArray[np.int64], *, seed: int
) -> tuple[npt.NDArray[np.int64], int, int]:
    """Return the class that each chosen face was given, -1 if it was not found; false finds; scenes."""
    answers = np.full(len(chosen), -1)
    extra = scenes = 0
    for scene in paste_faces(faces.images[chosen], seed=seed):
        found = {face.box: face for face in recogniser.recognise(scene.picture)}
        hits = match_boxes(scene, [box for box in found if box is not None])
        for hit in hits:
            expression = found[hit.box].expression
            answers[hit.face] = UNREADABLE if expression is None else recogniser.expressions.index(expression)
        extra, scenes = extra + len(found) - len(hits), scenes + 1
    return answers, extra, scenes


def print_row(name: str, right: npt.NDArray[np.bool_]) -> None:
    """Print a proportion with its interval."""
    interval = wilson_interval(int(right.sum()), len(right))
    print(f"| {name} | {right.mean():.1%} | {interval.low:.1%} to {interval.high:.1%} | {len(right):,} |")


if __name__ == "__main__":
    main()
