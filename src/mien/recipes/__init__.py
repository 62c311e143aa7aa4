"""Recipes: every choice of a training as a frozen value; `schema` has the fields, `named` the recipes with a name."""

from mien.recipes.named import list_recipes, recipe
from mien.recipes.schema import Recipe

__all__ = ["Recipe", "list_recipes", "recipe"]
