"""Training: learns, repeats itself, goes on bit for bit where it was stopped, and stops with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import FACTS, draw_shapes, tiny_recipe
from mien.errors import ConfigError, Interrupted, RunError
from mien.evaluation.predict import predict_probabilities
from mien.models import build_model
from mien.recipes.schema import ModelConfig, Recipe
from mien.runs.run import load_run, load_tensors
from mien.training import Listener, Options, Outcome, RunFolder, train
from mien.training.engine import Engine, build_optimizer

pytestmark = pytest.mark.usefixtures("no_curves")

FACES, VALID = draw_shapes(32), draw_shapes(8, seed=1)


def train_in(path: Path, recipe: Recipe, should_stop: Callable[[], bool] = lambda: False) -> Outcome:
    """Train on the small shapes in the folder at `path`, going on where it was stopped."""
    folder = RunFolder(path)
    (path / "checkpoints").mkdir(parents=True, exist_ok=True)
    return train(recipe, FACES, VALID, folder=folder, facts=FACTS, options=Options(should_stop=should_stop))


def test_equal_trainings_give_equal_files(tmp_path: Path) -> None:
    """Byte for byte, the weights to use and those of single epochs; how long it took stands in the history alone."""
    recipe = tiny_recipe("train.keep_last=2")
    first, second = (tmp_path / name for name in ("first", "second"))
    for path in (first, second):
        train_in(path, recipe)
    names = sorted(
        str(path.relative_to(first)) for path in first.rglob("*.safetensors") if "checkpoints" not in str(path)
    )
    assert 3 == len(names)
    assert [] == [name for name in names if (first / name).read_bytes() != (second / name).read_bytes()]
    assert not {"seconds", "faces_per_second"} & set(load_tensors(first / "model.safetensors")[1])
    assert all("seconds" in json.loads(line) for line in (first / "history.jsonl").read_text().splitlines())


def test_what_a_killed_training_left_half_written_is_removed(tmp_path: Path) -> None:
    """By the next one in the same folder; the process that wrote it is gone."""
    code = (
        "import os, sys; from pathlib import Path; from mien.files import write_aside\n"
        "with write_aside(Path(sys.argv[1])) as aside: aside.write_text('half'); os._exit(9)"
    )
    (tmp_path / "checkpoints").mkdir()
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "checkpoints" / "last.safetensors")], check=False)
    assert 1 == len(list(tmp_path.rglob(".*")))
    train_in(tmp_path, tiny_recipe())
    assert [] == list(tmp_path.rglob(".*"))


def stop_after(looks: int) -> Callable[[], bool]:
    """Return a question that is answered with yes after it was asked `looks` times."""
    left = iter([False] * looks)
    return lambda: next(left, True)


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """Return everything in the newest checkpoint."""
    return load_tensors(RunFolder(path).last)[0]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Return whether two checkpoints hold the same bits."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_a_network_learns_to_tell_shapes_apart(trained: Path) -> None:
    """Faces that it never saw, recognised well above chance (one third)."""
    faces = draw_shapes(50, seed=7)
    predicted = predict_probabilities(load_run(trained).network, faces.images).argmax(1)
    assert (predicted == faces.labels).mean() > 0.8


@pytest.mark.parametrize(
    "changes",
    [
        (),
        ("train.optimizer=adamw", "train.lr=0.002"),
        ("train.schedule=plateau", "train.plateau_patience=0"),
        ("train.optimizer=muon", "train.momentum=0.6", "train.start_side=8", "augment.mirror_alternately=true"),
        ("train.schedule=cosine", "train.class_weights=inverse", "train.sampling=balanced"),
        ("train.ema_decay=0", "train.schedule=constant", "train.nesterov=false"),
    ],
)
def test_a_run_stopped_within_an_epoch_goes_on_to_the_same_bits(tmp_path: Path, changes: tuple[str, ...]) -> None:
    """Weights, averages, optimiser and history equal those of the run that was never stopped."""
    recipe = tiny_recipe(*changes)
    whole = train_in(tmp_path / "whole", recipe)
    for looks in (2, 7):
        with pytest.raises(Interrupted, match="--resume"):
            train_in(tmp_path / "stopped", recipe, stop_after(looks))
    rest = train_in(tmp_path / "stopped", recipe)
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "stopped"))
    assert load_run(tmp_path / "whole").epoch == load_run(tmp_path / "stopped").epoch
    pairs = zip(whole.history, rest.history, strict=True)
    clocks = {"seconds", "faces_per_second"}
    assert all({k: a[k] for k in a.keys() - clocks} == {k: b[k] for k in b.keys() - clocks} for a, b in pairs)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    """What reproducible means here."""
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train_in(tmp_path / name, tiny_recipe("train.epochs=1", f"train.seed={seed}"))
    assert same(weights_of(tmp_path / "a"), weights_of(tmp_path / "b"))
    assert not same(weights_of(tmp_path / "a"), weights_of(tmp_path / "c"))


def test_the_best_epoch_on_valid_is_the_one_that_is_kept(tmp_path: Path) -> None:
    """The kept weights reproduce the best valid accuracy of the history."""
    outcome = train_in(tmp_path, tiny_recipe("train.epochs=4"))
    best = max(outcome.history, key=lambda record: record["valid_accuracy"])
    run = load_run(tmp_path)
    accuracy = (predict_probabilities(run.network, VALID.images).argmax(1) == VALID.labels).mean()
    assert outcome.best_epoch == run.epoch == best["epoch"]
    assert accuracy == pytest.approx(best["valid_accuracy"])


def test_while_faces_grow_valid_is_shown_at_the_side_that_is_trained_and_chooses_nothing(tmp_path: Path) -> None:
    """A threshold that every accuracy reaches stops the run at its first epoch of full faces, and not before."""
    growing = ("train.start_side=8", "train.grow_fraction=0.5", "train.stop_at=0.0001")
    outcome = train_in(tmp_path, tiny_recipe("train.epochs=4", *growing))
    assert [8, None] == [record.get("valid_side") for record in outcome.history[1:]]
    assert (3, 3) == (len(outcome.history), outcome.best_epoch)
    early = tmp_path / "early"
    first = train_in(early, tiny_recipe("train.epochs=1", "train.start_side=8", "train.grow_fraction=1")).history[0]
    assert "valid_side" not in first  # the last epoch is measured as the run will be used
    shown = predict_probabilities(load_run(early).network, VALID.images, side=8).argmax(1)
    full = predict_probabilities(load_run(early).network, VALID.images).argmax(1)
    assert (full == VALID.labels).mean() == pytest.approx(first["valid_accuracy"])
    assert not np.array_equal(shown, full)


def test_keep_last_keeps_the_last_epoch(tmp_path: Path) -> None:
    """Whatever valid says."""
    outcome = train_in(tmp_path, tiny_recipe("train.keep=last"))
    assert outcome.best_epoch == load_run(tmp_path).epoch == 3


def test_valid_is_looked_at_as_often_as_asked_and_always_at_the_end(tmp_path: Path) -> None:
    """Every third epoch, and the last; the kept one is the best of those."""
    outcome = train_in(tmp_path, tiny_recipe("train.epochs=7", "train.valid_every=3"))
    looked = {record["epoch"]: record["valid_accuracy"] for record in outcome.history if "valid_accuracy" in record}
    assert [3, 6, 7] == list(looked)
    assert max(looked, key=lambda epoch: looked[epoch]) == outcome.best_epoch == load_run(tmp_path).epoch


def test_the_threshold_stops_training_and_says_so(tmp_path: Path) -> None:
    """An accuracy that one epoch reaches ends a run of many."""
    outcome = train_in(tmp_path, tiny_recipe("train.epochs=50", "train.stop_at=0.34"))
    assert len(outcome.history) < 50
    assert outcome.stopped is not None
    assert "threshold" in outcome.stopped


def test_patience_stops_training_and_keeps_the_best_weights(tmp_path: Path) -> None:
    """With a rate of nearly nothing, nothing improves for long."""
    recipe = tiny_recipe("train.epochs=50", "train.patience=2", "train.lr=1e-8", "train.ema_decay=0")
    outcome = train_in(tmp_path, recipe)
    assert outcome.stopped is not None
    assert "patience" in outcome.stopped
    assert load_run(tmp_path).epoch == outcome.best_epoch == len(outcome.history) - 2


def test_a_loss_that_is_not_finite_ends_in_one_message_and_the_good_checkpoint_stays(tmp_path: Path) -> None:
    """A rate that no network survives: what the disk held at the step before keeps its bytes, and its numbers."""
    good = tmp_path / "good"
    train_in(good, tiny_recipe("train.epochs=1"))
    last = RunFolder(good).last
    seen = [last.read_bytes()]
    recipe = tiny_recipe("train.lr=100", "train.optimizer=sgd", "train.weight_decay=10", "train.epochs=200")
    with pytest.raises(RunError, match=r"epoch \d+, step \d+: the loss is (nan|inf).*lower `set` train\.lr"):
        train_in(good, recipe, lambda: bool(seen.append(last.read_bytes())))
    assert seen[-1] == last.read_bytes()
    kept = weights_of(good)
    assert all(torch.isfinite(value).all() for name, value in kept.items() if name.startswith("network."))


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    """And still ends with the bits of a run that nothing happened to."""
    recipe = tiny_recipe()
    train_in(tmp_path / "whole", recipe)
    with pytest.raises(Interrupted):
        train_in(tmp_path / "hit", recipe, stop_after(15))
    folder = RunFolder(tmp_path / "hit")
    folder.last.write_bytes(folder.last.read_bytes()[:1000])
    warnings: list[str] = []
    train(recipe, FACES, VALID, folder=folder, facts=FACTS, listener=Listener(on_warning=warnings.append))
    assert len(warnings) == 1
    assert "going on from previous.safetensors" in warnings[0]
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "hit"))


def test_going_on_with_other_threads_is_said(tmp_path: Path) -> None:
    """The last bits of sums depend on them, so the run is not the one that it would have been."""
    held, recipe, warnings = torch.get_num_threads(), tiny_recipe(), list[str]()
    with pytest.raises(Interrupted):
        train_in(tmp_path, recipe, stop_after(15))
    try:
        torch.set_num_threads(held + 1)
        listener, once = Listener(on_warning=warnings.append), Options(should_stop=lambda: True)
        with pytest.raises(Interrupted):
            train(recipe, FACES, VALID, folder=RunFolder(tmp_path), facts=FACTS, listener=listener, options=once)
    finally:
        torch.set_num_threads(held)
    assert [f"the run was computed with threads {held}, now {held + 1}: it goes on, with other last bits"] == warnings


def test_history_and_curves_are_written(trained: Path) -> None:
    """One line of JSON an epoch, and pictures that are pictures."""
    lines = (trained / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
    assert (trained / "curves.svg").read_text().lstrip().startswith("<?xml")
    assert (trained / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_listener_hears_every_epoch(tmp_path: Path) -> None:
    """Its records are the lines of the history."""
    heard: list[dict[str, float]] = []
    (tmp_path / "checkpoints").mkdir()
    listener = Listener(on_epoch=heard.append)
    outcome = train(tiny_recipe(), FACES, None, folder=RunFolder(tmp_path), facts=FACTS, listener=listener)
    assert list(outcome.history) == heard
    assert "valid_loss" not in heard[0]


def test_weight_decay_leaves_biases_and_norms_alone() -> None:
    """Two groups of parameters: matrices and kernels decay, vectors do not."""
    optimizer = build_optimizer(build_model(ModelConfig(), classes=3, size=16), tiny_recipe().train)
    decaying, resting = optimizer.param_groups
    assert {True} == {value.ndim > 1 for value in decaying["params"]}
    assert {1} == {value.ndim for value in resting["params"]}
    assert resting["weight_decay"] == 0.0


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the list of those that are."""
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(ConfigError, match="`device` cuda: expected one of"):
        train(tiny_recipe(), FACES, VALID, folder=RunFolder(tmp_path), facts=FACTS, options=Options(device="cuda"))


def test_bfloat16_gives_nearly_the_loss_of_float32() -> None:
    """Mixed precision through Accelerate, on the CPU: the first loss, before rounding leads the two apart."""
    losses = []
    for precision in ("no", "bf16"):
        engine = Engine(tiny_recipe(f"train.precision={precision}"), FACES, classes=3, device="cpu")
        losses.append(float(engine.step(np.arange(64), rate=0.1, epoch=1, step=0, total=0, side=16)[0]))
    assert losses[0] != losses[1]
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.03)


def test_faces_mirrored_alternately_are_mirrored_in_every_second_epoch() -> None:
    """Half of the faces in the odd epochs, the other half in the even ones: what an epoch shows, the next mirrors."""
    still = ("augment.shift=0", "augment.rotation_degrees=0")
    recipe = tiny_recipe(*still, "augment.mirror_alternately=true")
    engine, seen = Engine(recipe, FACES, classes=3, device="cpu"), []
    engine.model.layers.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    for epoch in (1, 2, 3):
        engine.step(np.arange(16), rate=0.0, epoch=epoch, step=0, total=0, side=16)
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[0], seen[1].flip(-1))
    plain = Engine(tiny_recipe(*still, "augment.mirror=0"), FACES, classes=3, device="cpu")
    plain.model.layers.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    plain.step(np.arange(16), rate=0.0, epoch=1, step=0, total=0, side=16)
    mirrored = (seen[0] != seen[3]).flatten(1).any(1)
    assert 2 <= mirrored.sum() <= 14


def test_faces_are_shown_at_the_side_that_the_loop_asks_for() -> None:
    """Small pictures at first, full ones at the end; valid is always full."""
    sides: list[int] = []
    engine = Engine(tiny_recipe(), FACES, classes=3, device="cpu")
    engine.model.layers.register_forward_pre_hook(lambda _, inputs: sides.append(inputs[0].shape[-1]))
    for side in (8, 16):
        engine.step(np.arange(16), rate=0.01, epoch=1, step=0, total=0, side=side)
    assert sides == [8, 16]
