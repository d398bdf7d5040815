"""What a tracking server has of a home."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter

from quorate.errors import plural
from quorate.report import console

STATES = ("sent", "there", "changed", "missing")


def render_sync(rows: Sequence[Mapping[str, str]]) -> None:
    """Print what was sent, and how much was there already."""
    sent = [row for row in rows if row["state"] == "sent"]
    _table(sent)
    there = f"{plural(len(rows) - len(sent), 'other')} there already" if len(rows) > len(sent) else ""
    print(f"{len(sent)} sent" + (f", {there}" if there else "") if rows else "there is nothing to send yet")


def render_status(rows: Sequence[Mapping[str, str]]) -> None:
    """Print what the server has as it is now, and what it lacks."""
    _table(rows)
    counts = Counter(row["state"] for row in rows)
    told = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    more = "" if set(counts) <= {"there"} else ": quorate mlflow sync sends what is missing or changed"
    print(f"{told}{more}" if rows else "there is nothing to send yet")


def _table(rows: Sequence[Mapping[str, str]]) -> None:
    if not rows:
        return
    target = console.out()
    columns: list[console.Column] = [(name, "left", 0, itemgetter(name)) for name in ("kind", "id", "state")]
    target.print(console.listing(columns, [list(rows)], target.width))
