"""A home as a whole: what of it went, or could, and what of its layout was changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import plural, visible
from quorate.report import console
from quorate.report.views.cache import size_text

WHY = {
    "temporary": "of writes that were killed",
    "damaged": "damaged fits, set aside",
    "ended checkpoint": "of trainings that are finished",
    "unnamed bars": "no run names them",
    "fetched": "fetched again",
    "array": "computed again",
    "fit": "computed again",
    "model": "fitted again",
    "checkpoint": "trained anew",
}


def render_pruned(found: Mapping[str, Any]) -> None:
    """Print what went, or would go, and what is left that could."""
    word = "would go" if found["dry_run"] else "gone"
    rows = [
        [kind, WHY[kind], *_figures(found["removed"].get(kind)), *_figures(found["left"].get(kind))]
        for kind in WHY
        if kind in found["removed"] or kind in found["left"]
    ]
    columns = [("", "left"), ("", "left"), (word, "right"), ("size", "right"), ("could go", "right"), ("size", "right")]
    if rows:
        console.out().print(console.table(columns, [rows]))
    for note in found["notes"]:
        print(visible(f"note: {note}"))
    after = size_text(found["bytes"] - found["freed"])
    print(visible(f"{found['home']}: {size_text(found['bytes'])}, {after} {'then' if found['dry_run'] else 'now'}"))
    if not found["holds"]:
        print(f"the budget of {size_text(found['budget'])} cannot hold: versions, runs and the ledger need all else")
    elif found["dry_run"] and found["freed"]:
        print("nothing was changed: without --dry-run it goes")


def _figures(one: Mapping[str, int] | None) -> list[str]:
    return [f"{one['items']:,}", size_text(one["bytes"])] if one else ["-", "-"]


def render_upgrade(found: Mapping[str, Any]) -> None:
    """Print what of a home's layout was changed, or would be."""
    for step in found["steps"]:
        print(visible(f"{step['name']}: {step['told']}"))
    word = f"{plural(len(found['steps']), 'step')} {'done' if found['done'] else 'to be done'}"
    if not found["steps"]:
        word = "nothing is to be changed: all was looked at"
    print(visible(f"{found['home']}: {word}; layout {found['before'] or 'not noted'}, today's is {found['layout']}"))
