"""Does `mien recognise --engine ray` give what one process gives, and does it outlive its workers?

In: a folder of pictures, a network; `--make N` draws the pictures first. Out: seconds, and whether the tables of both
engines are the same bytes, with a worker killed (SIGKILL) once a quarter is done. Needs mien[ray] and psutil.
`python -m benchmarks.spread faces --make 100000 --run model.onnx --workers 2`
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from mien.synthetic.faces import draw_faces

DRAWN = 4000
FILES_A_FOLDER = 1000
KILL_AFTER = 0.25


def draw_many(folder: Path, count: int) -> None:
    """Write faces: of each drawn one, copies that are mirrored or moved aside, so that no two files are the same."""
    drawn = draw_faces(np.arange(min(count, DRAWN)) % 7, np.random.default_rng(1))
    for index in range(count):
        turn, place = divmod(index, len(drawn))
        face = np.roll(drawn[place][:, ::-1] if turn % 2 else drawn[place], turn, axis=1)
        target = folder / f"{index // FILES_A_FOLDER:04d}" / f"{index:07d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face).save(target, compress_level=1)


def recognise(folder: Path, run: Path, out: Path, *options: str, kill_after: int | None = None) -> float:
    """Run the command, kill one of Ray's workers once so many files are done, and return the seconds it took."""
    command = [sys.executable, "-m", "mien", "recognise", folder, "--no-detect", "--run", run, "--out", out, *options]
    began = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        if kill_after is not None and count_lines(out) > kill_after:
            print(f"  killed worker {kill_worker(process.pid)} after {count_lines(out) - 1:,} files", flush=True)
            kill_after = None
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(process.returncode)  # the command has said why
    if kill_after is not None:
        raise SystemExit("the table was done before a worker could be killed: give more pictures")
    return time.monotonic() - began


def count_lines(path: Path) -> int:
    """Return how many lines a table has by now."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)


def kill_worker(pid: int) -> int:
    """Kill a worker among the descendants of a process, and return its id."""
    import psutil

    worker = next(one for one in psutil.Process(pid).children(recursive=True) if "MapWorker" in " ".join(one.cmdline()))
    worker.kill()
    return int(worker.pid)


def main() -> None:
    """Compare both engines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--make", type=int, default=0, help="draw so many faces into the folder first")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    if given.make:
        draw_many(given.folder, given.make)
    count = sum(1 for _ in given.folder.rglob("*.png"))
    tables = [given.folder.with_name(f"{given.folder.name}-{engine}.csv") for engine in ("local", "ray")]
    for table in tables:
        for leftover in (table, table.with_name(f"{table.name}.progress")):
            leftover.unlink(missing_ok=True)
    seconds = recognise(given.folder, given.run, tables[0])
    print(f"local: {count:,} faces in {seconds:.0f} s, {count / seconds:.0f} a second", flush=True)
    options = ("--engine", "ray", "--workers", str(given.workers))
    seconds = recognise(given.folder, given.run, tables[1], *options, kill_after=int(count * KILL_AFTER))
    print(f"ray, {given.workers} workers: {count:,} faces in {seconds:.0f} s, {count / seconds:.0f} a second")
    same = tables[0].read_bytes() == tables[1].read_bytes()
    print(f"tables: {count_lines(tables[1]) - 1:,} rows, {'the same bytes' if same else 'DIFFERENT'}")
    raise SystemExit(not same)


if __name__ == "__main__":
    main()
