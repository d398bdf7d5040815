"""It extends a recipe of the platform."""

from __future__ import annotations

from pathlib import Path

import quorate


def path():
    return Path(__file__).with_name("recipe_extends.toml")


@quorate.hookimpl
def quorate_recipes():
    yield quorate.RecipeSpec("extends", path)
