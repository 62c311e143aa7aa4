"""How long a training step takes on a GPU, its kernels started one by one and recorded as a CUDA graph.

    python -m benchmarks.recorded_steps fast report heads [--set train.precision=bf16 --set train.batch_size=256]
        [--steps 60] [--device cuda]

Milliseconds a step by the clock, at full side, the GPU waited for before and after all of them. Faces are random: what
they show does not matter for speed. A recipe with heads learns random labels of all of its outputs.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from benchmarks.step_parts import draw_faces
from mien.recipes.heads import BOTH, OUTPUTS
from mien.recipes.named import find_recipe
from mien.recipes.schema import Recipe, override
from mien.training.capture import WARM_UP
from mien.training.engine import Engine

CLASSES, SIDE, BATCHES = 7, 48, 4


def measure(recipe: Recipe, *, steps: int, device: str) -> tuple[float, bool]:
    """Return the milliseconds of a step, and whether it was recorded."""
    side, batch = recipe.data.size or SIDE, recipe.train.batch_size
    classes = len(OUTPUTS) if recipe.data.labels == BOTH else CLASSES
    faces = draw_faces(BATCHES * batch, side=side, classes=classes)
    engine, orders = Engine(recipe, faces, classes=classes, device=device), np.arange(len(faces)).reshape(BATCHES, -1)
    if engine.heads:
        engine.targets = torch.rand((len(faces), classes), device=engine.device)

    def take(count: int, first: int) -> float:
        _wait(engine.device)
        started = time.perf_counter()
        for step in range(first, first + count):
            engine.step(orders[step % BATCHES], rate=1e-3, epoch=1, step=step, total=step, side=side)
        _wait(engine.device)
        return time.perf_counter() - started

    take(2 * (WARM_UP + 1), 0)  # with teachers there would be two kinds of steps
    return 1000 * take(steps, 2 * (WARM_UP + 1)) / steps, engine.recorder is not None


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Print a line for each recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--set", action="append", default=[], dest="assignments")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    for name in options.recipes:
        for graphs in ("false", "true"):
            recipe = override(find_recipe(name), [*options.assignments, f"train.graphs={graphs}"])
            milliseconds, is_recorded = measure(recipe, steps=options.steps, device=options.device)
            how = "recorded" if is_recorded else "kernel by kernel"
            print(f"{name}, batch {recipe.train.batch_size}, {how}: {milliseconds:.2f} ms a step", flush=True)


if __name__ == "__main__":
    main()
