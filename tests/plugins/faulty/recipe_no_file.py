"""Caught by: recipe valid

The file is not where it says.
"""

from __future__ import annotations

from pathlib import Path

import quorate


def path():
    return Path(__file__).with_name("recipe_no_file.toml")


@quorate.hookimpl
def quorate_recipes():
    yield quorate.RecipeSpec("no-file", path)
