"""Faces a second that a `Recogniser` recognises on one thread, by the number of faces shown at a time.

    python -m benchmarks.inference RUN_OR_ONNX_FILE [--rounds 5]

Cut-out faces, so no search for faces in pictures is counted; processor time; the batches take turns; medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from mien.recognise import Recogniser

FACES = {1: 32, 32: 256, 128: 256}
"""Faces at a time -> faces in a round."""


def measure(path: Path, rounds: int) -> dict[int, float]:
    """Return faces a second for each number of faces at a time; the first round does not count."""
    recogniser = Recogniser(path, detector="none", threads=1)
    shape = (max(FACES.values()), recogniser.size, recogniser.size)
    faces = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    rates: dict[int, list[float]] = {batch: [] for batch in FACES}
    for _ in range(rounds + 1):
        for batch, count in FACES.items():
            started = time.process_time()
            for start in range(0, count, batch):
                recogniser.predict(faces[start : start + batch])
            rates[batch].append(count / (time.process_time() - started))
    return {batch: statistics.median(found[1:]) for batch, found in rates.items()}


def main() -> None:
    """Print a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("| faces at a time | faces/s |\n|---:|---:|")
    for batch, rate in measure(options.path, options.rounds).items():
        print(f"| {batch} | {rate:,.0f} |")


if __name__ == "__main__":
    main()
