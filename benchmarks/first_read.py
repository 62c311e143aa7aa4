"""Measure the first read of a table larger than memory: its time by the number of faces, and after a kill half-way.

    python -m benchmarks.first_read FOLDER [--faces 1000000,2000000,4000000]

Tables of random faces of 16 × 16 pixels (1.0 kB of text each) are read by `mien data` with an empty cache. The largest
one is read once more and killed (SIGKILL) as soon as the note in the cache says that half of it is on the disk; then it
is read again. Processor time stands beside that of the clock, since it hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIDE, BLOCK = 16, 1 << 14
LOOK_SECONDS = 0.05


def write_table(path: Path, count: int) -> Path:
    """Write a table of `count` faces, a block at a time; return its path."""
    if path.exists():
        return path
    rng = np.random.default_rng(0)
    texts = np.array([f"{value:3d} ".encode() for value in range(1000)]).view(np.uint32)
    with path.with_suffix(".tmp").open("wb") as file:
        file.write(b"emotion,pixels,Usage\n")
        for start in range(0, count, BLOCK):
            pixels = texts[rng.integers(100, 256, (min(BLOCK, count - start), SIDE * SIDE))]
            file.writelines(b"%d,%s,Training\n" % (row % 7, face.tobytes()[:-1]) for row, face in enumerate(pixels))
    return path.with_suffix(".tmp").rename(path)


def count_noted(cache: Path) -> int:
    """Return how many faces the readings in a cache have noted."""
    notes = list((cache / "reading").glob("*.json"))
    return max((int(json.loads(note.read_text())["rows"]) for note in notes), default=0)


def read(table: Path, cache: Path, is_enough: Callable[[], bool] = lambda: False) -> str:
    """Read a table as `mien data` does, until it ends or is enough; return seconds of processor and clock in words."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    words = [sys.executable, "-m", "mien", "data", str(table)]
    environment = {**os.environ, "MIEN_CACHE": str(cache), "MIEN_CACHE_LIMIT": "100GB"}
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=environment)
    while process.poll() is None:
        if is_enough():
            process.kill()
        time.sleep(LOOK_SECONDS)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{spent:.1f} s | {time.perf_counter() - started:.1f} s | {process.returncode}"


def hash_entry(cache: Path) -> str:
    """Return a digest of the faces that the cache holds."""
    digest = hashlib.blake2b()
    with max(cache.iterdir(), key=lambda path: path.stat().st_size).open("rb") as file:
        while block := file.read(1 << 24):
            digest.update(block)
    return digest.hexdigest()


def main() -> None:
    """Write the tables, read them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--faces", default="1000000,2000000,4000000")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    cache = given.folder / "cache"
    print("| faces | reading | processor | clock | exit |\n|---:|---|---:|---:|---:|", flush=True)
    for count in sorted(map(int, given.faces.split(","))):
        table = write_table(given.folder / f"{count}.csv", count)
        shutil.rmtree(cache, ignore_errors=True)
        print(f"| {count:,} | the first | {read(table, cache)} |", flush=True)
    whole = hash_entry(cache)
    shutil.rmtree(cache)
    killed = read(table, cache, lambda: count_noted(cache) >= count // 2)
    noted = count_noted(cache)
    print(f"| {count:,} | killed once {noted:,} were noted | {killed} |", flush=True)
    print(f"| {count:,} | again | {read(table, cache)} |", flush=True)
    print("the same faces, byte for byte" if whole == hash_entry(cache) else "OTHER FACES", flush=True)


if __name__ == "__main__":
    main()
