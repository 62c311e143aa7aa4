"""What a training takes over: weights to start from, and labels softened by teachers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import SHAPES, draw_shapes, run_mien, tiny_recipe, write_shapes
from mien.errors import ConfigError
from mien.evaluation.predict import predict_probabilities
from mien.faces import Faces
from mien.labels import EXPRESSIONS
from mien.models.network import resize
from mien.recipes.schema import Recipe
from mien.runs.run import BUNDLED, load_run, load_tensors
from mien.runs.temperatures import scale_probabilities
from mien.training.engine import Engine
from mien.training.teachers import (
    VIEWS,
    ask_teachers,
    call_teachers,
    resolve_runs,
    soften_labels,
    start_weights,
)

TINY = ("--recipe", "quick", "--set", "train.epochs=2", "--set", "train.batch_size=16", "--device", "cpu")


def test_a_training_starts_from_the_weights_of_a_run(trained: Path) -> None:
    """All of them, where the classes are the same."""
    start = start_weights(tiny_recipe(f"train.start_from={trained}"), SHAPES, 16)
    assert start is not None
    expected = load_run(trained).network.state_dict()
    assert expected.keys() == start.keys()
    assert all(torch.equal(expected[name], value) for name, value in start.items())


def test_without_a_run_to_start_from_weights_are_random() -> None:
    """Nothing is taken over unless a recipe says so."""
    assert start_weights(tiny_recipe(), SHAPES, 16) is None


def test_rows_of_the_last_layer_follow_the_classes(trained: Path) -> None:
    """Another order, or fewer classes, take the rows of their own."""
    recipe, network = tiny_recipe(f"train.start_from={trained}"), load_run(trained).network
    start = start_weights(recipe, (SHAPES[2], SHAPES[0]), 16)
    assert start is not None
    last = [name for name in network.state_dict() if name.endswith("weight")][-1]
    assert torch.equal(network.state_dict()[last][[2, 0]], start[last])


def test_a_class_that_the_run_does_not_know_leaves_the_last_layer_random(trained: Path) -> None:
    """Everything before it is taken."""
    recipe, network = tiny_recipe(f"train.start_from={trained}"), load_run(trained).network
    start = start_weights(recipe, (*SHAPES, "none"), 16)
    assert start is not None
    assert len(network.state_dict()) - 2 == len(start)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("model.name=resnet9", "data.size=32"), "expected a resnet9, found small: set model.name"),
        (("train.start_from=nowhere",), "nowhere: no such run folder"),
    ],
)
def test_a_start_that_does_not_fit_is_one_clear_line(
    trained: Path, tmp_path: Path, changes: tuple[str, ...], message: str
) -> None:
    """Before anything is written."""
    data = write_shapes(tmp_path / "data", per_class=20)
    chosen = [f"train.start_from={trained}", *changes]
    sets = [word for change in chosen for word in ("--set", change)]
    result = run_mien("train", "--data", data, *TINY, *sets, "--out", tmp_path / "run", cwd=tmp_path)
    assert (2, 1) == (result.status, result.err.count("\n"))
    assert message in result.err
    assert not (tmp_path / "run").exists()


def test_faces_of_a_side_that_the_weights_do_not_fit_are_refused(tmp_path: Path) -> None:
    """The linear layers of report-cnn are made for one side."""
    data = write_shapes(tmp_path / "data", per_class=20)
    sets = ("--set", "model.name=report-cnn", "--set", "train.epochs=1", "--size", "32")
    first = run_mien("train", "--data", data, *TINY, *sets, "--out", tmp_path / "first")
    assert 0 == first.status, first.err
    sets = ("--set", "model.name=report-cnn", "--size", "48", "--set", f"train.start_from={tmp_path / 'first'}")
    result = run_mien("train", "--data", data, *TINY, *sets, "--out", tmp_path / "second")
    assert 2 == result.status
    assert "expected faces of side 48, found 32, whose weights do not fit: set data.size" in result.err


def test_targets_are_part_label_part_the_mean_of_the_teachers(trained: Path) -> None:
    """Each teacher's probabilities are scaled by its own temperature, over the face and its mirror image."""
    faces = draw_shapes(8)
    recipe = tiny_recipe(f"train.teachers={trained},{trained}", "train.teacher_share=0.25")
    softened = soften_labels(faces, recipe, SHAPES, device="cpu").targets
    run = load_run(trained)
    seen = scale_probabilities(predict_probabilities(run.network, faces.images, views=VIEWS), run.temperature(VIEWS))
    np.testing.assert_allclose(0.75 * np.eye(3)[faces.labels] + 0.25 * seen, softened, atol=1e-6)


def test_without_teachers_labels_stay_as_they_are() -> None:
    """The very same faces."""
    faces = draw_shapes(8)
    assert faces is soften_labels(faces, tiny_recipe(), SHAPES, device="cpu")


def test_targets_that_are_there_already_are_softened_in_their_turn(trained: Path) -> None:
    """Votes take the place of labels."""
    faces = draw_shapes(8)
    votes = np.full((24, 3), 1 / 3, dtype=np.float32)
    recipe = tiny_recipe(f"train.teachers={trained}", "train.teacher_share=0")
    softened = soften_labels(replace(faces, targets=votes), recipe, SHAPES, device="cpu").targets
    np.testing.assert_allclose(votes, softened, atol=1e-7)


def test_a_teacher_of_other_classes_is_refused(trained: Path) -> None:
    """Its probabilities would mean something else."""
    with pytest.raises(ConfigError, match="expected a teacher of happy, sad, found one of bottom, middle, top"):
        soften_labels(draw_shapes(8), tiny_recipe(f"train.teachers={trained}"), ("happy", "sad"), device="cpu")


def test_teachers_who_look_at_each_picture_take_turns_with_its_mirror_image(trained: Path) -> None:
    """The mean of calibrated probabilities, in the order of the training's classes, by a network without gradients."""
    run, order = load_run(trained), [SHAPES.index(name) for name in sorted(SHAPES)]
    recipe = tiny_recipe(f"train.teachers={trained},{trained}", "train.teaching=consistent")
    teachers = call_teachers(recipe, sorted(SHAPES))
    images = draw_shapes(2).images
    pictures = torch.from_numpy(images / np.float32(255)).unsqueeze(1)

    def look(faces: np.ndarray) -> np.ndarray:
        raw = predict_probabilities(run.network, np.ascontiguousarray(faces))
        return scale_probabilities(raw, run.temperature(VIEWS))[:, order]

    seen = ask_teachers(teachers, pictures, 0)
    assert not seen.requires_grad
    np.testing.assert_allclose(seen.numpy(), (look(images) + look(images[..., ::-1])) / 2, atol=1e-5)
    for step, shown in enumerate((images, images[..., ::-1])):
        np.testing.assert_allclose(ask_teachers(teachers[:1], pictures, step).numpy(), look(shown), atol=1e-5)


def test_teachers_who_look_once_are_not_called_for_each_picture(trained: Path) -> None:
    """Nor is anybody where no teacher is named."""
    assert () == call_teachers(tiny_recipe(f"train.teachers={trained}"), SHAPES)
    assert () == call_teachers(tiny_recipe("train.teaching=consistent"), SHAPES)


def test_what_teachers_see_takes_the_place_of_labels(trained: Path) -> None:
    """With all of the share, weights after a step are those that any labels give; with half of it, they are not."""
    faces = draw_shapes(8)
    wrong = replace(faces, labels=np.roll(faces.labels, 5))
    for share, expected in ((1.0, True), (0.5, False)):
        recipe = tiny_recipe(f"train.teachers={trained}", "train.teaching=consistent", f"train.teacher_share={share}")
        weights = [_take_step(recipe, train, 16) for train in (faces, wrong)]
        assert expected is all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_teachers_see_the_full_picture_where_the_network_sees_a_small_one(trained: Path) -> None:
    """Both the same one."""
    recipe = tiny_recipe(f"train.teachers={trained}", "train.teaching=consistent")
    teachers, shown = call_teachers(recipe, SHAPES), []
    teachers[0].network.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach().clone()))
    engine = Engine(recipe, draw_shapes(8), classes=3, device="cpu", teachers=teachers)
    engine.model.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach().clone()))
    engine.step(np.arange(16), rate=0.1, epoch=1, step=0, total=0, side=8)
    large, small = shown
    assert (16, 8) == (large.shape[-1], small.shape[-1])
    torch.testing.assert_close(resize(large, 8), small)


def _take_step(recipe: Recipe, faces: Faces, side: int) -> dict[str, torch.Tensor]:
    """Return the weights after a step on the first faces."""
    engine = Engine(recipe, faces, classes=3, device="cpu", teachers=call_teachers(recipe, SHAPES))
    engine.step(np.arange(16), rate=0.1, epoch=1, step=0, total=0, side=side)
    return {name: value for name, value in engine.tensors().items() if name.startswith("network.")}


def test_the_network_that_ships_can_start_and_teach() -> None:
    """By its name, from any folder."""
    assert EXPRESSIONS == load_run(BUNDLED).expressions
    resolved = resolve_runs(tiny_recipe("train.start_from=bundled", "train.teachers=bundled,there/run")).train
    assert BUNDLED == resolved.start_from
    assert f"{BUNDLED},{Path('there/run').resolve()}" == resolved.teachers


def test_targets_of_a_start_that_came_to_nothing_are_not_taken_for_those_of_another_run(tmp_path: Path) -> None:
    """Killed before its first checkpoint, the folder serves again, and goes on by its labels."""
    data = write_shapes(tmp_path / "data", per_class=20)
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    np.save(tmp_path / "broken" / "targets.npy", np.full((60, 3), 1 / 3, dtype=np.float32))
    _train_and_go_on(data, tmp_path)


def test_a_taught_run_without_its_targets_does_not_go_on(trained: Path, tmp_path: Path) -> None:
    """It would learn something else."""
    data = write_shapes(tmp_path / "data", per_class=20)
    result = run_mien("train", "--data", data, *TINY, "--set", f"train.teachers={trained}", "--out", tmp_path / "run")
    assert 0 == result.status, result.err
    _reopen(tmp_path / "run")
    (tmp_path / "run" / "targets.npy").unlink()
    result = run_mien("train", "--resume", tmp_path / "run")
    assert (2, 1) == (result.status, result.err.count("\n"))
    assert "targets.npy: expected what teachers made of the labels, found none" in result.err


@pytest.mark.slow
def test_a_taught_run_that_was_stopped_goes_on_without_its_teachers(tmp_path: Path) -> None:
    """The targets lie in its folder, so that teachers may move; the weights are those of an unbroken run."""
    data, teacher = write_shapes(tmp_path / "data", per_class=20), tmp_path / "teacher"
    assert 0 == run_mien("train", "--data", data, *TINY, "--out", teacher).status
    taught = ("--set", f"train.teachers={teacher}", "--set", f"train.start_from={teacher}")
    _train_and_go_on(data, tmp_path, *taught, before_going_on=lambda: teacher.rename(tmp_path / "moved"))


@pytest.mark.slow
def test_a_run_whose_teachers_look_at_each_picture_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    """They are called again; where one is gone, that is one clear line."""
    data, teacher = write_shapes(tmp_path / "data", per_class=20), tmp_path / "teacher"
    assert 0 == run_mien("train", "--data", data, *TINY, "--out", teacher).status
    taught = ("--set", f"train.teachers={teacher}", "--set", "train.teaching=consistent")
    _train_and_go_on(data, tmp_path, *taught)
    assert not (tmp_path / "whole" / "targets.npy").exists()
    _reopen_last(tmp_path / "broken")
    teacher.rename(tmp_path / "moved")
    result = run_mien("train", "--resume", tmp_path / "broken")
    assert (2, 1) == (result.status, result.err.count("\n"))
    assert f"{teacher}: no such run folder" in result.err


def _reopen_last(run: Path) -> None:
    """Take back that a run has finished."""
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**facts, "outcome": None}))


def _reopen(run: Path) -> None:
    """Put a finished run of two epochs back to where it was after the first."""
    (run / "checkpoints" / "previous.safetensors").replace(run / "checkpoints" / "last.safetensors")
    _reopen_last(run)


def _train_and_go_on(
    data: Path, folder: Path, *options: str, before_going_on: Callable[[], object] = lambda: None
) -> None:
    """Train "whole" and "broken", the second with a stop after its first epoch, and expect the same weights."""
    for name in ("whole", "broken"):
        result = run_mien("train", "--data", data, *TINY, *options, "--out", folder / name)
        assert 0 == result.status, result.err
    _reopen(folder / "broken")
    before_going_on()
    result = run_mien("train", "--resume", folder / "broken")
    assert 0 == result.status, result.err
    last = "checkpoints/last.safetensors"
    first, second = (load_tensors(folder / name / last)[0] for name in ("whole", "broken"))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
