"""Variables of the environment that a configuration file takes, and the ``.env`` file beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from quorate.errors import RecipeError, near_misses
from quorate.recipe.environment import VARIABLE
from quorate.store.plain import check_plain

NAME = ".env"
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""("[^"]*"|'[^']*')\s*(?:#.*)?""")


def read_beside(path: Path) -> None:
    """Set the variables of the ``.env`` file beside a file, where the environment does not have them; it wins.

    Raises
    ------
    RecipeError
        If a line is no ``NAME=VALUE``; no value is told.
    """
    file = path.parent / NAME
    check_plain(file, links=True)
    if not file.is_file():
        return
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise RecipeError(f"cannot read {file}: {type(e).__name__}") from None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = _LINE.fullmatch(text)
        if not found:
            raise RecipeError(f"{file}, line {number}: it must be NAME=VALUE, a comment (#), or empty")
        quoted = _QUOTED.fullmatch(found[2])
        os.environ.setdefault(found[1], quoted[1][1:-1] if quoted else found[2].partition(" #")[0].strip())


def check_set(value: Any, where: str) -> None:
    """Raise `RecipeError`, if a text below a value names a variable that is not set."""
    for key, text in _texts(value, where):
        for name in VARIABLE.findall(text):
            require(name, key)


def require(name: str, where: str) -> None:
    """Raise `RecipeError`, if a variable is not set."""
    if name not in os.environ:
        near = near_misses(name, os.environ)
        raise RecipeError(f"{where} needs the environment variable {name}, which is not set, here or in .env{near}")


def named(value: Any, where: str) -> str | None:
    """Return the first key below a value whose text takes a variable."""
    return next((key for key, text in _texts(value, where) if VARIABLE.search(text)), None)


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(one, f"{where}.{key}")
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, where)
