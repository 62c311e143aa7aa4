"""`mien recipes`: the recipes, or every field of one, each line ready to be pasted behind `--set`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mien.recipes.schema import Recipe


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

    if name is None and assignments:
        raise ConfigError(f"--set {assignments[0]}: of which recipe? Name one of them: `mien recipes small`")
    if name is None and as_json:
        typer.echo(json.dumps([recipe.to_dict() for recipe in RECIPES.values()], indent=2))
    elif name is None:
        _list()
    else:
        recipe = override(find_recipe(name), assignments or [])
        typer.echo(json.dumps(recipe.to_dict(), indent=2) if as_json else _render(recipe))


def _list() -> None:
    from mien.recipes.named import RECIPES

    typer.echo(f"{'recipe':<8} {'network':<11} {'epochs':>6}  about")
    for recipe in RECIPES.values():
        typer.echo(f"{recipe.name:<8} {recipe.model.name:<11} {recipe.train.epochs:>6}  {recipe.about}")


def _render(recipe: Recipe) -> str:
    """Return `section.field=value  # about` lines: behind `--set` a shell takes the rest of the line as a comment."""
    from mien.recipes.schema import SECTIONS

    lines = [f"# {recipe.name}: {recipe.about}"]
    for name, section in SECTIONS.items():
        lines += ["", *(_render_field(name, entry, getattr(recipe, name)) for entry in _describe(section))]
    return "\n".join(lines)


def _render_field(section: str, described: tuple[str, str], values: Any) -> str:
    name, about = described
    return f"{f'{section}.{name}={_render_value(getattr(values, name))}':<36}  # {about}"


def _render_value(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _describe(section: type[Any]) -> list[tuple[str, str]]:
    """Return each field's name, and what it means and may be."""
    from dataclasses import fields
    from typing import get_type_hints

    hints = get_type_hints(section)
    return [
        (entry.name, f"{entry.metadata['about']} {_render_limits(entry, hints[entry.name])}".rstrip())
        for entry in fields(section)
    ]


def _render_limits(entry: Any, hint: Any) -> str:
    """Return the range or the choices of a field in brackets, or nothing where anything goes.

    >>> from typing import Literal
    >>> _render_limits(None, Literal["sgd", "adamw"])
    '(sgd, adamw)'
    """
    from typing import Literal, get_args, get_origin

    if get_origin(hint) is Literal:
        return f"({', '.join(get_args(hint))})"
    if hint is bool:
        return "(true, false)"
    if "range" not in entry.metadata:
        return ""
    low, high = (f"{limit:g}" if isinstance(limit, float) else str(limit) for limit in entry.metadata["range"])
    return f"({low} to {high}{', or none' if type(None) in get_args(hint) else ''})"
