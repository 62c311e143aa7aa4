"""Measure what an audit of many pictures takes: processor time and peak memory, and whether it finds the copies.

    python -m benchmarks.audit_scale [FACES] [FOLDER]

Smooth random pictures of 48 × 48 pixels lie in a file, as decoded data does; one in a hundred is followed by a noisy,
brighter copy of itself. Memory is that of the process alone: the system takes back the pages of the file.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from mien.auditing.copies import find_exact_groups, report_near
from mien.auditing.finding import call_roll
from mien.auditing.looks import FLAT_DEVIATION, measure_looks
from mien.faces import Faces, Images, Splits

SIDE, GRID = 48, 8
BLOCK = 8192
COPY_EVERY = 100


def draw_to_file(path: Path, count: int) -> Images:
    """Return a read-only map of `count` pictures."""
    images = np.memmap(path, dtype=np.uint8, mode="w+", shape=(count, SIDE, SIDE))
    places = np.linspace(0, GRID - 1, SIDE)
    weights = np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(GRID))).astype(np.float32)
    rng = np.random.default_rng(0)
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        block = weights @ rng.uniform(0, 255, (size, GRID, GRID)).astype(np.float32) @ weights.T
        originals = np.arange(0, size - 1, COPY_EVERY)
        noise = rng.normal(0, 4, (len(originals), SIDE, SIDE))
        block[originals + 1] = block[originals] * 0.85 + 20 + noise
        images[start : start + size] = np.clip(block, 0, 255).astype(np.uint8)
    images.flush()
    return np.memmap(path, dtype=np.uint8, mode="r", shape=(count, SIDE, SIDE)).view(np.ndarray)


def read_memory_mb(name: str) -> float:
    """Return a figure of this process, in MB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def watch_memory(stop: threading.Event, readings: list[float]) -> None:
    """Append a reading every 20 ms until `stop` is set."""
    while not stop.wait(0.02):
        readings.append(read_memory_mb("RssAnon"))


def main() -> None:
    """Look for copies and dull pictures, and print what it took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        images = draw_to_file(Path(folder) / "faces.u8", count)
        faces = Faces(images=images, labels=np.arange(count) % 7, ids=np.arange(count).astype(np.str_))
        roll = call_roll(Splits(expressions=tuple("abcdefg"), source="drawn", kind="drawn", train=faces))
        readings, stop = [read_memory_mb("RssAnon")], threading.Event()
        watcher = threading.Thread(target=watch_memory, args=(stop, readings))
        watcher.start()
        started = time.process_time()
        first, looks = find_exact_groups(roll), measure_looks(roll)
        exact_seconds = time.process_time() - started
        findings = list(report_near(roll, first, np.asarray(looks.deviations >= FLAT_DEVIATION)))
        seconds = time.process_time() - started
        stop.set()
        watcher.join()
    more = max(readings) - readings[0]
    planted = sum(len(range(0, min(BLOCK, count - start) - 1, COPY_EVERY)) for start in range(0, count, BLOCK))
    print(f"{count:,} pictures: {seconds:.1f} s of processor time, of which {exact_seconds:.1f} s not for near copies")
    print(
        f"memory: {more:.0f} MB at most above the {readings[0]:.0f} MB before, {1e6 * more / count:.0f} bytes a picture"
    )
    groups = len({finding.group for finding in findings})
    print(f"{planted:,} copies planted; found {groups:,} groups of near copies, {len(findings):,} pictures in them")


if __name__ == "__main__":
    main()
