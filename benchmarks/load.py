"""Load on a running server. In: seconds and connections. Out: answers by kind and status, waiting times, memory.

Starts `mien serve` on loopback and asks it over so many connections at once, each with the next request as soon as it
has its answer: scenes with faces, cut faces, forms, and a fifth of bad input (or `--only` some of these). Beside it
stands what the plain recogniser does with the same scenes, in as many threads as there are cores: scenes a second, and
milliseconds of the processors a scene, which neighbours on the machine hardly move.

    python -m benchmarks.load --seconds 600 --run network.onnx
    python -m benchmarks.load --only scene
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from mien.recognition import Recogniser
from mien.synthetic import draw_faces

SCENE = (480, 640)
SIDE = 160
SAMPLE_SECONDS = 1.0
PLAIN_SECONDS = 4.0
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of request, how often it comes, and the statuses that are right for it."""

    weight: int
    bodies: tuple[bytes, ...]
    right: tuple[int, ...] = (200,)
    path: str = "/v1/recognise"
    headers: str = ""


@dataclass(slots=True)
class Tally:
    """What happened: answers by kind and status, seconds by kind, memory over time."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory: list[tuple[float, float]] = field(default_factory=list)


def main() -> None:
    """Measure the plain recogniser, then the server, and print both."""
    options = parse_options()
    kinds = make_kinds(np.random.default_rng(options.seed))
    kinds = {name: kinds[name] for name in options.only or kinds}
    scenes = kinds["scene"].bodies if "scene" in kinds else ()
    plain = measure_plain(options.run, scenes) if scenes else (0.0, 0.0)
    command = [sys.executable, "-m", "mien", "serve", "--port", "0", "--max-pending", str(options.max_pending)]
    command += [] if options.run is None else ["--run", str(options.run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().split()[0].rpartition(":")[2])
            worked = tell_processor_seconds(server.pid)
            tally, seconds = asyncio.run(load(server.pid, port, kinds, options))
            worked = tell_processor_seconds(server.pid) - worked
        finally:
            server.terminate()
    report(tally, kinds, seconds, plain)
    print(f"the server: {1000 * worked / max(1, sum(tally.answers.values())):.1f} ms of processors a request")
    wrong = [key for key in tally.answers if key[1] not in (*kinds[key[0]].right, 503)]
    sys.exit(bool(wrong) or server.returncode != 0)


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--max-pending", type=int, default=64)
    parser.add_argument("--run", type=Path, help="a run folder or exported file")
    parser.add_argument("--only", nargs="+", help="kinds of requests, such as scene")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def make_kinds(rng: np.random.Generator) -> dict[str, Kind]:
    """Return the requests: four fifths good, one fifth bad."""
    scenes = tuple(encode(draw_scene(rng), "JPEG") for _ in range(8))
    faces = tuple(encode(face, "PNG") for face in draw_faces(list(range(7)), rng, size=48))
    parts = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + face + b"\r\n"
        for face in faces[:3]
    )
    form = "Content-Type: multipart/form-data; boundary=edge\r\n"
    bomb = encode(np.zeros((1, 1), np.uint8), "BMP")
    bomb = bomb[:18] + (40_000).to_bytes(4, "little") * 2 + bomb[26:]
    return {
        "scene": Kind(30, scenes),
        "face": Kind(40, faces, path="/v1/recognise?detect=false"),
        "form of three": Kind(10, (parts + b"--edge--\r\n",), path="/v1/recognise?detect=false", headers=form),
        "no picture": Kind(5, (b"dear diary", b""), (415,)),
        "broken picture": Kind(5, tuple(scene[: len(scene) // 2] for scene in scenes), (422,)),
        "too many pixels": Kind(4, (bomb,), (413,)),
        "too many bytes": Kind(1, (bytes(21 * MEBIBYTE),), (413,)),
        "gives up": Kind(5, scenes, (0,)),
    }


def draw_scene(rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return a grey room with two drawn faces."""
    scene = np.full(SCENE, 150, np.uint8)
    for column, face in enumerate(draw_faces(rng.integers(0, 7, 2).tolist(), rng, size=SIDE)):
        left, top = 80 + 320 * column, 160
        scene[top : top + SIDE, left : left + SIDE] = face
    return scene


def encode(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], kind: str) -> bytes:
    """Return the bytes of a picture file."""
    file = BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()


def measure_plain(run: Path | None, scenes: tuple[bytes, ...]) -> tuple[float, float]:
    """Return scenes a second of the recogniser alone, a thread a core, and milliseconds of processors a scene."""
    recogniser, threads = Recogniser(run, threads=1), len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(recogniser.recognise, scenes))
        start, processors, count = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - start < PLAIN_SECONDS:
            count += len(list(pool.map(recogniser.recognise, scenes * threads)))
        return count / (time.perf_counter() - start), 1000 * (time.process_time() - processors) / count


def tell_processor_seconds(pid: int) -> float:
    """Return how long the processors have worked for a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(pid: int, port: int, kinds: dict[str, Kind], options: argparse.Namespace) -> tuple[Tally, float]:
    """Return the tally of the load, and the seconds that it took."""
    tally, start = Tally(), time.perf_counter()

    def is_over() -> bool:
        return bool(time.perf_counter() - start > options.seconds)

    clients = [
        ask_until(is_over, port, kinds, tally, np.random.default_rng((options.seed, client)))
        for client in range(options.connections)
    ]
    watch = asyncio.create_task(watch_memory(pid, tally, start))
    await asyncio.gather(*clients)
    watch.cancel()
    return tally, time.perf_counter() - start


async def ask_until(
    is_over: Callable[[], bool], port: int, kinds: dict[str, Kind], tally: Tally, rng: np.random.Generator
) -> None:
    """Ask one request after the other, on one connection as long as it lasts."""
    names = list(kinds)
    shares = np.array([kind.weight for kind in kinds.values()]) / sum(kind.weight for kind in kinds.values())
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while not is_over():
        name = names[rng.choice(len(names), p=shares)]
        kind = kinds[name]
        body = kind.bodies[rng.integers(len(kind.bodies))]
        start = time.perf_counter()
        try:
            connection = connection or await asyncio.open_connection("127.0.0.1", port)
            status, is_open = await ask(*connection, kind, body)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            status, is_open = -1, False  # cut off: never right
        tally.answers[name, status] += 1
        tally.seconds[name if status != 503 else "refused"].append(time.perf_counter() - start)
        if not is_open and connection is not None:
            connection[1].close()
            connection = None
        if status == 503:
            await asyncio.sleep(1)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: Kind, body: bytes) -> tuple[int, bool]:
    """Send a request and return the status, and whether the connection may be used again."""
    head = f"POST {kind.path} HTTP/1.1\r\nHost: localhost\r\n{kind.headers}Content-Length: {len(body)}\r\n\r\n"
    if kind.right == (0,):  # a client that goes away in the middle
        writer.write(head.encode() + body[: len(body) // 2])
        await writer.drain()
        return 0, False
    writer.write(head.encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
    await reader.readexactly(length)
    return int(answer.split()[1]), "connection: close" not in answer


async def watch_memory(pid: int, tally: Tally, start: float) -> None:
    """Note the resident memory of the server every second."""
    while True:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        tally.memory.append((time.perf_counter() - start, pages * 4096 / MEBIBYTE))
        await asyncio.sleep(SAMPLE_SECONDS)


def report(tally: Tally, kinds: dict[str, Kind], seconds: float, plain: tuple[float, float]) -> None:
    """Print the tables."""
    total = sum(tally.answers.values())
    print(f"{total:,} requests in {seconds:.0f} s: {total / seconds:.1f} a second\n")
    print("| request | status | answers | right |\n|---|---:|---:|---|")
    for (name, status), count in sorted(tally.answers.items()):
        verdict = "yes" if status in kinds[name].right else "the limit" if status == 503 else "NO"
        print(f"| {name} | {status or 'gone'} | {count:,} | {verdict} |")
    print("\n| request | n | p50 ms | p99 ms | longest ms |\n|---|---:|---:|---:|---:|")
    for name, values in tally.seconds.items():
        p50, p99 = (1000 * np.percentile(values, share) for share in (50, 99))
        print(f"| {name} | {len(values):,} | {p50:.1f} | {p99:.1f} | {1000 * max(values):.1f} |")
    answered = sum(count for (name, status), count in tally.answers.items() if name == "scene" and status == 200)
    print(
        f"\nscenes a second: {answered / seconds:.1f} of {total / seconds:.1f} requests; "
        f"the plain recogniser alone: {plain[0]:.1f}, {plain[1]:.1f} ms of processors each"
    )
    report_memory(tally.memory)


def report_memory(memory: list[tuple[float, float]]) -> None:
    """Print the memory's start, end, and slope over the last four fifths."""
    late = np.array(memory[len(memory) // 5 :])
    slope = np.polyfit(late[:, 0] / 60, late[:, 1], 1)[0] if len(late) > 2 else float("nan")
    print(f"memory: {memory[0][1]:.0f} MiB at first, {late[0, 1]:.0f} after a fifth, {memory[-1][1]:.0f} at the end;")
    print(f"slope over the last four fifths: {slope:+.2f} MiB a minute")


if __name__ == "__main__":
    main()
