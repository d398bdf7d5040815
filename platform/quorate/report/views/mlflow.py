"""What a tracking server has of a home."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter

from quorate.report import console

STATES = ("sent", "there", "changed", "missing", "damaged")


def render_sync(rows: Sequence[Mapping[str, str]]) -> None:
    """Print what was sent, and how much was there already."""
    _table([row for row in rows if row["state"] != "there"])
    print(_counted(rows))


def render_status(rows: Sequence[Mapping[str, str]]) -> None:
    """Print what the server has as it is now, and what it lacks."""
    _table(rows)
    lacks = any(row["state"] in ("changed", "missing") for row in rows)
    print(_counted(rows) + (": quorate mlflow sync sends what is missing or changed" if lacks else ""))


def _counted(rows: Sequence[Mapping[str, str]]) -> str:
    counts = Counter(row["state"] for row in rows)
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state]) or "there is nothing to send yet"


def _table(rows: Sequence[Mapping[str, str]]) -> None:
    if not rows:
        return
    target = console.out()
    columns: list[console.Column] = [(name, "left", 0, itemgetter(name)) for name in ("kind", "id", "state")]
    target.print(console.listing(columns, [list(rows)], target.width))
