"""An option comes from the environment, which is not set here."""

from __future__ import annotations

from pathlib import Path

import quorate


def path():
    return Path(__file__).with_name("recipe_environment.toml")


@quorate.hookimpl
def quorate_recipes():
    yield quorate.RecipeSpec("environment", path)
