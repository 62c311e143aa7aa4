"""`mien recipes`: the list, the lines to paste behind `--set`, and JSON."""

from __future__ import annotations

import json
import shlex

import pytest
import typer
from typer.testing import CliRunner

from mien.cli.flags import name_flags
from mien.cli.recipes import recipes
from mien.errors import ConfigError
from mien.recipes.named import RECIPES
from mien.recipes.schema import Recipe, field_names, override, read_recipe


def run(*arguments: str) -> str:
    """Return what `mien recipes ARGUMENTS` prints; its errors come up as they are."""
    app = typer.Typer()
    app.command()(recipes)
    return CliRunner().invoke(app, arguments, catch_exceptions=False).output


def test_every_recipe_is_listed_with_network_epochs_and_purpose() -> None:
    """One line a recipe."""
    rows = [(r.name, r.model.name, str(r.train.epochs), name_flags(r.about)) for r in RECIPES.values()]
    assert rows == [tuple(line.split(maxsplit=3)) for line in run().splitlines()[1:]]


@pytest.mark.parametrize("name", RECIPES)
def test_each_printed_line_can_be_pasted_behind_set(name: str) -> None:
    """What a shell makes of all lines together, remarks left out, builds the recipe from the defaults."""
    recipe = RECIPES[name]
    assignments = shlex.split(run(name), comments=True)
    assert field_names() == [assignment.partition("=")[0] for assignment in assignments]
    assert recipe == override(Recipe(name=recipe.name, about=recipe.about), assignments)


def test_a_line_tells_meaning_and_limits() -> None:
    """Ranges, choices, truth values and none are in the remark."""
    text = run("small")
    for remark in (
        "# passes over train at most (1 to 1000)",
        "(sgd, adamw, muon)",
        "(true, false)",
        "(8 to 512, or none)",
        "# seed of everything random (0 to 2147483647)",
    ):
        assert remark in text


def test_a_change_is_shown_before_anybody_trains_with_it() -> None:
    """`--set` may be repeated and changes the lines it names."""
    lines = run("quick", "--set", "train.lr=0.25", "--set", "data.size=32").splitlines()
    assert {"train.lr=0.25", "data.size=32"} <= {line.split()[0] for line in lines if line}


def test_json_comes_back_as_the_recipe() -> None:
    """One recipe is an object that reads back equal; all of them are a list."""
    assert RECIPES["report"] == read_recipe(json.loads(run("report", "--json")))
    assert list(RECIPES.values()) == [read_recipe(values) for values in json.loads(run("--json"))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["qick"], r"did you mean quick\?"),
        (["quick", "--set", "train.lrr=1"], r"no field train\.lrr; did you mean train\.lr\?"),
        (["--set", "train.lr=1"], "of which recipe?"),
    ],
)
def test_what_cannot_be_printed_is_told(arguments: list[str], message: str) -> None:
    """Unknown recipes and fields get the nearest match; a change needs a recipe."""
    with pytest.raises(ConfigError, match=message):
        run(*arguments)
