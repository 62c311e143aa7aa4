"""What the names after `vary` mean. In: "augmentation" or "train.lr=0.05,0.1", and the base recipe. Out: its levels."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import get_args

from mien.errors import ConfigError
from mien.hints import ask, suggest
from mien.recipes.schema import AugmentConfig, ClassWeights, Recipe, Sampling, find_fields, override

AUGMENTATION, EARLY_STOPPING, ENSEMBLE = "augmentation", "early-stopping", "ensemble"
NO_AUGMENTATION = AugmentConfig(mirror=0.0)
LAST_EPOCH = ("train.keep=last", "train.patience=none", "train.stop_at=none")
BEST_EPOCH = ("train.keep=best",)
CHOICES: dict[str, tuple[str, tuple[str, ...]]] = {
    "class-weights": ("train.class_weights", get_args(ClassWeights)),
    "sampling": ("train.sampling", get_args(Sampling)),
}
"""What is varied -> field and all its values."""

NAMES = (AUGMENTATION, EARLY_STOPPING, ENSEMBLE, *CHOICES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One value of what varies: its name, and the assignments that make it of the base."""

    name: str
    changes: tuple[str, ...]


def list_levels(text: str, base: Recipe) -> list[Level]:
    """Return the levels that `text` names, without the one that the base has.

    Raises:
        ConfigError: no such name or field, an impossible value, or nothing that differs from the base.

    >>> from mien.recipes.named import SMALL
    >>> [level.name for level in list_levels("train.epochs=36,72", SMALL)]
    ['train.epochs=72']
    """
    try:
        levels = [level for level in _name_levels(text, base) if override(base, level.changes) != base]
    except ConfigError as error:
        raise ConfigError(str(error).replace("`set`", "`vary`", 1)) from None
    if not levels:
        advice = " (add some with `set` augment.…)" if text == AUGMENTATION else ""
        raise ConfigError(f"`vary` {text}: nothing differs from recipe {base.name} with its `set`{advice}")
    return levels


def _name_levels(text: str, base: Recipe) -> list[Level]:
    key, equals, values = text.partition("=")
    if equals:
        return _list_values(key.strip(), key.strip(), tuple(value.strip() for value in values.split(",")))
    if text in CHOICES:
        return _list_values(text, *CHOICES[text])
    if text == AUGMENTATION:
        changed = (field.name for field in fields(AugmentConfig))
        off = (name for name in changed if getattr(NO_AUGMENTATION, name) != getattr(base.augment, name))
        return [_level(text, "off", *(f"augment.{name}={getattr(NO_AUGMENTATION, name)}" for name in off))]
    if text == EARLY_STOPPING:
        stops = override(base, LAST_EPOCH) != base
        return [_level(text, "off", *LAST_EPOCH) if stops else _level(text, "on", *BEST_EPOCH)]
    raise ConfigError(f"`vary` {text}: expected {', '.join(NAMES)} or section.field=V1,V2{_suggest(text)}")


def _list_values(name: str, key: str, values: tuple[str, ...]) -> list[Level]:
    if not all(values):
        raise ConfigError(f"`vary` {name}={','.join(values)}: expected values separated by commas, found an empty one")
    return [_level(name, value, f"{key}={value}") for value in values]


def _level(name: str, value: str, *changes: str) -> Level:
    return Level(name=f"{name}={value}", changes=changes)


def _suggest(text: str) -> str:
    return suggest(text, NAMES) or ask([f"{name}=V1,V2" for name in find_fields(text)], before="; ")
