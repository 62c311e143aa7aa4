"""Twenty steps of an engine in float64, alone or beside other processes: started by test_processes.py, twice.

    python tests/training/take_steps.py OUT.safetensors
    torchrun --nproc_per_node 2 tests/training/take_steps.py OUT.safetensors

Everything that could differ between processes is in it: batch norm, class weights, smoothing, augmentation with noise,
a teacher, an average of weights, and batches that cannot be shared evenly. Float64, because at a real learning rate the
rounding of float32 grows by itself: two orders of the same faces in one process are as far apart.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from safetensors.torch import save_file
from torch import distributed, nn

from conftest import draw_shapes, tiny_recipe
from mien.evaluation.predict import predict_probabilities
from mien.models import build_model
from mien.training.engine import Engine
from mien.training.sync_norm import SyncNorm
from mien.training.teachers import Teacher
from mien.training.together import agree, ask_main, collect, deal, leave_the_others

STEPS, BATCH = 20, 15
CHANGES = ("augment.noise=0.1", "augment.contrast=0.2", "train.class_weights=inverse", "train.label_smoothing=0.1")


def take_steps(out: Path) -> None:
    """Train and let the last process write weights, average, optimiser state, losses and probabilities to `out`."""
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign]
    faces = draw_shapes(20)
    kept = np.flatnonzero((faces.labels != 2) | (np.arange(len(faces)) % 3 == 0))  # one class is rare
    faces = faces.take(kept)
    recipe = tiny_recipe(*CHANGES)
    torch.manual_seed(1)
    teacher = build_model(recipe.model, classes=3, size=faces.images.shape[1]).eval()
    teachers = [Teacher(network=teacher, order=torch.tensor([2, 0, 1]), answers=((slice(None), 1.5),))]
    engine = Engine(recipe, faces, classes=3, device="cpu", teachers=teachers)
    assert engine.weights is not None
    engine.weights = engine.weights.double()
    losses = []
    for step in range(STEPS):
        batch = np.random.default_rng(step).permutation(len(faces))[:BATCH]
        losses.append(engine.step(batch, rate=0.1, epoch=1, step=step, total=step, side=faces.images.shape[1]))
    accelerator = engine.accelerator
    part = predict_probabilities(engine.evaluated, faces.images[deal(accelerator, len(faces))])
    tensors = {**engine.tensors(), "losses": torch.stack(losses)}
    tensors["probabilities"] = torch.from_numpy(collect(accelerator, part, len(faces)))
    first_only = accelerator.process_index == 0
    tensors["agreed"] = torch.tensor([agree(accelerator, first_only), agree(accelerator, False)])
    tensors["told"] = torch.tensor(ask_main(accelerator, lambda: accelerator.process_index))
    if accelerator.is_last_process:  # not the one that decides
        save_file({name: value.contiguous() for name, value in tensors.items()}, out)
        if accelerator.num_processes > 1:
            save_file(normalise_share(accelerator.process_index, accelerator.num_processes), f"{out}-norm")
    elif accelerator.num_processes > 1:
        normalise_share(accelerator.process_index, accelerator.num_processes)
    leave_the_others()


MAPS, SLOPES = (np.random.default_rng(seed).normal(3.0, 2.0, (6, 5, 4, 3)) for seed in (1, 2))
"""What all processes together normalise, and the gradient of the result."""


def normalise_share(index: int, count: int) -> dict[str, torch.Tensor]:
    """Return what the synchronised norm makes of this process's share of `MAPS`, its gradients and its statistics."""
    norm = SyncNorm(nn.BatchNorm2d(5))
    maps = torch.from_numpy(MAPS).chunk(count)[index].clone().requires_grad_()
    normal = norm(maps)
    normal.backward(torch.from_numpy(SLOPES).chunk(count)[index])
    assert maps.grad is not None
    assert norm.weight is not None
    assert norm.bias is not None
    for parameter in (norm.weight, norm.bias):
        distributed.all_reduce(parameter.grad)
    parts = (normal.detach(), maps.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var)
    names = ("normal", "maps", "weight", "bias", "running_mean", "running_var")
    return {name: value.contiguous() for name, value in zip(names, parts, strict=True) if value is not None}


if __name__ == "__main__":
    take_steps(Path(sys.argv[1]))
