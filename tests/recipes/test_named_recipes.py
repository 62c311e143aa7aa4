"""The named recipes: frozen, complete, and found by name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from mien.errors import ConfigError
from mien.recipes.named import RECIPES, find_recipe


@pytest.mark.parametrize("name", ["report", "quick", "small", "fast", "half-hour", "best", "fine-tune"])
def test_a_recipe_is_found_by_its_name(name: str) -> None:
    """The value found bears the name asked for, and says what it is about."""
    assert name == find_recipe(name).name
    assert find_recipe(name).about


def test_an_unknown_recipe_suggests_the_nearest() -> None:
    """A slip of the finger is answered with all names and the one that was meant."""
    with pytest.raises(ConfigError, match=r"`recipe` qick: expected one of .*quick.*; did you mean quick\?"):
        find_recipe("qick")


def test_a_name_that_is_near_nothing_gets_no_guess() -> None:
    """Where nothing is near, the names are listed and nothing is guessed."""
    with pytest.raises(ConfigError, match="`recipe` zzz: expected one of") as error:
        find_recipe("zzz")
    assert "did you mean" not in str(error.value)


def test_a_recipe_cannot_be_changed() -> None:
    """Nobody changes a recipe under the feet of somebody else."""
    with pytest.raises(FrozenInstanceError):
        RECIPES["quick"].train.lr = 1.0  # type: ignore[misc]


def test_the_report_recipe_is_the_one_of_the_report() -> None:
    """SGD, batch 128, at most 300 epochs, 12 % random validation, five augmentations, stop at 0.66 on valid."""
    report = find_recipe("report")
    train = (report.train.optimizer, report.train.batch_size, report.train.epochs, report.train.stop_at)
    assert ("sgd", 128, 300, 0.66) == train
    assert ("report-cnn", 64, 0.12, False) == (
        report.model.name,
        report.data.size,
        report.data.valid_fraction,
        report.data.stratify,
    )
    five = ("mirror", "rotation_degrees", "blur_probability", "noise", "perspective")
    assert all(getattr(report.augment, step) > 0 for step in five)


@pytest.mark.parametrize("name", ["fast", "half-hour", "best"])
def test_recipes_of_a_few_epochs_keep_their_last_weights(name: str) -> None:
    """The rate has fallen to nothing by then: no epoch is chosen, and valid is left to say what it says."""
    train = find_recipe(name).train
    assert ("last", "one-cycle", "muon") == (train.keep, train.schedule, train.optimizer)
    assert train.start_side is not None
    assert train.start_side < 48
