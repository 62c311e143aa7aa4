"""Measure what data larger than memory takes: every command, its seconds, and its memory under a limit.

    python -m benchmarks.large_data FOLDER [--faces 4000000] [--limit 1.5GB] [--steps 1000] [--only data,train,…]

FOLDER has to have room for five times the faces (4 million of 48 × 48 pixels: 9.2 GB). They are drawn: a pool of
synthetic faces, each shifted, mirrored, lit and made noisy by chance, so that no two are equal, and one in a hundred is
a near copy of another, for the audit to find. Commands run as a user would start them, in a cgroup that holds all of
their memory to the limit, pages of files included, where this process may make one (Linux, cgroup v1 or v2, root);
otherwise without a limit. Beside the time stands the peak of anonymous memory of the process (RssAnon of
/proc/PID/status, read every 20 ms): what no system can take back.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.data.cache_entries import parse_size
from mien.data.prepare import prepare_splits
from mien.errors import Interrupted
from mien.faces import Faces
from mien.labels import EXPRESSIONS
from mien.recipes.named import find_recipe
from mien.recipes.schema import Recipe
from mien.runs.folder import RunFolder
from mien.synthetic.faces import draw_faces
from mien.training.batches import order_epoch, pick_batch
from mien.training.engine import Engine
from mien.training.loop import Listener, Options, Step
from mien.training.start import start_run

SIDE, POOL, BLOCK = 48, 4096, 1 << 13
GRID, SHADE, COPY_EVERY = 8, 60, 100
"""Points of light and shade along a side, their standard deviation in grey levels; how often a face has a near copy."""
RESIDENT_FACES = 50_000
TURN = 10
"""Steps that two trainings take by turns."""
TEST_SHARE = 0.02
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command took: seconds, the peak of its anonymous memory in MB, its exit status, what it printed."""

    seconds: float
    peak_mb: float
    status: int
    text: str


def vary(pool: Bytes, rows: npt.NDArray[np.intp], rng: np.random.Generator) -> Bytes:
    """Return faces of the pool, uint8 (N, H, W), each changed by chance; every hundredth is a near copy of another.

    Light and shade are strong enough that two faces of one drawing are no near copies of each other.
    """
    side = pool.shape[1]
    shifted = np.roll(pool[rows], rng.integers(-3, 4, 2).tolist(), axis=(1, 2))
    mirrored = np.where(rng.random(len(rows))[:, None, None] < 0.5, shifted, shifted[:, :, ::-1])
    places = np.linspace(0, GRID - 1, side)[:, None]
    weights = np.maximum(0.0, 1.0 - np.abs(places - np.arange(GRID))).astype(np.float32)
    light = weights @ (SHADE * rng.standard_normal((len(rows), GRID, GRID), dtype=np.float32)) @ weights.T
    light += mirrored
    copies = np.arange(COPY_EVERY, len(rows), COPY_EVERY)
    light[copies] = 0.9 * light[copies - 1] + 10
    light += rng.integers(-8, 9, light.shape, dtype=np.int8)
    return np.clip(light, 0, 255).astype(np.uint8)


def write_faces(folder: Path, count: int) -> Path:
    """Write X_train.npy, y_train.npy and the same of test to a new folder, a block at a time; return the folder."""
    data = folder / "faces"
    if data.exists():
        return data
    rng = np.random.default_rng(0)
    pool = draw_faces(np.arange(POOL) % 7, rng, size=SIDE)
    aside = folder / "faces.tmp"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    test = max(700, int(count * TEST_SHARE))
    for split, number in (("train", count - test), ("test", test)):
        rows = rng.integers(0, POOL, number)
        np.save(aside / f"y_{split}.npy", rows % 7)
        images = np.lib.format.open_memmap(
            aside / f"X_{split}.npy", mode="w+", dtype=np.uint8, shape=(number, SIDE, SIDE)
        )
        for start in range(0, number, BLOCK):
            images[start : start + BLOCK] = vary(pool, rows[start : start + BLOCK], rng)
        images.flush()
    return aside.rename(data)


@contextlib.contextmanager
def limit_memory(limit: int) -> Iterator[Callable[[], None] | None]:
    """Yield what a child calls to enter a cgroup with this limit in bytes; None where none can be made."""
    version_1, version_2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    group, field = version_1 / f"mien-{os.getpid()}", "memory.limit_in_bytes"
    if not version_1.exists():
        group, field = version_2 / f"mien-{os.getpid()}", "memory.max"
    try:
        group.mkdir()
        (group / field).write_text(str(limit))
    except OSError:
        yield None
        return
    try:
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid())) and None
    finally:
        with contextlib.suppress(OSError):
            group.rmdir()


def run(words: list[str], enter: Callable[[], None] | None, environment: dict[str, str], kill_at: float = 0) -> Taken:
    """Run a command; with `kill_at`, end it after so many seconds as a power cut would."""
    started = time.perf_counter()
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        preexec_fn=enter,
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, read_anonymous_mb(process.pid))
        if kill_at and time.perf_counter() - started > kill_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
            break
        time.sleep(0.02)
    text = "" if process.stdout is None else process.stdout.read()
    return Taken(time.perf_counter() - started, peak, process.returncode, text)


def read_anonymous_mb(process: int) -> float:
    """Return the anonymous memory of a process in MB; 0 when it has ended."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1]) / 1024
    return 0.0


def tell(name: str, taken: Taken, more: str = "") -> None:
    """Print a row of the table; of a failure, what the command said."""
    print(f"| {name} | {taken.seconds:.1f} s | {taken.peak_mb:.0f} MB | {taken.status} | {more} |", flush=True)
    if taken.status:
        print(taken.text[-2000:], flush=True)


def prepare(data: Path, recipe: Recipe) -> Faces:
    """Return train as a training with this recipe would see it."""
    train = prepare_splits(str(data), recipe.data, seed=0).train
    assert train is not None
    return train


def compare_rates(data: Path, recipe: Recipe, steps: int) -> None:
    """Take steps by turns on all faces, read as they come, and on as many as stay in memory; print how both compare."""
    train = prepare(data, recipe)
    few = train.take(np.arange(min(len(train), RESIDENT_FACES)))
    size, rounds = recipe.train.batch_size, max(1, steps // TURN)
    engines = [Engine(recipe, faces, classes=7, device="cpu") for faces in (train, few)]
    orders = [order_epoch(faces.labels, sampling="uniform", seed=0, epoch=1) for faces in (train, few)]
    spent = np.zeros((rounds + 1, len(engines), 2))
    for turn in range(rounds + 1):
        for which in (0, 1) if turn % 2 else (1, 0):
            engine, order = engines[which], orders[which]
            started = np.array([time.perf_counter(), time.process_time()])
            for step in range(turn * TURN, (turn + 1) * TURN):
                engine.expect(pick_batch(order, step + 1, size))
                engine.step(pick_batch(order, step, size), rate=0.01, epoch=1, step=step, total=step, side=SIDE)
            spent[turn, which] = np.array([time.perf_counter(), time.process_time()]) - started
    shares = spent[1:, 1] / spent[1:, 0]  # the first turn compiles and warms up
    streamed, resident = TURN * size / np.median(spent[1:, :, 0], axis=0)
    kinds = [type(engine.feed).__name__ for engine in engines]
    told = [" to ".join(f"{share:.1%}" for share in np.quantile(shares[:, clock], (0.25, 0.75))) for clock in (0, 1)]
    medians = np.median(shares, axis=0)
    print(
        f"{kinds[0]} {streamed:.0f}, {kinds[1]} {resident:.0f} faces a second; of {rounds} pairs the median rate is "
        f"{medians[0]:.1%} (quartiles {told[0]}), by processor time {medians[1]:.1%} ({told[1]})"
    )


def train_steps(data: Path, recipe: Recipe, steps: int, out: Path) -> None:
    """Train on all faces for so many steps, then stop as Ctrl-C would."""
    shutil.rmtree(out, ignore_errors=True)
    told: list[Step] = []
    options = Options(device="cpu", should_stop=lambda: bool(told) and told[-1].step >= steps)
    with contextlib.suppress(Interrupted):
        start_run(recipe, str(data), RunFolder(out), options=options, listener=Listener(on_step=told.append))
    print(f"{told[-1].step:,} of {told[-1].steps:,} steps, {told[-1].faces_per_second:.0f} faces a second")


def list_commands(given: argparse.Namespace, data: Path) -> dict[str, list[str]]:
    """Return the words of each command, by name."""
    here = [sys.executable, "-m", "benchmarks.large_data", str(given.folder), "--steps", str(given.steps)]
    mien, names = [sys.executable, "-m", "mien"], ["--classes", ",".join(EXPRESSIONS)]
    return {
        "data": [*mien, "data", str(data), *names],
        "data again": [*mien, "data", str(data), *names],
        "train": [*here, "--here", "train", "--faces", str(given.faces)],
        "rate": [*here, "--here", "rate", "--faces", str(given.faces)],
        "evaluate": [*mien, "evaluate", "bundled", "--data", str(data), *names, "--out", str(given.folder / "answers")],
        "submit": [*mien, "submit", "bundled", str(data), "--out", str(given.folder / "submission.csv"), "--force"],
        "audit": [*mien, "audit", str(data), *names, "--out", str(given.folder / "audit")],
    }


def main() -> None:
    """Draw the faces, run every command, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--faces", type=int, default=4_000_000)
    parser.add_argument("--limit", default="1.5GB")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--only", default="data,data again,train,rate,evaluate,submit,audit")
    parser.add_argument("--kill-at", type=float, default=0.0, help="End the first command after so many seconds.")
    parser.add_argument("--here", help="What a process of this benchmark does itself.")
    given = parser.parse_args()
    data = write_faces(given.folder, given.faces)
    recipe = find_recipe("fast").set(batch_size=64, epochs=1)
    recipe = replace(recipe, data=replace(recipe.data, valid_fraction=0.001))
    if given.here == "rate":
        return compare_rates(data, recipe, given.steps)
    if given.here == "train":
        return train_steps(data, recipe, given.steps, given.folder / "steps")
    environment = {"MIEN_CACHE": str(given.folder / "cache"), "MIEN_CACHE_LIMIT": "100GB", "COLUMNS": "100"}
    commands = list_commands(given, data)
    with limit_memory(parse_size(given.limit, "--limit")) as enter:
        held = f"a cgroup of {given.limit}, pages of files included" if enter else "no limit: no cgroup can be made"
        print(f"{given.faces:,} drawn faces, {given.faces * SIDE**2 / 1e9:.1f} GB; {held}\n", flush=True)
        print("| command | time | peak of anonymous memory | exit | |\n|---|---:|---:|---:|---|", flush=True)
        for place, name in enumerate(given.only.split(",")):
            taken = run(commands[name], enter, environment, 0.0 if place else given.kill_at)
            last = taken.text.strip().splitlines()[-1:] if name in ("rate", "train") else []
            tell(name, taken, "".join(last))
    return None


if __name__ == "__main__":
    main()
