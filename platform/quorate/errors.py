"""The errors a user can meet; all are `QuorateError`, so one handler prints them without a traceback."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

# Control characters, halves of characters, and what changes the direction of writing.
_STEERS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


class QuorateError(Exception):
    """Something a user can put right: the message says what, where, and how."""


class RecipeError(QuorateError):
    """A recipe (or an option on the command line) is not valid."""


class PluginError(QuorateError):
    """A plugin is unknown, broken, conflicting, or broke its contract."""


class DataError(QuorateError):
    """Bars that cannot be used as they are.

    Parameters
    ----------
    message : str
        What is wrong with the first of them.
    rows : sequence of int
        Which bars are wrong, by their position in what was looked at; none, where it is not single bars that are.
    rule : str
        What each of them must be.
    was : sequence of str
        What the first of them were instead.
    """

    TOLD = 5  # wrong bars of a kind that are told one by one

    def __init__(self, message: str, rows: Sequence[int] = (), rule: str = "", was: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.rows, self.rule, self.was = rows, rule, was


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


def reason_of(error: BaseException) -> str:
    """Return class and text of an error, whatever its own code does when it is asked for its text."""
    name = type(error).__name__
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:  # of a plugin
        text = "it has no text that can be read"
    return f"{name}: {text}" if text else name


def visible(text: object) -> str:
    r"""Return a text for a terminal: what would steer it, or turn letters around, is written as ``\x1b``.

    Names and messages come from files, plugins and other machines.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(c if c in "\n\t" or not _STEERS.match(c) else c.encode("unicode_escape").decode() for c in shown)


def near_misses(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x' or 'y'?"`` for the known names closest to `name`, or ``""``."""
    every = sorted(known)
    alike = [other for other in every if other.casefold() == name.casefold()]
    close = alike or difflib.get_close_matches(name, every, n=3, cutoff=0.55)
    if not close:
        return ""
    return "; did you mean " + " or ".join(f"'{c}'" for c in close) + "?"


def plural(n: int, word: str) -> str:
    """Return ``1 worker``, ``2 workers``."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def one_of(known: Iterable[str]) -> str:
    """Return the known names as a readable list for an error message."""
    return ", ".join(sorted(known)) or "(none)"
