"""Caught by: recipe valid

The path holds only where the run is started in the right folder.
"""

from __future__ import annotations

from pathlib import Path

import quorate


def path():
    return Path("pyproject.toml")


@quorate.hookimpl
def quorate_recipes():
    yield quorate.RecipeSpec("relative-path", path)
