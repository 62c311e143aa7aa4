"""How often faces are found in larger pictures, and how much of what surrounds them the network should see.

    python -m benchmarks.detection --data fer2013.csv --model model.onnx

Faces of valid are pasted into drawn scenes of 640x480 pixels at 72 to 200 pixels a side. Prints a detector's rates and
time, and the accuracy on the faces that it found for each margin, beside that on their original crops.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.pasted import Scene, paste_faces
from mien.data.images import resize_faces
from mien.data.loading import load
from mien.recognition import Box
from mien.recognition.crop import cut_faces
from mien.recognition.detect import find_detector
from mien.recognition.network import OnnxNetwork

MARGINS = (-0.15, -0.10, -0.075, -0.05, -0.025, 0.0, 0.025, 0.05, 0.10, 0.15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A face that was found: its number, its scene, and the detector's box."""

    face: int
    scene: Scene
    box: Box


def match_boxes(scene: Scene, found: Sequence[Box]) -> list[Hit]:
    """Return the faces of a scene that have a box near their middle, half to one and a half times their size."""
    hits, free = [], list(found)
    for face, place in zip(scene.faces, scene.boxes, strict=True):
        near = [box for box in free if _is_near(box, place)]
        if near:
            free.remove(near[0])
            hits.append(Hit(face=face, scene=scene, box=near[0]))
    return hits


def _is_near(box: Box, place: Box) -> bool:
    across = box.left + box.width / 2 - place.left - place.width / 2
    down = box.top + box.height / 2 - place.top - place.height / 2
    return max(abs(across), abs(down)) < 0.25 * place.width and 0.5 < box.width / place.width < 1.5


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--faces", type=int, default=450)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    valid = load(options.data).valid
    assert valid is not None
    chosen = np.random.default_rng(options.seed).permutation(len(valid))[: options.faces]
    images, labels = valid.images[chosen], valid.labels[chosen]
    detector, hits, seen, seconds, scenes = find_detector(options.detector), [], 0, 0.0, 0
    assert detector is not None
    for scene in paste_faces(images, seed=options.seed):
        start = time.process_time()
        found = detector(scene.picture)
        seconds += time.process_time() - start
        hits += match_boxes(scene, found)
        seen, scenes = seen + len(found), scenes + 1
    print("| faces | found | false finds a scene | CPU ms a scene |\n|---:|---:|---:|---:|")
    print(f"| {len(images)} | {len(hits) / len(images):.1%} | {(seen - len(hits)) / scenes:.2f} ", end="")
    print(f"| {1000 * seconds / scenes:.0f} |\n")
    _compare_margins(hits, images, labels, OnnxNetwork(options.model, threads=1))


def _compare_margins(hits: Sequence[Hit], images: np.ndarray, labels: np.ndarray, network: OnnxNetwork) -> None:
    right = labels[[hit.face for hit in hits]]
    crops = resize_faces(images[[hit.face for hit in hits]], network.size)
    print(f"| margin | accuracy on the {len(hits)} found | found and right, of {len(images)} |\n|---:|---:|---:|")
    everything = np.mean(network.predict(resize_faces(images, network.size)).argmax(1) == labels)
    print(f"| the original crop | {np.mean(network.predict(crops).argmax(1) == right):.1%} | {everything:.1%} |")
    for margin in MARGINS:
        cut = [cut_faces(hit.scene.picture, [hit.box], side=network.size, margin=margin) for hit in hits]
        hit = network.predict(np.concatenate(cut)).argmax(1) == right
        print(f"| {margin:+.3f} | {np.mean(hit):.1%} | {hit.sum() / len(images):.1%} |")


if __name__ == "__main__":
    main()
