"""`mien recipes`: the recipes, or every field of one, each line ready to be pasted behind `--set`."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli.flags import name_flags


def recipes(
    name: Annotated[str | None, typer.Argument(help="The recipe; none lists them.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Change a field; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """List the recipes, or print every field of one with what it means and may be."""
    import json

    from mien.errors import ConfigError
    from mien.recipes.named import RECIPES, find_recipe
    from mien.recipes.schema import override
    from mien.recipes.show import list_all, render_recipe

    if name is None and assignments:
        raise ConfigError(f"--set {assignments[0]}: of which recipe? Name one of them: `mien recipes small`")
    if name is None and as_json:
        typer.echo(json.dumps([recipe.to_dict() for recipe in RECIPES.values()], indent=2))
    elif name is None:
        typer.echo(name_flags(list_all()))
    else:
        recipe = override(find_recipe(name), assignments or [])
        typer.echo(json.dumps(recipe.to_dict(), indent=2) if as_json else name_flags(render_recipe(recipe)))
