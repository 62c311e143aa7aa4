"""Whether the values of a section of a recipe can be: each field states its own range or choices."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mien.errors import ConfigError
from mien.hints import ask, find_nearest
from mien.recipes.field_names import list_values


def check_section(section: Any) -> None:
    """Raise ConfigError where a field of a frozen section is outside its range or choices."""
    section_name = type(section).__name__.removesuffix("Config").lower()
    hints = get_type_hints(type(section))
    for entry in fields(section):
        value, key = getattr(section, entry.name), f"{section_name}.{entry.name}"
        if get_origin(hints[entry.name]) is Literal and value not in get_args(hints[entry.name]):
            expected = ", ".join(get_args(hints[entry.name]))
            hint = ask(find_nearest(str(value), list_values(get_args(hints[entry.name]))), before="; ")
            raise ConfigError(f"{key}: expected one of {expected}, found {value!r}{hint}")
        if "range" in entry.metadata:
            _check_number(key, value, hints[entry.name], entry.metadata["range"])
        elif get_origin(hints[entry.name]) is not Literal and not isinstance(value, hints[entry.name]):
            expected = getattr(hints[entry.name], "__name__", hints[entry.name])
            raise ConfigError(f"{key}: expected {expected}, found {value!r}")


def _check_number(key: str, value: Any, hint: Any, limits: tuple[float, float]) -> None:
    options = get_args(hint) or (hint,)
    if value is None and type(None) in options:
        return
    whole = float not in options
    low, high = limits
    is_number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        word = "a whole number" if whole else "a number"
        raise ConfigError(f"{key}: expected {word} from {low:g} to {high:g}, found {value!r}")
