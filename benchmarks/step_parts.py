"""What a training step is made of: the share of augmentation, and how much faster evaluation is than training.

    python -m benchmarks.step_parts [--recipe fast] [--steps 12] [--side 48] [--classes 7]

Whole steps of mien's engine, augmentation of the same batches alone, and evaluation of sixteen times as many faces
(half of a split of FER2013) in the batches that `mien evaluate` takes, run alternately in one process; medians of
processor time, because neighbours on the machine disturb the clock more. Faces are random: what they show does not
matter for speed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from mien.evaluation.predict import predict_probabilities
from mien.faces import Faces
from mien.models.network import WHITE
from mien.recipes.named import find_recipe
from mien.recipes.schema import Recipe
from mien.training.augment import augment
from mien.training.engine import Engine

WARM_UP = 2
"""Steps that do not count: the first ones ask the system for memory."""


EVALUATED = 16
"""Batches of training whose faces are evaluated at a time: 2,048 faces with most recipes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Median seconds of processor time for one batch, all threads together."""

    recipe: str
    batch: int
    step_seconds: float
    augmentation_seconds: float
    evaluation_seconds: float

    @property
    def augmentation_share(self) -> float:
        """Part of a step, from 0 to 1."""
        return self.augmentation_seconds / self.step_seconds

    @property
    def evaluation_speed(self) -> float:
        """How many times as many faces evaluation takes as training."""
        return self.step_seconds / self.evaluation_seconds


def draw_faces(count: int, *, side: int, classes: int) -> Faces:
    """Return random pictures with random labels."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, side, side), dtype=np.uint8)
    return Faces(images=images, labels=rng.integers(0, classes, count), ids=np.arange(count).astype(str))


def measure(recipe: Recipe, *, steps: int, side: int, classes: int) -> Parts:
    """Return the medians over `steps` steps at full side."""
    faces = draw_faces(recipe.train.batch_size, side=side, classes=classes)
    engine = Engine(recipe, faces, classes=classes, device="cpu")
    batch, shown = np.arange(len(faces)), np.tile(faces.images, (EVALUATED, 1, 1))

    def take_step(index: int) -> None:
        engine.step(batch, rate=1e-3, epoch=1, step=index, total=index, side=side)

    def augment_alone(index: int) -> None:
        pixels = (torch.from_numpy(faces.images).float() / WHITE).unsqueeze(1)
        augment(pixels, engine.changes, torch.Generator().manual_seed(index), side=side)

    def evaluate(_index: int) -> None:
        predict_probabilities(engine.evaluated, shown)

    contestants: tuple[Callable[[int], None], ...] = (take_step, augment_alone, evaluate)
    seconds = [[_time(work, index) for work in contestants] for index in range(WARM_UP + steps)][WARM_UP:]
    step, change, evaluation = (statistics.median(column) for column in zip(*seconds, strict=True))
    return Parts(
        recipe=recipe.name,
        batch=len(faces),
        step_seconds=step,
        augmentation_seconds=change,
        evaluation_seconds=evaluation / EVALUATED,
    )


def _time(work: Callable[[int], None], index: int) -> float:
    started = time.process_time()
    work(index)
    return time.process_time() - started


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--side", type=int, default=48)
    parser.add_argument("--classes", type=int, default=7)
    options = parser.parse_args()
    parts = measure(find_recipe(options.recipe), steps=options.steps, side=options.side, classes=options.classes)
    rate = parts.batch / parts.step_seconds
    print(f"{parts.recipe}, batch {parts.batch}: {rate:.0f} faces/s of processor time in training")
    print(f"augmentation: {1000 * parts.augmentation_seconds:.1f} ms, {parts.augmentation_share:.1%} of a step")
    print(f"evaluation: {parts.evaluation_speed:.1f} times the rate of training")


if __name__ == "__main__":
    main()
