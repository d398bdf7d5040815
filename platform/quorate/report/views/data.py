"""Bars as they were read, and what is to be asked about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report import console
from quorate.report.covariates import covariate_text, reference_text
from quorate.report.views.store import noted_text

SESSIONS = 20  # the latest, those that are missing or extra before half days
SHOWN, MOST = 20, 50  # symbols, and bars, that are told one by one


def render(checked: Mapping[str, Any]) -> None:
    """Print how bars were read, and a line per doubt."""
    if "damaged" in checked:
        for line in checked["damaged"]:
            console.out().print(f"damaged: {line}", markup=False)
        return
    if "symbols" in checked:
        _read(checked)
    _by_symbol(checked["quality"])
    for line in checked["doubts"]:
        console.out().print(f"? {line}", markup=False)
    if "quarantine" in checked:
        _apart(checked["quarantine"])
    elif checked["quality"]["set_apart"]:
        print("--quarantine shows the bars that are set apart")
    if noted := checked.get("noted"):
        print("noted:")
        for one in noted[-SHOWN:]:
            console.out().print(f"  {noted_text(one)}", markup=False)
        if len(noted) > SHOWN:
            print(f"  and {len(noted) - SHOWN:,} before these: quorate data show tells more")
    if proposed := checked.get("proposed"):
        print("if those are splits:")
        for one in proposed:
            print(f"  {one['command']}")
    if not checked["doubts"]:
        print("nothing to ask")


def _read(checked: Mapping[str, Any]) -> None:
    """Print how bars were read."""
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
                *((one["table"], reference_text(one)) for one in checked.get("references", ())),
            ]
        )
    )
    _sessions(checked["sessions"])


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
    ranked = sorted(told, key=lambda one: (one["kind"] != "half day", one["session"]))[-SESSIONS:]
    shown = sorted(ranked, key=lambda one: str(one["session"]))
    rows = [(one["session"], one["kind"], f"{one['symbols']:,} of {one['of']:,}", one["note"]) for one in shown]
    columns = [("session", "left"), ("kind", "left"), ("symbols", "right"), ("", "left")]
    console.out().print(console.table(columns, [rows]))
    if len(told) > len(shown):
        print(f"{len(told) - len(shown):,} more; --json tells all")


def _by_symbol(quality: Mapping[str, Any]) -> None:
    """Print a line for each symbol of which something was found: how many bars by each rule, the worst first."""
    rows = quality["symbols"]
    if not rows:
        return
    lines = [
        (
            row["symbol"] or "(all)",
            ", ".join(f"{rule} {number:,}" for rule, number in row["rules"].items()),
            str(row["first"])[:10],
        )
        for row in rows[:SHOWN]
    ]
    console.out().print(console.table([("symbol", "name"), ("found, bars", "left"), ("first", "right")], [lines]))
    if len(rows) > SHOWN:
        print(f"and {len(rows) - SHOWN:,} more symbols: --json shows them")


def _apart(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the bars that are set apart."""
    if not rows:
        print("no bar is set apart: --set checks.RULE=quarantine sets those of a rule apart")
        return
    for row in rows[:MOST]:
        whose = "" if row["reason"].startswith(f"{row['symbol']} ") else f"{row['symbol']} on {row['session']}: "
        console.out().print(f"- {row['rule']}: {whose}{row['reason']}", markup=False)
    if len(rows) > MOST:
        print(f"and {len(rows) - MOST:,} more: --json shows them")
