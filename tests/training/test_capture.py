"""Recorded steps: what they compute is what steps that are not recorded do; on a GPU, the recording itself, too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from conftest import draw_shapes, tiny_recipe
from mien.errors import RunError
from mien.recipes.schema import Recipe
from mien.training.batches import order_epoch, pick_batch
from mien.training.capture import WARM_UP, Compute, Recorder, Recording
from mien.training.engine import Engine

STEPS = 4


class Again:
    """A tape whose recordings compute once more: what a graph does on a GPU, as far as the numbers go."""

    def __init__(self) -> None:
        self.tried, self.recorded = 0, 0

    def try_out(self, compute: Compute) -> Tensor:
        """Take it."""
        self.tried += 1
        return compute()

    def record(self, compute: Compute) -> Recording:
        """Keep it."""
        self.recorded += 1
        return _Kept(compute)


class _Kept:
    def __init__(self, compute: Compute) -> None:
        self.play = compute


RECIPES = {
    "muon": ("train.optimizer=muon", "train.ema_decay=0.9", "augment.mirror_alternately=true", "augment.unwarped=0.3"),
    "sgd": ("train.optimizer=sgd", "augment.blur_probability=0.5", "augment.erase_probability=0.5"),
    "adamw": ("train.optimizer=adamw", "train.lr=0.001", "augment.rotation_degrees=10"),
}


TOLERANCE = {"muon": 1e-4, "sgd": 1e-4, "adamw": 0.05}
"""AdamW divides by gradients: of the smallest, the last bits become steps."""


@pytest.mark.parametrize("name", RECIPES)
def test_recorded_steps_learn_what_others_learn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates, turns and the pull of the average are told in tensors; faces of two sides make two recordings."""
    recipe, tape = tiny_recipe(*RECIPES[name]), Again()
    plain, losses = _train(recipe)
    monkeypatch.setattr(Engine, "_open_tape", lambda _: tape)
    recorded, played = _train(recipe)
    assert (2 * WARM_UP, 2) == (tape.tried, tape.recorded)
    np.testing.assert_allclose(np.array(played)[:, 0], np.array(losses)[:, 0], rtol=TOLERANCE[name])
    if name != "adamw":
        for key, value in plain.tensors().items():
            torch.testing.assert_close(recorded.tensors()[key], value, rtol=1e-4, atol=1e-5)


def test_a_recorded_step_is_told_the_rate_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate of nothing moves no weight, after recordings at other rates."""
    monkeypatch.setattr(Engine, "_open_tape", lambda _: Again())
    engine, _ = _train(tiny_recipe(*RECIPES["muon"], "train.momentum=0"))
    before = {name: value.clone() for name, value in engine.network.named_parameters() if value.ndim != 4}
    engine.step(np.arange(12), rate=0.0, epoch=5, step=0, total=16, side=16)
    after = dict(engine.network.named_parameters())
    assert before
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_what_cannot_be_recorded_says_how_to_train_without() -> None:
    """In the first line of what the GPU says."""

    class Broken(Again):
        def record(self, compute: Compute) -> Recording:
            raise RuntimeError("operation not permitted\nmore of it")

    recorder = Recorder(Broken())
    for _ in range(WARM_UP):
        recorder.take("kind", lambda: torch.zeros(2))
    with pytest.raises(
        RunError, match=r"^a step cannot be recorded .*\(operation not permitted\).*train.graphs=false$"
    ):
        recorder.take("kind", lambda: torch.zeros(2))


def test_nothing_is_recorded_without_a_gpu() -> None:
    """A processor has nothing to gain from it."""
    assert Engine(tiny_recipe(), draw_shapes(4), classes=3, device="cpu").recorder is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", RECIPES)
def test_on_a_gpu_recorded_steps_learn_what_others_learn(name: str) -> None:
    """The first steps are equal but for rounding, which later ones amplify."""
    losses = [
        np.array(_train(tiny_recipe(*RECIPES[name], f"train.graphs={graphs}"), "cuda")[1]) for graphs in (False, True)
    ]
    np.testing.assert_allclose(losses[1][:WARM_UP], losses[0][:WARM_UP], rtol=1e-3)
    np.testing.assert_allclose(losses[1][:, 0], losses[0][:, 0], rtol=0.2)


def _train(recipe: Recipe, device: str = "cpu") -> tuple[Engine, list[list[float]]]:
    faces = draw_shapes(16)
    engine, found = Engine(recipe, faces, classes=3, device=device), []
    for epoch in (1, 2, 3, 4):
        order = order_epoch(faces.labels, sampling="uniform", seed=0, epoch=epoch)
        for step in range(STEPS):
            told = {
                "rate": recipe.train.lr * (step + 1) / STEPS,
                "epoch": epoch,
                "step": step,
                "total": (epoch - 1) * STEPS + step,
            }
            outcome = engine.step(pick_batch(order, step, 12), **told, side=8 if epoch < 3 else 16)  # type: ignore[arg-type]
            found.append(outcome.tolist())
    return engine, found
