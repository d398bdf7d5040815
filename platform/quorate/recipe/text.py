"""TOML as it comes: read, or refused in a line, whatever it is."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from quorate.errors import RecipeError

DEEPEST = 32  # tables and arrays within each other


def parse(text: str, what: str) -> dict[str, Any]:
    """Return the table that a text holds.

    Raises
    ------
    RecipeError
        If it is no TOML, is nested too deeply, or has a number that is too long.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise RecipeError(f"{what} is not valid TOML: {e}") from e
    except RecursionError:
        raise RecipeError(_too_deep(what)) from None
    except ValueError as e:
        raise RecipeError(f"{what} has a number that is too long: {str(e).partition(';')[0]}") from None


def check_shape(table: Any, what: str) -> None:
    """Raise `RecipeError`, if a table is nested too deeply, or holds what is no text, such as half a character."""
    left = [(table, 0)]
    while left:
        value, depth = left.pop()
        if depth > DEEPEST:
            raise RecipeError(_too_deep(what))
        if isinstance(value, Mapping):
            left += [(one, depth + 1) for pair in value.items() for one in pair]
        elif isinstance(value, list | tuple):
            left += [(one, depth + 1) for one in value]
        elif isinstance(value, str) and not is_text(value):
            raise RecipeError(f"{what}: {value[:60]!r} holds bytes that are no text in UTF-8")


def is_text(value: str) -> bool:
    """Return whether all of a text are whole characters: a name of a file may have others."""
    return value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)


def _too_deep(what: str) -> str:
    return f"{what}: its tables and arrays must not be nested more than {DEEPEST} deep"
