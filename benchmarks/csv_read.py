"""Seconds of the first read of `fer2013.csv`, against pandas with NumPy; milliseconds of every further one.

    python -m benchmarks.csv_read fer2013.csv [--rounds 3]

`np.fromstring(row, sep=" ")` makes float64, as notebooks have it; told to make uint8 it is several times as fast, and
is measured, too. The contestants read alternately in one process, after the file was read once (so that no round pays
for the disk), and must come to the same pixels. The cached load is what `mien.data.loading` does from then on,
all its checks included; the interpreter and the imports are not counted. On a busy machine the clock says little: the
last column then compares better.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isqrt
from pathlib import Path
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from mien.data.copies import hash_images
from mien.data.loading import load

CACHED_LOADS = 20
SETTLING_SECONDS = 2.5
"""A file that changed less than two seconds ago is hashed at each load."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One call: its seconds on the clock, and those that processors worked on it, all threads together."""

    seconds: float
    work_seconds: float


def read_with_mien(path: Path) -> Pixels:
    """Return uint8 (N, H, W): every face, train first, then valid, then test."""
    splits = load(path, cache=False)
    return np.concatenate([faces.images for faces in splits.named().values()])


def read_with_pandas(path: Path, dtype: npt.DTypeLike = float) -> Pixels:
    """Return the same faces in the file's order, by `pandas.read_csv` and `np.fromstring` for each row."""
    import pandas as pd

    pixels = pd.read_csv(path)["pixels"]
    rows = np.stack([np.fromstring(row, dtype=dtype, sep=" ") for row in pixels]).astype(np.uint8, copy=False)
    side = isqrt(rows.shape[1])
    return rows.reshape(-1, side, side)


MIEN = "mien, first read"
READERS: dict[str, Callable[[Path], Pixels]] = {
    "pandas.read_csv + np.fromstring": read_with_pandas,
    "pandas.read_csv + np.fromstring, uint8": partial(read_with_pandas, dtype=np.uint8),
    MIEN: read_with_mien,
}


def time_call(call: Callable[[], object]) -> Timing:
    """Return what one call of `call` took."""
    start, worked = time.perf_counter(), time.process_time()
    call()
    return Timing(seconds=time.perf_counter() - start, work_seconds=time.process_time() - worked)


def compare(path: Path, rounds: int) -> list[str]:
    """Return the lines of a markdown table."""
    check_pixels(path)
    timings: dict[str, list[Timing]] = {name: [] for name in READERS}
    for _ in range(rounds):
        for name, read in READERS.items():
            timings[name].append(time_call(partial(read, path)))
    sentences = [render_ratio(name, timings[name], timings[MIEN]) for name in READERS if name != MIEN]
    timings["mien, further reads"] = time_cached(path)
    return [
        f"{path.stat().st_size / 1e6:,.0f} MB, {os.cpu_count()} cores, {rounds} rounds alternately",
        "",
        "| reader | n | median | least | most | processor time, median |",
        "|---|---:|---:|---:|---:|---:|",
        *(render_row(name, values) for name, values in timings.items()),
        "",
        *sentences,
    ]


def check_pixels(path: Path) -> None:
    """Raise where the two readers do not come to the same faces (in whatever order); warms the disk's cache."""
    digests = [sorted(map(bytes, hash_images(read(path)))) for read in (read_with_mien, read_with_pandas)]
    if digests[0] != digests[1]:
        raise AssertionError("the readers disagree on the pixels")


def time_cached(path: Path) -> list[Timing]:
    """Return what loads from a cache of its own took, after it was filled."""
    with tempfile.TemporaryDirectory() as cache, patch.dict(os.environ, {"MIEN_CACHE": cache}):
        time.sleep(max(0.0, SETTLING_SECONDS - (time.time() - path.stat().st_ctime)))
        load(path)
        return [time_call(partial(load, path)) for _ in range(CACHED_LOADS)]


def render_row(name: str, timings: Sequence[Timing]) -> str:
    """Return a row of the table."""
    seconds = [timing.seconds for timing in timings]
    work_seconds = statistics.median(timing.work_seconds for timing in timings)
    figures = (statistics.median(seconds), min(seconds), max(seconds), work_seconds)
    return f"| {name} | {len(timings)} | {' | '.join(map(render_seconds, figures))} |"


def render_ratio(name: str, others: Sequence[Timing], own: Sequence[Timing]) -> str:
    """Return by how much mien is faster, as the median and the range of the rounds."""
    ratios = [other.seconds / one.seconds for other, one in zip(others, own, strict=True)]
    return f"{MIEN}: {statistics.median(ratios):.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f}) as {name}."


def render_seconds(seconds: float) -> str:
    """Return a duration in the unit that suits it.

    >>> render_seconds(1.234), render_seconds(0.01234)
    ('1.23 s', '12.3 ms')
    """
    return f"{seconds:.2f} s" if seconds > 0.5 else f"{seconds * 1000:.1f} ms"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print("\n".join(compare(arguments.path, arguments.rounds)))


if __name__ == "__main__":
    main()
