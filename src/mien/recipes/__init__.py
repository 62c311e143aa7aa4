"""Recipes: every choice of a training as a frozen value; `schema` has the fields, `named` the recipes with a name."""
