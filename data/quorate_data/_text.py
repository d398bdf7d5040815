"""Small helpers for error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

POINTS = r"[-+]?[1-9]\d{0,2}(?:\.\d{3})+"  # a number whose points may stand between thousands


def near(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known names closest to `name`, whatever their case, or ``""``."""
    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), sorted(by_lower), n=3, cutoff=0.6)
    return "; did you mean " + " or ".join(f"'{by_lower[c]}'" for c in close) + "?" if close else ""


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return the names as one line, cut after `most` of them."""
    every = list(names)
    rest = f", ... ({len(every)} in all)" if len(every) > most else ""
    return (", ".join(repr(n) for n in every[:most]) or "(none)") + rest
