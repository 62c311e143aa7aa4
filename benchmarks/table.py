"""Runs the benchmarks and writes benchmarks/README.md: one table of all figures, each with its goal and its command.

    python -m benchmarks.table [--csv fer2013.csv] [--model model.onnx] [--recipe fast] [--only startup,step]

Each benchmark runs in a process of its own. What needs a file that is not there is left out and said to be.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import startup

README = Path(__file__).with_name("README.md")
SHIPPED = Path(__file__).parent.parent / "src" / "mien" / "weights" / "mien.onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A row: what was measured, what came out, what it should be at least (or at most), and how to measure it again."""

    what: str
    found: str
    goal: str = ""
    command: str


def measure_startup(_options: argparse.Namespace) -> list[Figure]:
    """Return how long a user waits for the first sign of life."""
    over = startup.least_over_bare(startup.measure(rounds=7))
    command = "python -m benchmarks.startup"
    return [
        Figure(what=f"{name}, over a bare interpreter", found=f"{value:.0f} ms", goal="≤ 150 ms", command=command)
        for name, value in over.items()
    ]


def measure_step(options: argparse.Namespace) -> list[Figure]:
    """Return what augmentation and evaluation cost, measured by the step."""
    arguments = ("benchmarks.step_parts", "--recipe", options.recipe)
    text, command = run(*arguments), f"python -m {' '.join(arguments)}"
    share, times = find(r"([\d.]+%) of a step", text), find(r"([\d.]+) times the rate", text)
    rate = find(r"(\d+) faces/s", text)
    return [
        Figure(what=f"training `{options.recipe}`, a second of one core", found=f"{rate} faces", command=command),
        Figure(what=f"augmentation, part of a step of `{options.recipe}`", found=share, goal="≤ 5 %", command=command),
        Figure(what="evaluation, times the rate of training", found=times, goal="≥ 5", command=command),
    ]


def measure_training(_options: argparse.Namespace) -> list[Figure]:
    """Return the speed of training `report-cnn`, against a plain loop and against the machine."""
    text, command = run("benchmarks.train_throughput"), "python -m benchmarks.train_throughput"
    rate, spread, of_plain, of_limit = (cell.strip() for cell in find(r"\| mien \|(.*)\|", text).split("|"))
    return [
        Figure(what="training `report-cnn`, batch 128", found=f"{rate} faces/s ({spread})", command=command),
        Figure(what="… times the plain loop", found=of_plain, goal="≥ 3", command=command),
        Figure(what="… of the machine's matrix products", found=of_limit, goal="≥ 0.8", command=command),
    ]


def measure_reading(options: argparse.Namespace) -> list[Figure]:
    """Return how fast the table of pixels is read, where one was given."""
    if options.csv is None:
        return []
    text, command = run("benchmarks.csv_read", options.csv), f"python -m benchmarks.csv_read {options.csv.name}"
    pairs = re.findall(r"([\d.]+) times as fast \((.*?)\) as (.*)\.", text)
    return [
        Figure(what=f"first read of {options.csv.name}, times {other}", found=f"{times} ({spread})", command=command)
        for times, spread, other in pairs
    ]


def measure_inference(options: argparse.Namespace) -> list[Figure]:
    """Return how fast a file of `mien export` recognises faces, where one was given or ships with mien."""
    if not options.model.exists():
        return []
    text, command = run("benchmarks.inference", "--model", options.model), "python -m benchmarks.inference --model"
    name, single, _, _, batch, _ = (cell.strip() for cell in find(r"\| (mien, .*) \|", text).split("|"))
    command = f"{command} {options.model.name}"
    return [
        Figure(what=f"recognising one face ({name})", found=single, command=command),
        Figure(what="… 256 at a time", found=batch, command=command),
    ]


BENCHMARKS: dict[str, Callable[[argparse.Namespace], list[Figure]]] = {
    "startup": measure_startup,
    "step": measure_step,
    "training": measure_training,
    "reading": measure_reading,
    "inference": measure_inference,
}


def run(*arguments: object) -> str:
    """Return what a benchmark printed."""
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def find(pattern: str, text: str) -> str:
    """Return the first group of `pattern` in `text`.

    >>> find("([0-9]+) faces", "took 12 faces")
    '12'
    """
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(f"expected {pattern} in what the benchmark printed, found: {text}")
    return match[1]


def render(figures: Sequence[Figure], left_out: Sequence[str], *, load: float) -> str:
    """Return the page."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}), load {load:.1f} when it began, Python"
    lines = [
        "# All figures in one table",
        "",
        f"Made by `make bench` on {time.strftime('%Y-%m-%d')}: {machine} {platform.python_version()}. Other jobs on",
        "the machine move figures by tens of percent: shares and ratios from one run are worth comparing, rates less.",
        "",
        "| what | found | goal | measured with |",
        "|---|---:|---:|---|",
        *(f"| {row.what} | {row.found} | {row.goal} | `{row.command}` |" for row in figures),
    ]
    if left_out:
        lines += ["", f"Left out in this run: {', '.join(left_out)}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page and print where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--model", type=Path, default=SHIPPED, help="a file of mien export")
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--only", default=",".join(BENCHMARKS), help="some of them, separated by commas")
    parser.add_argument("--out", type=Path, default=README)
    options = parser.parse_args()
    for path in filter(None, (options.csv, options.model)):
        path.stat()  # minutes pass before the last of them is read
    load, chosen = os.getloadavg()[0], options.only.split(",")
    found = {name: measure(options) for name, measure in BENCHMARKS.items() if name in chosen}
    left_out = [name for name in BENCHMARKS if not found.get(name)]
    figures = [figure for rows in found.values() for figure in rows]
    options.out.write_text(render(figures, left_out, load=load), encoding="utf-8")
    print(options.out)


if __name__ == "__main__":
    main()
