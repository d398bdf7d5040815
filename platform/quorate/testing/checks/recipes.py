"""Rules for recipes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quorate.errors import PluginError, QuorateError
from quorate.plugins.local import LocalSource
from quorate.plugins.provider import Plugin
from quorate.plugins.registry import Registry
from quorate.recipe.load import load_recipe
from quorate.recipe.resolve import resolve
from quorate.testing._base import Violation, call

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def check_recipe_valid(plugin: Plugin) -> str | None:
    """The file is there, and every key, plugin and option in it is known."""
    found = call(plugin)
    if not isinstance(found, str | os.PathLike):
        raise Violation(
            f"it returned {type(found).__name__} {found!r}; it must return the path of a TOML file, e.g. "
            'Path(__file__).with_name("weekly.toml")',
            found=repr(found),
        )
    path = Path(found)
    if not path.is_absolute():
        raise Violation(
            f"it gave {str(path)!r}, which is sought in whatever folder a run is started from: build it from the "
            f'plugin\'s own place, e.g. Path(__file__).with_name("{path.name}")',
            found=str(path),
        )
    if not path.is_file():
        raise Violation(f"there is no file {path}", found=str(path))
    if path.suffix != ".toml":
        raise Violation(f"{path} must be a .toml file", found=str(path))
    try:
        registry = Registry.load([plugin.provider.local.path] if plugin.provider.local else [])
        if plugin.provider.inline is not None:
            registry.add_inline(plugin.provider.inline)
        with _variables(path):
            recipe = load_recipe(path, registry)
            for file in recipe.plugins:
                registry.add_local(LocalSource.read(Path(file)))
            warnings = resolve(recipe, registry)[1]
    except PluginError as e:
        raise Violation(f"{path.name} asks for what is not there: {e}", file=str(path)) from e
    except QuorateError as e:
        raise Violation(f"{path.name} does not resolve: {e}", file=str(path)) from e
    return "; ".join(warnings) or None


@contextmanager
def _variables(path: Path) -> Iterator[None]:
    """Stand in for environment variables that are not set here: their values are the user's matter."""
    try:
        named = set(_VARIABLE.findall(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        named = set()
    unset = [name for name in named if name not in os.environ]
    os.environ.update(dict.fromkeys(unset, "x"))
    try:
        yield
    finally:
        for name in unset:
            del os.environ[name]
