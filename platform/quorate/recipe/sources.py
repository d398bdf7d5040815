"""Options of sources: checked with what the environment fills in, and kept as they were written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import RecipeError
from quorate.plugins.options import UnknownOption, resolve_options
from quorate.plugins.specs import SourceSpec
from quorate.recipe.environment import holds_secrets, names_in, retold, substitute


def source_options(source: SourceSpec, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return all options of a source but those that are None; what comes from the environment names it still.

    Parameters
    ----------
    where : str
        The recipe's key, e.g. ``data``.

    Raises
    ------
    RecipeError
        As `quorate.plugins.options.resolve_options`; nothing secret is told.
    """
    filled, failed = substitute(given, where), None
    try:
        options = resolve_options(source, filled, where)
    except UnknownOption as e:
        e.value = given.get(e.key)  # as it was typed
        raise
    except RecipeError as e:
        if not holds_secrets(given):
            raise
        failed = retold(e, f"reading the options of {source}", given)
    if failed is not None:
        raise failed  # here, where it has no context
    # What came from the environment stays a reference to it.
    options.update({k: v for k, v in given.items() if names_in(v)})
    return {k: v for k, v in options.items() if v is not None}
