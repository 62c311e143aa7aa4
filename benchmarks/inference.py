"""How fast one face and batches of 256 are recognised, contestants alternately in one run.

    python -m benchmarks.inference --model model.onnx --model model8.onnx --run runs/small --tflite emotion_model.tflite

`--run` adds the same network in plain PyTorch; `--tflite` a TensorFlow Lite file of one 64x64 face, which takes the
package ai-edge-litert and is shown one face at a time, as the package fer does. Processor time stands beside the time
on the clock, because it tells more where other programs run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.recognition.network import OnnxNetwork

BATCH = 256
Faces = npt.NDArray[np.uint8]
Answer = Callable[[Faces], object]


@dataclass(slots=True)
class Contestant:
    """A way to recognise faces of `side` pixels, and its times in seconds: on the clock and of the processor."""

    name: str
    answer: Answer
    side: int = 48
    single: list[tuple[float, float]] = field(default_factory=list)
    batch: list[tuple[float, float]] = field(default_factory=list)


def open_onnx(path: Path, threads: int) -> Contestant:
    """Return a file of `mien export`."""
    network = OnnxNetwork(path, threads=threads)
    return Contestant(f"mien, {path.name} ({network.card['precision']})", network.predict, network.size)


def open_torch(path: Path, threads: int) -> Contestant:
    """Return the same network in PyTorch."""
    import torch

    from mien.runs.run import load_run

    torch.set_num_threads(threads)
    network = load_run(path).network.to(memory_format=torch.channels_last)

    def answer(faces: Faces) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(faces)).softmax(dim=1).numpy()

    return Contestant("plain PyTorch", answer, network.size)


def open_tflite(path: Path, threads: int) -> Contestant:
    """Return a TensorFlow Lite file, shown one face after the other, normalised to -1 to 1."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    given, taken = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def answer(faces: Faces) -> object:
        answers = []
        for face in faces:
            interpreter.set_tensor(given["index"], ((face / 255.0 - 0.5) * 2.0).astype(np.float32)[None, :, :, None])
            interpreter.invoke()
            answers.append(interpreter.get_tensor(taken["index"])[0])
        return np.stack(answers)

    return Contestant(f"TensorFlow Lite, {path.name}", answer, int(given["shape"][1]))


def time_call(answer: Answer, faces: Faces) -> tuple[float, float]:
    """Return seconds on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    answer(faces)
    return time.perf_counter() - clock, time.process_time() - processor


def race(contestants: list[Contestant], *, rounds: int, singles: int) -> None:
    """Let everyone recognise `singles` single faces and one batch, `rounds` times, in turns."""
    rng = np.random.default_rng(0)
    for number in range(rounds + 1):
        for one in contestants:
            faces = rng.integers(0, 256, (BATCH, one.side, one.side)).astype(np.uint8)
            single = [time_call(one.answer, faces[index : index + 1]) for index in range(singles)]
            batch = time_call(one.answer, faces)
            if number:  # the first round warms up
                one.single += single
                one.batch.append(batch)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, action="append", default=[])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--tflite", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--singles", type=int, default=100)
    options = parser.parse_args()
    contestants = [open_onnx(path, options.threads) for path in options.model]
    contestants += [open_torch(options.run, options.threads)] if options.run else []
    contestants += [open_tflite(options.tflite, options.threads)] if options.tflite else []
    race(contestants, rounds=options.rounds, singles=options.singles)
    print("| contestant | one face: median | p99 | processor | batches of 256 | processor |")
    print("|---|---:|---:|---:|---:|---:|")
    for one in contestants:
        single, batch = np.array(one.single), np.array(one.batch)
        print(
            f"| {one.name} | {1e3 * np.median(single[:, 0]):.2f} ms | {1e3 * np.quantile(single[:, 0], 0.99):.2f} ms ",
            end="",
        )
        print(f"| {1e3 * single[:, 1].mean():.2f} ms | {BATCH / np.median(batch[:, 0]):,.0f} faces/s ", end="")
        print(f"| {1e3 * batch[:, 1].mean() / BATCH:.2f} ms a face |")


if __name__ == "__main__":
    main()
