"""Recipes: what an experiment is made of, as typed and validated TOML."""

from quorate.recipe.load import load_recipe
from quorate.recipe.schema import Recipe

__all__ = ["Recipe", "load_recipe"]
