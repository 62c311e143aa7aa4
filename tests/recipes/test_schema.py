"""Recipes as values: what `--set` accepts and refuses, and the way to a run folder and back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import ConfigError
from mien.recipes.named import RECIPES
from mien.recipes.schema import SECTIONS, Recipe, TrainConfig, field_names, override, read_recipe

PLAIN = Recipe(name="plain", about="the defaults")


def draw_field(hint: Any, limits: tuple[float, float] | None) -> st.SearchStrategy[Any]:
    """Return a strategy for the values that a field may hold."""
    options = get_args(hint) or (hint,)
    if get_origin(hint) is Literal:
        return st.sampled_from(options)
    if hint is bool:
        return st.booleans()
    if limits is None:
        words = st.text("abcXYZ019 ./é顔", min_size=1, max_size=20).map(str.strip).filter(bool)
        return words | st.none() if type(None) in options else words
    low, high = limits
    numbers = st.integers(int(low), int(high)) if int in options else st.floats(low, high)
    return numbers | st.none() if type(None) in options else numbers


def draw_section(section: type[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for sections whose every field is drawn from all that it may hold."""
    hints = get_type_hints(section)
    return st.builds(
        section, **{entry.name: draw_field(hints[entry.name], entry.metadata.get("range")) for entry in fields(section)}
    )


RECIPE_VALUES = st.builds(
    Recipe,
    name=st.text(max_size=20),
    about=st.text(max_size=40),
    **{name: draw_section(section) for name, section in SECTIONS.items()},
)


@settings(max_examples=40)
@given(RECIPE_VALUES)
def test_every_recipe_comes_back_equal_from_json(recipe: Recipe) -> None:
    """Whatever a recipe holds, it is the same after a stay in a run folder."""
    assert recipe == read_recipe(json.loads(json.dumps(recipe.to_dict())))


@settings(max_examples=40)
@given(RECIPE_VALUES)
def test_every_recipe_can_be_reached_by_set_alone(recipe: Recipe) -> None:
    """Every value of every field can be written after `--set` (names and paths without blanks at their ends)."""
    recipe = replace(recipe, name="plain", about="the defaults")
    assignments = [f"{key}={getattr(getattr(recipe, key.split('.')[0]), key.split('.')[1])}" for key in field_names()]
    assert recipe == override(PLAIN, assignments)


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("train.lr=0.1", 0.1),
        (" train.epochs = 7 ", 7),
        ("train.nesterov=False", False),
        ("train.nesterov=yes", True),
        ("data.size=none", None),
        ("train.schedule=cosine", "cosine"),
        ("model.name=timm:resnet18", "timm:resnet18"),
    ],
)
def test_set_reads_a_value_as_its_field_needs_it(assignment: str, expected: object) -> None:
    """Numbers, truth values, none and choices, with blanks around them or not."""
    section, name = assignment.partition("=")[0].strip().split(".")
    changed = override(RECIPES["report"], [assignment])
    found = getattr(getattr(changed, section), name)
    assert (type(expected), expected) == (type(found), found)


def test_set_changes_nothing_else() -> None:
    """The other fields, the name and the recipe that it started from stay as they were."""
    changed = override(PLAIN, ["train.lr=0.2"])
    assert replace(PLAIN, train=TrainConfig(lr=0.2)) == changed
    assert PLAIN.train.lr != changed.train.lr


def test_of_two_settings_of_a_field_the_later_counts() -> None:
    """So a script can append its own choice."""
    assert 0.3 == override(PLAIN, ["train.lr=0.2", "train.lr=0.3"]).train.lr


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("lr=0.1", r"`set` lr=0\.1: expected section\.field=value, for example train\.lr=0\.05"),
        ("train.lr", r"`set` train\.lr: expected section\.field=value"),
        ("train.lrr=0.1", r"no field train\.lrr; did you mean train\.lr\?"),
        ("trian.lr=0.1", r"no section 'trian'; did you mean train\.lr\?"),
        ("train.dropout_dense=0.1", r"no field train\.dropout_dense; did you mean model\.dropout_dense\?"),
        ("zzz.qqq=1", r"no section 'zzz'; `mien recipes small` lists them all"),
        ("train.lr=fast", r"train\.lr: expected a number, found 'fast'"),
        ("train.lr=nan", r"train\.lr: expected a number from 1e-08 to 100, found nan"),
        ("train.lr=inf", r"train\.lr: expected a number from 1e-08 to 100, found inf"),
        ("train.lr=none", r"train\.lr: expected a number, found 'none'"),
        ("train.epochs=2.5", r"train\.epochs: expected a whole number, found '2\.5'"),
        ("train.epochs=1001", r"train\.epochs: expected a whole number from 1 to 1000, found 1001"),
        ("train.nesterov=maybe", r"train\.nesterov: expected true or false, found 'maybe'"),
        ("train.schedule=cosin", r"train\.schedule: expected one of .*, found 'cosin'; did you mean cosine\?"),
        ("data.size=7", r"data\.size: expected a whole number from 8 to 512, found 7"),
    ],
)
def test_set_refuses_what_cannot_be_with_what_to_write_instead(assignment: str, message: str) -> None:
    """One sentence with the field, the expected and the found, or the nearest name."""
    with pytest.raises(ConfigError, match=message):
        override(PLAIN, [assignment])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"about": ""}, "'name' is missing"),
        ({"name": "a", "about": "", "train": {"lrr": 1}}, r"no field train\.lrr; did you mean train\.lr\?"),
        ({"name": "a", "about": "", "train": {"lr": "fast"}}, r"train\.lr: expected a number"),
        ({"name": "a", "about": "", "train": {"optimizer": "sdg"}}, r"did you mean sgd\?"),
    ],
)
def test_a_recipe_file_with_a_mistake_names_it(values: dict[str, Any], message: str) -> None:
    """A run folder that somebody edited tells which field is wrong."""
    with pytest.raises(ConfigError, match=message):
        read_recipe(values)


def test_every_field_says_what_it_means() -> None:
    """`mien recipes NAME` has a remark for every line."""
    assert all(entry.metadata["about"] for section in SECTIONS.values() for entry in fields(section))
