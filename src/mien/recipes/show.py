"""Recipes as text: a table of all, or every field of one, each line ready to be pasted behind `mien train --set`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mien.recipes.named import RECIPES
from mien.recipes.schema import SECTIONS, Recipe


def list_all() -> str:
    """Return a line for each recipe."""
    lines = [f"{'recipe':<8} {'network':<11} {'epochs':>6}  about"]
    for recipe in RECIPES.values():
        lines.append(f"{recipe.name:<8} {recipe.model.name:<11} {recipe.train.epochs:>6}  {recipe.about}")
    return "\n".join(lines)


def render_recipe(recipe: Recipe) -> str:
    """Return `section.field=value  # about` lines: behind `--set` a shell takes the rest of the line as a comment."""
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
    if get_origin(hint) is Literal:
        return f"({', '.join(get_args(hint))})"
    if hint is bool:
        return "(true, false)"
    if "range" not in entry.metadata:
        return ""
    low, high = (f"{limit:g}" if isinstance(limit, float) else str(limit) for limit in entry.metadata["range"])
    return f"({low} to {high}{', or none' if type(None) in get_args(hint) else ''})"
