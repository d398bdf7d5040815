"""The errors a user can meet; all are `QuorateError`, so one handler prints them without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class QuorateError(Exception):
    """Something a user can put right: the message says what, where, and how."""


class RecipeError(QuorateError):
    """A recipe (or an option on the command line) is not valid."""


class PluginError(QuorateError):
    """A plugin is unknown, broken, conflicting, or broke its contract."""


class DataError(QuorateError):
    """Bars that cannot be used as they are."""


class FitError(QuorateError):
    """A model failed while it was fitted or while it predicted."""


class StoreError(QuorateError):
    """The home could not be read or written."""


class IntegrityError(QuorateError):
    """A check on the platform's own arithmetic or on stored files failed."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run; the message says how to go on with it."""


class DataWarning(UserWarning):
    """Something about the bars that a source wants the user to know; it goes into the report."""


def near_misses(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x' or 'y'?"`` for the known names closest to `name`, or ``""``."""
    close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.55)
    if not close:
        return ""
    return "; did you mean " + " or ".join(f"'{c}'" for c in close) + "?"


def plural(n: int, word: str) -> str:
    """Return ``1 worker``, ``2 workers``."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def one_of(known: Iterable[str]) -> str:
    """Return the known names as a readable list for an error message."""
    return ", ".join(sorted(known)) or "(none)"
