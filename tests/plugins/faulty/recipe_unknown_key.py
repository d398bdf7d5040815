"""Caught by: recipe valid

It misspells a key.
"""

from __future__ import annotations

from pathlib import Path

import quorate


def path():
    return Path(__file__).with_name("recipe_unknown_key.toml")


@quorate.hookimpl
def quorate_recipes():
    yield quorate.RecipeSpec("unknown-key", path)
