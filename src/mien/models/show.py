"""All networks as a table: sides, layers, parameters, cost."""

from __future__ import annotations

from mien.models import MODELS, build_model
from mien.models.summary import summarise
from mien.recipes.named import RECIPES
from mien.recipes.schema import ModelConfig

USUAL_SIZE = 48
"""Side of FER2013's faces in pixels."""


def list_networks(size: int | None, classes: int) -> str:
    """Return a line for each network, for faces of `size`, or of the side that its recipe asks for."""
    lines = [f"{'network':<12} {'faces':>7} {'layers':>7} {'parameters':>12} {'multiply-adds per face':>23}"]
    for name in MODELS:
        side = size or usual_size(name)
        summary = summarise(build_model(ModelConfig(name=name), classes=classes, size=side))
        numbers = f"{len(summary.layers):>7} {summary.parameters:>12,} {summary.multiply_adds:>23,}"
        lines.append(f"{name:<12} {f'{side}×{side}':>7} {numbers}")
    return "\n".join((*lines, "timm:NAME    any network of timm, where it is installed:  pip install 'mien[zoo]'"))


def usual_size(name: str) -> int:
    """Return the side that a recipe with this network asks for, or that of FER2013."""
    sizes = (recipe.data.size for recipe in RECIPES.values() if recipe.model.name == name)
    return next((size for size in sizes if size), USUAL_SIZE)
