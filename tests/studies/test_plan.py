"""What a study trains, from the words of the command line."""

from __future__ import annotations

import json

import pytest

from mien.errors import ConfigError
from mien.recipes.named import SMALL
from mien.recipes.schema import override
from mien.studies.plan import Plan, plan_study, read_plan


def plan_small(*vary: str, **options: object) -> Plan:
    """Return the plan of a study of `small`."""
    return plan_study("small", vary, **{"data": "faces.csv", "seeds": 2, **options})


def names(plan: Plan) -> list[str]:
    """Return the names of the variants."""
    return [variant.name for variant in plan.variants]


def test_one_change_at_a_time_is_the_default() -> None:
    """The base first; a value that the base has already is the base."""
    plan = plan_small("augmentation", "train.lr=0.05,0.1,0.2", "class-weights", "sampling")
    values = ["train.lr=0.05", "train.lr=0.2", "class-weights=inverse", "class-weights=effective-number"]
    assert ["base", "augmentation=off", *values, "sampling=balanced"] == names(plan)


def test_the_grid_holds_every_combination() -> None:
    """Two factors with one other level each make four variants, and the ensembles of all four."""
    plan = plan_small("augmentation", "sampling", "ensemble", grid=True)
    trained = ["base", "sampling=balanced", "augmentation=off", "augmentation=off + sampling=balanced"]
    assert trained == [variant.name for variant in plan.trained]
    assert [*trained, "ensemble", *(f"{name} + ensemble" for name in trained[1:])] == names(plan)
    assert [None] * 4 + trained == [variant.members for variant in plan.variants]


def test_without_augmentation_nothing_moves_not_even_a_mirror() -> None:
    """Every step of the augmentation is at zero; nothing else of the recipe changes."""
    plan = plan_small("augmentation")
    off = plan.recipe_of(plan.variants[1])
    steps = ("mirror", "rotation_degrees", "shift", "scale", "perspective", "contrast", "blur_probability", "noise")
    assert [0.0] * len(steps) == [getattr(off.augment, name) for name in steps]
    assert (SMALL.train, SMALL.model, SMALL.data) == (off.train, off.model, off.data)


def test_early_stopping_is_switched_off_where_it_is_on_and_on_where_it_is_off() -> None:
    """Off: the last epoch is kept, and nothing stops before it."""
    plan = plan_small("early-stopping", changes=["train.patience=3"])
    off = plan.recipe_of(plan.variants[1]).train
    assert ("early-stopping=off", "last", None, None) == (names(plan)[1], off.keep, off.patience, off.stop_at)
    assert ["base", "early-stopping=on"] == names(plan_small("early-stopping", changes=["train.keep=last"]))


def test_changes_hold_for_all_variants() -> None:
    """The base is the recipe with its --set."""
    plan = plan_small("sampling", changes=["train.epochs=5"])
    assert [5, 5] == [plan.recipe_of(variant).train.epochs for variant in plan.variants]
    assert override(SMALL, ["train.epochs=5"]) == plan.recipe_of(plan.variants[0])


def test_two_ways_to_the_same_recipe_are_one_variant() -> None:
    """Nothing is trained twice."""
    assert ["base", "sampling=balanced"] == names(plan_small("sampling", "train.sampling=balanced"))


def test_a_plan_survives_its_file() -> None:
    """Through JSON and back."""
    plan = plan_small("augmentation", "ensemble", changes=["train.epochs=5"])
    assert plan == read_plan(json.loads(json.dumps(plan.to_dict())))


@pytest.mark.parametrize(
    ("vary", "options", "message"),
    [
        ((), {}, "an empty study: say what varies"),
        (("augmentatio",), {}, "`vary` augmentatio: expected augmentation, .* did you mean augmentation?"),
        (("train.lr",), {}, "did you mean train.lr=V1,V2?"),
        (("train.rl=0.1",), {}, "no field train.rl; did you mean train.lr?"),
        (("train.lr=0.1,",), {}, "expected values separated by commas, found an empty one"),
        (("train.lr=fast",), {}, "train.lr: expected a number, found 'fast'"),
        (("train.lr=-1",), {}, "train.lr: expected a number from"),
        (("train.lr=0.1",), {}, "`vary` train.lr=0.1: nothing differs from recipe small"),
        (("sampling", "sampling"), {}, "`vary` sampling: given twice"),
        (
            ("augmentation",),
            {"changes": [f"augment.{name}=0" for name in ("mirror", "shift", "scale", "contrast", "rotation_degrees")]},
            "add some",
        ),
        (("ensemble",), {"seeds": 1}, "`vary` ensemble: the mean over seeds takes at least `seeds` 2, found 1"),
        (("train.seed=1,2",), {}, "the study sets the seeds itself"),
        (("sampling",), {"changes": ["train.seed=4"]}, "the study sets the seeds itself"),
        (("data.valid_fraction=0.1,0.2",), {}, "changes the valid faces that all variants are measured on"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_line(vary: tuple[str, ...], options: dict, message: str) -> None:
    """Before anything is read or trained."""
    with pytest.raises(ConfigError, match=message):
        plan_small(*vary, **options)
