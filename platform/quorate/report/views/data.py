"""Bars as they were read, and what is to be asked about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report import console
from quorate.report.covariates import covariate_text

SHOWN = 20  # sessions, those of the latest that are missing or extra before half days


def render(checked: Mapping[str, Any]) -> None:
    """Print how bars were read, and a line per doubt."""
    if "damaged" in checked:
        for line in checked["damaged"]:
            console.out().print(f"damaged: {line}", markup=False)
        return
    symbols = checked["symbols"]
    names = ", ".join(symbols[:6]) + (", ..." if len(symbols) > 6 else "")
    console.out().print(
        console.facts(
            [
                ("symbols", f"{len(symbols):,}: {names}" if len(symbols) > 1 else names),
                ("bars", f"{checked['bars']:,} x {checked['frequency']}, {checked['first']} to {checked['last']}"),
                ("a year", f"{checked['bars_per_year']:g} bars, calendar {checked['calendar']}"),
                ("volume", "yes" if checked["volume"] else "none"),
                *_ended(checked.get("ended", ())),
                *((f"covariate {one['name']}", covariate_text(one)) for one in checked.get("covariates", ())),
            ]
        )
    )
    _sessions(checked["sessions"])
    for line in checked["doubts"]:
        console.out().print(f"? {line}", markup=False)
    if proposed := checked.get("proposed"):
        print("if those are splits:")
        for one in proposed:
            print(f"  {one['command']}")
    if not checked["doubts"]:
        print("nothing to ask")


def _ended(symbols: Sequence[str]) -> list[tuple[str, str]]:
    if not symbols:
        return []
    names = ", ".join(symbols[:6]) + (", ..." if len(symbols) > 6 else "")
    return [("ended", f"{len(symbols):,} before the bars do: {names}")]


def _sessions(told: Sequence[Mapping[str, Any]]) -> None:
    """Print which sessions are otherwise than the calendar says."""
    if not told:
        return
    counts = Counter(one["kind"] for one in told)
    print(
        "sessions: "
        + ", ".join(f"{counts[kind]:,} {kind}" for kind in ("missing", "extra", "half day") if counts[kind])
    )
    ranked = sorted(told, key=lambda one: (one["kind"] != "half day", one["session"]))[-SHOWN:]
    shown = sorted(ranked, key=lambda one: str(one["session"]))
    rows = [(one["session"], one["kind"], f"{one['symbols']:,} of {one['of']:,}", one["note"]) for one in shown]
    columns = [("session", "left"), ("kind", "left"), ("symbols", "right"), ("", "left")]
    console.out().print(console.table(columns, [rows]))
    if len(told) > len(shown):
        print(f"{len(told) - len(shown):,} more; --json tells all")
