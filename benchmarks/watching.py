"""How many frames of a video a second are watched, and where the time goes.

A film of 1280x720 pixels, 30 frames a second, H.264, in which a photograph with a face drifts, is watched with every
frame looked at, every second and every fifth; then with a copy drawn. `python -m benchmarks.watching --seconds 10`

Prints frames a second on the clock, and frames a second of one core: those count processor time, which waits for
nobody, so they mean something beside other programs, too. Real time is 30.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
from PIL import Image

from mien import Recogniser
from mien.recognition.videos.copying import open_copy
from mien.recognition.videos.watching import Watch, follow_faces, open_video

WIDTH, HEIGHT, FPS = 1280, 720, 30


def draw_frames(photograph: Path, count: int) -> Iterator[np.ndarray]:
    """Yield uint8 (720, 1280, 3): the photograph drifts before a grey wall."""
    with Image.open(photograph) as opened:
        face = np.asarray(opened.convert("RGB").resize((512, 512)))
    for number in range(count):
        frame = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
        left = round((WIDTH - 512) / 2 * (1 + 0.8 * np.sin(number / FPS)))
        top = round((HEIGHT - 512) / 2 * (1 + 0.8 * np.cos(number / FPS)))
        frame[top : top + 512, left : left + 512] = face
        yield frame


def write_film(path: Path, photograph: Path, seconds: float) -> int:
    """Write the film and return how many frames it has."""
    count = round(seconds * FPS)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in draw_frames(photograph, count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return count


def watch(recogniser: Recogniser, path: Path, every: int, *, copy_to: Path | None, workers: int) -> tuple[float, float]:
    """Return the seconds on the clock and of processors that a whole film takes."""
    clock, spent = time.perf_counter(), time.process_time()
    how = Watch(every=every, keep_all=copy_to is not None, workers=workers)
    with ExitStack() as stack:
        video = stack.enter_context(open_video(path))
        write = stack.enter_context(open_copy(copy_to, video)) if copy_to is not None else bool
        for frame in follow_faces(recogniser, video, how):
            write(frame)
    return time.perf_counter() - clock, time.process_time() - spent


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photograph", type=Path, default=Path("docs/astronaut.jpg"))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    recogniser = Recogniser(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        count = write_film(film, options.photograph, options.seconds)
        print("| 1280x720 | frames/s on the clock | frames/s of one core |\n|---|---:|---:|")
        for every, copied in ((1, False), (2, False), (5, False), (2, True)):
            target = Path(folder) / "copy.mp4" if copied else None
            took = [
                watch(recogniser, film, every, copy_to=target, workers=options.workers) for _ in range(options.rounds)
            ]
            clock, spent = (count / np.median([one[index] for one in took]) for index in (0, 1))
            print(f"| --every {every}{', drawn' if copied else ''} | {clock:.1f} | {spent:.1f} |", flush=True)


if __name__ == "__main__":
    main()
