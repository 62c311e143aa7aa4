"""From a picture's file to its answer: how long each step takes, and how many pictures a second that is.

    python -m benchmarks.pipeline [--photograph docs/astronaut.jpg] [--threads 1 2] [--rounds 30]

The photograph is pasted into pictures of 640x480, 1920x1080 and 4000x3000 pixels (12 megapixels), noise around it, and
these are kept as JPEG files in memory. Steps are timed one after the other by the processor time of one thread, each
its median over the rounds; pictures a second by the clock, over as many threads as asked. Last, the cold start: what
`mien recognise PHOTOGRAPH` takes as a process of its own, by the processors and by the clock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from PIL import Image

from mien.recognition import Recogniser

SIZES = ((640, 480), (1920, 1080), (4000, 3000))
STEPS = ("decode", "find", "cut", "name")


def write_jpeg(photograph: Image.Image, size: tuple[int, int]) -> bytes:
    """Return a JPEG file of this size with the photograph in it as large as it fits, noise and grey around it."""
    canvas = Image.merge("RGB", [Image.effect_noise(size, 40)] * 3)
    side = min(size)
    canvas.paste(photograph.resize((side, side), Image.Resampling.BICUBIC), ((size[0] - side) // 2, 0))
    stream = BytesIO()
    canvas.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def time_steps(recogniser: Recogniser, data: bytes, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of processor time that each step takes."""
    spent: dict[str, list[float]] = {step: [] for step in STEPS}

    def timed(step: str, function: Callable[[], Any]) -> Any:
        start = time.process_time()
        answer = function()
        spent[step].append(1000.0 * (time.process_time() - start))
        return answer

    for _ in range(rounds + 1):
        picture = timed("decode", lambda: recogniser.read(data))
        boxes = timed("find", lambda picture=picture: recogniser.find(picture.pixels))
        crops = timed("cut", lambda picture=picture, boxes=boxes: recogniser.cut(picture.pixels, boxes))
        timed("name", lambda crops=crops, boxes=boxes: recogniser.name(boxes, recogniser.answer(crops)))
    return {step: statistics.median(values[1:]) for step, values in spent.items()}  # the first warms up


def time_cold_start(photograph: str, rounds: int) -> tuple[float, float]:
    """Return the median seconds of `mien recognise`, of the processors and on the clock; the first does not count."""
    command, found = [sys.executable, "-m", "mien", "recognise", photograph], []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}")
        found.append((usage.ru_utime + usage.ru_stime, seconds))
    working, clock = (statistics.median(values) for values in zip(*found[1:], strict=True))
    return working, clock


def count_a_second(recogniser: Recogniser, data: bytes, threads: int, pictures: int) -> float:
    """Return how many pictures a second as many threads recognise."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: recogniser.recognise(data), range(threads)))
        start = time.perf_counter()
        list(pool.map(lambda _: recogniser.recognise(data), range(pictures)))
        return pictures / (time.perf_counter() - start)


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photograph", default="docs/astronaut.jpg")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--detector", default="auto")
    options = parser.parse_args()
    with Image.open(options.photograph) as photograph:
        files = {f"{size[0]}x{size[1]}": write_jpeg(photograph.convert("RGB"), size) for size in SIZES}
    recogniser = Recogniser(detector=options.detector, threads=1)
    print("| picture | faces | " + " | ".join(STEPS) + " | together, ms |\n|---|---:|" + "---:|" * (len(STEPS) + 1))
    for name, data in files.items():
        faces, spent = len(recogniser.recognise(data)), time_steps(recogniser, data, options.rounds)
        total = sum(spent.values())
        cells = [f"{spent[step]:.1f} ({spent[step] / total:.0%})" for step in STEPS]
        print(f"| {name} | {faces} | " + " | ".join(cells) + f" | {total:.1f} |")
    print("\n| picture | " + " | ".join(f"{threads} threads, pictures/s" for threads in options.threads) + " |")
    print("|---|" + "---:|" * len(options.threads))
    for name, data in files.items():
        rates = [count_a_second(recogniser, data, threads, 4 * options.rounds) for threads in options.threads]
        print(f"| {name} | " + " | ".join(f"{rate:.1f}" for rate in rates) + " |")
    working, clock = time_cold_start(options.photograph, max(3, options.rounds // 4))
    print(f"\n`mien recognise {options.photograph}`: {working:.2f} s of processors, {clock:.2f} s on the clock")


if __name__ == "__main__":
    main()
