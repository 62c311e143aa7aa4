"""A recipe for a reader. In: `Origin`. Out: its tricks, its settings, and the command that trains it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mien.recipes.named import RECIPES
from mien.reports.data import Origin
from mien.reports.numbers import write_setting

TRICKS: dict[str, tuple[str, ...]] = {
    "augmentation": ("augment.*",),
    "stopping": ("train.keep", "train.metric", "train.patience", "train.stop_at"),
    "dropout": ("model.dropout_conv", "model.dropout_dense"),
    "decay": ("train.weight_decay",),
    "smoothing": ("train.label_smoothing",),
    "average": ("train.ema_decay",),
    "schedule": ("train.schedule", "train.lr"),
    "imbalance": ("train.class_weights", "train.sampling"),
}
"""Trick -> the fields that switch it on; a star stands for all of a section."""

NEUTRAL = ("0", "none", "uniform", "last", "constant", "false")
"""Values that switch nothing on."""

DETAILS = ("augment.blur_sigma", "augment.erase_area", "train.lr", "train.metric")
"""Fields that say how, not whether."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One field of a recipe: `value` as `--set` takes it; `is_changed` from the recipe of that name."""

    name: str
    value: str
    is_changed: bool


def list_settings(recipe: dict[str, Any]) -> tuple[Setting, ...]:
    """Return every field of `recipe`, nested as `Recipe.to_dict` gives it."""
    known = RECIPES.get(recipe["name"])
    usual = _flatten({} if known is None else known.to_dict())
    return tuple(
        Setting(name=name, value=value, is_changed=name in usual and usual[name] != value)
        for name, value in _flatten(recipe).items()
    )


def list_tricks(recipe: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return trick -> its settings as "field value"; empty where it is off.

    >>> list_tricks({"name": "x", "train": {"lr": 0.1, "schedule": "constant", "ema_decay": 0.99}})["average"]
    ('ema decay 0.99',)
    """
    values = _flatten(recipe)
    return {trick: tuple(_switched_on(values, patterns)) for trick, patterns in TRICKS.items()}


def write_command(origin: Origin) -> str:
    """Return the command that trains the recipe of `origin` again; "" for one that has no name, as of an ensemble."""
    if origin.recipe["name"] not in RECIPES:
        return ""
    changed = [
        f"--set {setting.name}={setting.value}" for setting in list_settings(origin.recipe) if setting.is_changed
    ]
    source = "synthetic" if origin.data == "synthetic" else origin.data
    name = origin.recipe["name"]
    return " ".join((f"mien train --data {source} --recipe {name} --out runs/{name}-again", *changed))


def _switched_on(values: dict[str, str], patterns: tuple[str, ...]) -> list[str]:
    sections = tuple(pattern.removesuffix("*") for pattern in patterns if pattern.endswith("*"))
    named = [name for name in patterns if name in values]
    named += [name for name in values if sections and name.startswith(sections)]
    on = [name for name in named if values[name] not in NEUTRAL and name not in DETAILS]
    details = [name for name in named if name in DETAILS and on and _belongs(name, on)]
    return [
        f"{name.partition('.')[2].replace('_', ' ')} {values[name]}" for name in named if name in on or name in details
    ]


def _belongs(detail: str, on: list[str]) -> bool:
    """Say whether the field that `detail` describes is on: blur_sigma says how strong, blur_probability whether."""
    stem = detail.partition(".")[2].partition("_")[0]
    return not detail.startswith("augment.") or any(f".{stem}" in name for name in on)


def _flatten(recipe: dict[str, Any]) -> dict[str, str]:
    return {
        f"{section}.{name}": write_setting(value)
        for section, fields in recipe.items()
        if isinstance(fields, dict)
        for name, value in fields.items()
    }
