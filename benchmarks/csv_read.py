"""Seconds of the first read of `fer2013.csv`, against what most notebooks do; milliseconds of every further one.

    python -m benchmarks.csv_read fer2013.csv [--rounds 5]

The contestants read alternately in one process, after the file was read once (so that no round pays for the disk), and
must come to the same pixels. The cached load is what `mien.data.load` does from the second time on, all its checks
included; the interpreter and the imports are not counted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from mien.data.load import load

CACHED_LOADS = 20
SETTLING_SECONDS = 2.5
"""A file that changed less than two seconds ago is hashed at each load."""

Pixels = npt.NDArray[np.uint8]


def read_with_mien(path: Path) -> Pixels:
    """Return uint8 (N, H, W): every face, train first, then valid, then test."""
    splits = load(path, cache=False)
    return np.concatenate([faces.images for faces in splits.named().values()])


def read_with_pandas(path: Path) -> Pixels:
    """Return the same faces in the file's order, by `pandas.read_csv` and `np.fromstring` for each row."""
    import pandas as pd

    pixels = pd.read_csv(path)["pixels"]
    rows = np.stack([np.fromstring(row, dtype=np.uint8, sep=" ") for row in pixels])
    side = int(rows.shape[1] ** 0.5)
    return rows.reshape(-1, side, side)


def time_calls(call: Callable[[], object], count: int) -> list[float]:
    """Return the seconds of each of `count` calls."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def compare(path: Path, rounds: int) -> list[str]:
    """Return the lines of a markdown table."""
    check_pixels(path)
    readers = {"pandas.read_csv + np.fromstring": read_with_pandas, "mien, first read": read_with_mien}
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            seconds[name] += time_calls(lambda read=read: read(path), 1)  # type: ignore[misc]
    slow, fast = seconds.values()
    ratios = [before / after for before, after in zip(slow, fast, strict=True)]
    seconds["mien, further reads"] = time_cached(path)
    return [
        f"{path.stat().st_size / 1e6:,.0f} MB, {os.cpu_count()} cores, {rounds} rounds alternately",
        "",
        "| reader | n | median | least | most |",
        "|---|---:|---:|---:|---:|",
        *(render_row(name, values) for name, values in seconds.items()),
        "",
        f"First read: {statistics.median(ratios):.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f} by round).",
    ]


def check_pixels(path: Path) -> None:
    """Raise where the two readers do not come to the same faces (in whatever order); warms the disk's cache."""
    digests = [sorted(map(hash, map(bytes, read(path)))) for read in (read_with_mien, read_with_pandas)]
    if digests[0] != digests[1]:
        raise AssertionError("the readers disagree on the pixels")


def time_cached(path: Path) -> list[float]:
    """Return the seconds of loads from a cache of its own, filled before."""
    with tempfile.TemporaryDirectory() as cache, patch.dict(os.environ, {"MIEN_CACHE": cache}):
        time.sleep(max(0.0, SETTLING_SECONDS - (time.time() - path.stat().st_ctime)))
        load(path)
        return time_calls(lambda: load(path), CACHED_LOADS)


def render_row(name: str, seconds: list[float]) -> str:
    """Return a row of the table, in seconds or, where that says more, in milliseconds."""
    middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
    figures = (
        [f"{value:.2f} s" for value in (middle, least, most)]
        if middle > 0.5
        else [f"{value * 1000:.1f} ms" for value in (middle, least, most)]
    )
    return f"| {name} | {len(seconds)} | {' | '.join(figures)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print("\n".join(compare(arguments.path, arguments.rounds)))


if __name__ == "__main__":
    main()
