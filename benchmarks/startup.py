"""Milliseconds of processor time until `import mien` and `mien --help` are done, over those of a bare interpreter.

    python -m benchmarks.startup [--rounds 7]

Processor time and not the clock, and the least of the rounds beside the median: neighbours on the machine only add.
The contestants run alternately, each in a process of its own, after one round that does not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

BARE = "bare interpreter"
COMMANDS: dict[str, tuple[str, ...]] = {
    BARE: ("-c", "pass"),
    "import mien": ("-c", "import mien"),
    "mien --help": ("-m", "mien", "--help"),
}


def time_start(arguments: tuple[str, ...]) -> float:
    """Return the milliseconds that processors worked on `python ARGUMENTS`."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with status {process.returncode}")
    return 1000.0 * (usage.ru_utime + usage.ru_stime)


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of each round, by contestant."""
    for arguments in COMMANDS.values():
        time_start(arguments)
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, arguments in COMMANDS.items():
            found[name].append(time_start(arguments))
    return found


def least_over_bare(found: dict[str, list[float]]) -> dict[str, float]:
    """Return by how many milliseconds each contestant is slower than the bare interpreter, least against least.

    >>> least_over_bare({"bare interpreter": [20.0, 10.0], "import mien": [31.0, 45.0]})
    {'import mien': 21.0}
    """
    return {name: min(values) - min(found[BARE]) for name, values in found.items() if name != BARE}


def render(found: dict[str, list[float]]) -> list[str]:
    """Return the lines of a markdown table."""
    rounds = len(found[BARE])
    lines = [f"| started | ms, least of {rounds} | median | over bare |", "|---|---:|---:|---:|"]
    for name, values in found.items():
        over = min(values) - min(found[BARE])
        lines.append(f"| {name} | {min(values):.0f} | {statistics.median(values):.0f} | {over:.0f} |")
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    print("\n".join(render(measure(parser.parse_args().rounds))))


if __name__ == "__main__":
    main()
