"""How busy servers of a home were, as they note themselves: what the doctor advises by."""

from __future__ import annotations

import json

from quorate.store import Home
from quorate.store.files import write_json

NOTE = "serving.json"


def most_served(home: Home) -> float | None:
    """Return how many answers a server gave in one second at most; None, where that is not known."""
    try:
        return float(json.loads((home.path / NOTE).read_text(encoding="utf-8"))["most_in_a_second"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note_served(home: Home, most: int) -> None:
    """Note how many answers a server gave in one second at most, if no other gave more.

    Raises
    ------
    StoreError
        If that cannot be written.
    """
    if most > (most_served(home) or 0):
        write_json(home.path / NOTE, {"most_in_a_second": most})
