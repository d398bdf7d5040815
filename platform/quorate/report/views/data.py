"""Bars as they were read, and what is to be asked about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.report import console
from quorate.report.covariates import covariate_text


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
                *((f"covariate {one['name']}", covariate_text(one)) for one in checked.get("covariates", ())),
            ]
        )
    )
    for line in checked["doubts"]:
        console.out().print(f"? {line}", markup=False)
    if proposed := checked.get("proposed"):
        print("if those are splits:")
        for one in proposed:
            print(f"  {one['command']}")
    if not checked["doubts"]:
        print("nothing to ask")
