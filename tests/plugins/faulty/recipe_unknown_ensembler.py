"""Caught by: recipe valid

It asks for an ensembler that nobody provides.
"""

from __future__ import annotations

from pathlib import Path

import quorate


def path():
    return Path(__file__).with_name("recipe_unknown_ensembler.toml")


@quorate.hookimpl
def quorate_recipes():
    yield quorate.RecipeSpec("unknown-ensembler", path)
