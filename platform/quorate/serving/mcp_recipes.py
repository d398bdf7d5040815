"""Recipes that an assistant may name: those that are built in, and those in the folder that it was started in."""

from __future__ import annotations

import os
from pathlib import Path

from quorate.errors import RecipeError, near_misses
from quorate.plugins.registry import Registry
from quorate.recipe.text import parse
from quorate.store.trust import ID

MOST = 500  # files that are listed
LONGEST = 20  # recipes of which each extends the next


class Recipes:
    """What may be named as a recipe.

    Parameters
    ----------
    folder : Path
        Where files of it, and plugin files that they name, must be.
    plugins : bool
        Whether they may name plugin files: to read such a recipe runs them.
    """

    def __init__(self, folder: Path, plugins: bool) -> None:
        self.folder = folder.resolve()
        self._plugins = plugins

    def built_in(self) -> list[str]:
        """Return the names that are built in."""
        return sorted(Registry.load().names("recipe"))

    def here(self) -> list[str]:
        """Return the files of the folder, but for those in hidden folders and in homes, and links out of it."""
        found: list[str] = []
        for place, folders, files in os.walk(self.folder):
            if ID in files:  # a home: what its runs were made of
                folders.clear()
                continue
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            paths = [Path(place, name) for name in sorted(files) if name.endswith(".toml")]
            found += [str(p.relative_to(self.folder)) for p in paths if p.resolve().is_relative_to(self.folder)]
            if len(found) >= MOST:
                break
        return found[:MOST]

    def get(self, given: str) -> str:
        """Return a recipe as the platform takes it.

        Raises
        ------
        RecipeError
            If it is none that is built in and no file of the folder, or it extends or names a file elsewhere.
        """
        names = self.built_in()
        if not given.endswith(".toml"):
            if given not in names:
                raise RecipeError(
                    f"there is no built-in recipe {given!r}{near_misses(given, names)}; a file must end in .toml and "
                    f"be in {self.folder}"
                )
            return given
        path = self._within(self.folder / given)
        if not path.is_file():
            raise RecipeError(f"there is no recipe {given!r} in {self.folder}{near_misses(given, self.here())}")
        self._check(path, names)
        return str(path)

    def _check(self, path: Path, names: list[str]) -> None:
        """Raise `RecipeError`, if a file, or one that it extends, is or names what is elsewhere."""
        for _ in range(LONGEST):
            try:
                table = parse(path.read_text(encoding="utf-8"), f"recipe {path}")
            except (OSError, UnicodeDecodeError) as e:
                raise RecipeError(f"cannot read recipe {path}: {e}") from e
            plugins = table.get("plugins")
            if isinstance(plugins, list) and plugins:
                if not self._plugins:
                    raise RecipeError(
                        f"recipe {path} names plugin files, and to read it would run them: start the server with "
                        "--allow run"
                    )
                for plugin in plugins:
                    self._within(path.parent / str(plugin))
            base = table.get("extends")
            if not isinstance(base, str):
                return
            beside = path.parent / base
            if not beside.is_file() and base in names:
                return
            path = self._within(beside if beside.is_file() else Path.cwd() / base)
            if not path.is_file():
                return  # to read it says so
        raise RecipeError(f"recipe {path} extends a recipe that extends another, more than {LONGEST} times")

    def _within(self, path: Path) -> Path:
        found = path.resolve()
        if not found.is_relative_to(self.folder):
            raise RecipeError(f"recipes and what they name are read from {self.folder} only; {path} is elsewhere")
        return found
