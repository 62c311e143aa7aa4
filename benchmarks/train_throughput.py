"""Images per second of training `report-cnn` at batch 128: mien, the plain loop that a user would write, the machine.

    python -m benchmarks.train_throughput [--rounds 3] [--steps 8]

The contestants run alternately, each in a process of its own (mien tunes its process's allocator, which must not help
the plain loop). The limit is the rate of a large float32 matrix product divided by the operations of one image: three
times two times the multiply-adds of a forward pass. `--losses` prints the first losses of both instead: the same
mathematics must give the same numbers, so both get the same batches without augmentation and without random layers.
Differences of rounding grow from step to step; how much by themselves, the plain loop says with its batches backwards.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from mien.faces import Faces
from mien.models import build_model
from mien.models.summary import summarise
from mien.native.rrelu import LOWER, UPPER, RReLU
from mien.recipes.named import REPORT
from mien.recipes.schema import Recipe, override
from mien.training.engine import Engine

BATCH, SIDE, CLASSES = 128, 64, 7
PLAIN = "augment.mirror=0 augment.rotation_degrees=0 augment.blur_probability=0 augment.noise=0 augment.perspective=0"
NO_CHANCE = f"{PLAIN} model.dropout_conv=0 model.dropout_dense=0".split()


def draw_faces(count: int) -> Faces:
    """Return random pictures: what they show does not matter for speed."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)
    return Faces(images=images, labels=rng.integers(0, CLASSES, count), ids=np.arange(count).astype(str))


class PlainFaces(Dataset[tuple[torch.Tensor, int]]):
    """The data set of a tutorial: one picture at a time through Pillow, with the report's five augmentations."""

    def __init__(self, faces: Faces, recipe: Recipe) -> None:
        self.faces, self.config, self.rng = faces, recipe.augment, np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """Return one augmented face (1, 64, 64) and its label."""
        picture, config, rng = Image.fromarray(self.faces.images[index]), self.config, self.rng
        if rng.random() < config.mirror:
            picture = ImageOps.mirror(picture)
        picture = picture.rotate(rng.uniform(-1, 1) * config.rotation_degrees, Image.Resampling.BILINEAR)
        tilt = tuple(rng.uniform(-1, 1, 2) * config.perspective / SIDE)
        picture = picture.transform(
            picture.size, Image.Transform.PERSPECTIVE, (1, 0, 0, 0, 1, 0, *tilt), Image.Resampling.BILINEAR
        )
        if rng.random() < config.blur_probability:
            picture = picture.filter(ImageFilter.GaussianBlur(config.blur_sigma))
        pixels = np.asarray(picture, dtype=np.float32) / 255 + rng.normal(0, config.noise, (SIDE, SIDE))
        return torch.from_numpy(pixels.clip(0, 1).astype(np.float32))[None], int(self.faces.labels[index])


def step_plainly(faces: Faces, recipe: Recipe) -> Callable[[int], float]:
    """Return the step of the plain loop; it takes the index of the step and returns the loss."""
    torch.manual_seed(0)
    network = build_model(recipe.model, classes=CLASSES, size=SIDE).train()
    use_layers_of_torch(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=recipe.train.lr, momentum=recipe.train.momentum)
    augmented = recipe.augment.rotation_degrees > 0
    batches = iter(DataLoader(PlainFaces(faces, recipe), batch_size=BATCH, num_workers=2 if augmented else 0))
    images, labels = torch.from_numpy(faces.images), torch.from_numpy(faces.labels)

    def step(index: int) -> float:
        if augmented:
            pixels, targets = next(batches)
        else:
            part = slice(index * BATCH, (index + 1) * BATCH)
            pixels, targets = images[part].float()[:, None] / 255, labels[part]
        loss = F.cross_entropy(network(pixels), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


def use_layers_of_torch(network: torch.nn.Module) -> None:
    """Replace mien's quicker layer by that of torch which a user would take."""
    for name, child in network.named_children():
        if isinstance(child, RReLU):
            setattr(network, name, torch.nn.RReLU())
        use_layers_of_torch(child)


def step_in_mien(faces: Faces, recipe: Recipe) -> Callable[[int], float]:
    """Return the step of mien's own engine, from the same first weights."""
    engine = Engine(recipe, faces, classes=CLASSES, device="cpu")
    torch.manual_seed(0)
    engine.network.load_state_dict(build_model(recipe.model, classes=CLASSES, size=SIDE).state_dict())

    def step(index: int) -> float:
        indices = np.arange(index * BATCH, (index + 1) * BATCH)
        return float(engine.step(indices, rate=recipe.train.lr, epoch=1, step=index, total=index, side=SIDE)[0])

    return step


CONTESTANTS = {"plain": step_plainly, "mien": step_in_mien}


def measure(contestant: str, steps: int) -> float:
    """Return the images per second of a contestant: the median over `steps`, after two that do not count."""
    step = CONTESTANTS[contestant](draw_faces(BATCH * (steps + 2)), REPORT)
    seconds = []
    for index in range(steps + 2):
        started = time.perf_counter()
        step(index)
        seconds.append(time.perf_counter() - started)
    return BATCH / statistics.median(seconds[2:])


def measure_limit() -> float:
    """Return the images per second that the machine's matrix products would allow."""
    left, right = torch.rand(4096, 2048), torch.rand(2048, 2048)
    rates = []
    for _ in range(12):
        started = time.perf_counter()
        left @ right
        rates.append(2 * 4096 * 2048 * 2048 / (time.perf_counter() - started))
    network = build_model(REPORT.model, classes=CLASSES, size=SIDE)
    return statistics.median(rates) / (3 * 2 * summarise(network).multiply_adds)


def first_losses(contestant: str, steps: int, *, backwards: bool = False) -> list[float]:
    """Return the losses of the first steps on the same batches, nothing random in them.

    With the faces of each batch `backwards` the mathematics stay, and sums are rounded otherwise.
    """
    recipe = override(REPORT, NO_CHANCE)
    order = np.arange(BATCH * steps).reshape(steps, BATCH)
    faces = draw_faces(BATCH * steps).take(order[:, ::-1].ravel() if backwards else order.ravel())
    # The one layer that is random whatever the recipe: both leave out its chance, and only that.
    slope = (LOWER + UPPER) / 2.0
    RReLU.forward = torch.nn.RReLU.forward = lambda self, x: F.leaky_relu(x, slope)  # type: ignore[method-assign]
    RReLU.lower = RReLU.upper = slope
    step = CONTESTANTS[contestant](faces, recipe)
    return [step(index) for index in range(steps)]


def _run_alone(*arguments: object) -> float:
    command = [sys.executable, "-m", "benchmarks.train_throughput", "--alone", *map(str, arguments)]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def main() -> None:
    """Print a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--losses", type=int, default=0)
    parser.add_argument("--alone", choices=["limit", *CONTESTANTS])
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(measure_limit() if options.alone == "limit" else measure(options.alone, options.steps)))
        return
    if options.losses:
        plain, mien = (np.array(first_losses(name, options.losses)) for name in CONTESTANTS)
        again = np.array(first_losses("plain", options.losses, backwards=True))
        for what, others in (("plain and mien", mien), ("plain and plain with batches backwards", again)):
            apart = np.maximum.accumulate(np.abs(plain / others - 1))
            marks = sorted({min(count, len(apart)) for count in (1, 10, 20, 30, 40, len(apart))})
            grows = ", ".join(f"{count}: {apart[count - 1]:.1e}" for count in marks)
            print(f"{what}: largest relative difference of the first losses, {grows}")
        return
    rates: dict[str, list[float]] = {name: [] for name in ("limit", *CONTESTANTS)}
    for _ in range(options.rounds):
        for name, found in rates.items():
            found.append(_run_alone(name, "--steps", options.steps))
    middle = {name: statistics.median(found) for name, found in rates.items()}
    print(f"| contestant | images/s, median of {options.rounds} | range | of plain | of limit |\n|---|---|---|---|---|")
    for name, found in rates.items():
        spread = f"{min(found):.1f} to {max(found):.1f}"
        ratio = f"{middle[name] / middle['plain']:.2f} | {middle[name] / middle['limit']:.2f}"
        print(f"| {name} | {middle[name]:.1f} | {spread} | {ratio} |")


if __name__ == "__main__":
    main()
