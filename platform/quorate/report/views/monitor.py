"""What is at work, against what it was promoted for: champion, candidates and shadows side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import visible
from quorate.report import console

NARROW, WIDE = 72, 110  # columns below which some are left out, and from which all fit
STYLES = {"KEEP": "green", "DOUBT": "yellow", "WITHDRAW": "red", "TOO EARLY": "dim"}


def render(found: Sequence[Mapping[str, Any]]) -> None:
    """Print what was found of each ensemble; each is a `Monitoring` as plain data."""
    if not found:
        print("no forecast is recorded yet: quorate predict --version NAME --record")
    target = console.out()
    for one in found:
        style = STYLES[one["verdict"]]
        told = ", and retired" if one["demoted"] else ""
        target.print(f"{one['judged']}: [bold]{one['verdict']}[/bold]{told}", style=style)
        target.print(visible(_why(one["versions"][0])), markup=False)
        target.print(console.listing(_columns(target.width), [one["versions"]], target.width))
        for line in _beside(one):
            target.print(visible(line), markup=False)


def _columns(width: int) -> list[console.Column]:
    return [
        ("version", "left", 0, lambda row: f"{row['name']}@{row['version']}"),
        ("stage", "left", 0, lambda row: row["stage"]),
        ("verdict", "left", NARROW, lambda row: row["verdict"]),
        ("bars", "right", 0, lambda row: f"{row['bars']:,}"),
        ("Sharpe", "right", 0, lambda row: console.figure(row["sharpe"], ".2f")),
        ("promised", "right", 0, lambda row: console.figure(row["promised"], ".2f")),
        ("evidence", "right", 0, lambda row: _evidence(row["evidence"])),
        ("at most", "right", NARROW, lambda row: _evidence(row["highest"])),
        ("edge", "right", NARROW, lambda row: _evidence(row["edge"])),
        ("inputs", "left", WIDE, lambda row: row["inputs"].get("verdict", "-")),
        ("calibration", "left", WIDE, lambda row: row["calibration"].get("verdict", "-")),
    ]


def _why(row: Mapping[str, Any]) -> str:
    """Return in a sentence what the verdict rests on."""
    if row["evidence"] is None:
        return "no recorded forecast has been followed by a bar yet"
    if row["verdict"] == "WITHDRAW":
        return (
            f"on {row['withdrawn']} the evidence that it earns less than promised exceeded 20, and was at most "
            f"{_evidence(row['highest'])}: what keeps its promise comes there once in twenty times, however often one "
            "looks"
        )
    few = " so far; 20 bars are needed" if row["verdict"] == "TOO EARLY" else ""
    return (
        f"{console.plural(row['bars'], 'bar')}, {row['first']} to {row['last']}: evidence {_evidence(row['evidence'])} "
        f"that it earns less than promised, of 20 that withdraw it{few}"
    )


def _beside(found: Mapping[str, Any]) -> list[str]:
    first = found["versions"][0]
    told = []
    if first["false_alarms"] is not None:
        needed = "more than 500" if first["needed"] is None else f"{first['needed']:.0f}"
        told.append(
            f"of histories drawn from its backtest {first['false_alarms']:.1%} are withdrawn within 500 bars; without "
            f"the edge, half of them within {needed}"
        )
    for one in found["versions"]:
        label = f"{one['name']}@{one['version']}"
        for what in ("inputs", "calibration"):
            drift = one[what]
            if drift.get("verdict") == "DRIFT":
                names = ", ".join(f"{name} {_evidence(value)}" for name, value in drift["largest"].items())
                told.append(f"{label}: {what} drift, evidence at most {_evidence(drift['highest'])}: {names}")
            if left := drift.get("not_judged"):
                more = f" and {len(left) - 3} more" if len(left) > 3 else ""
                told.append(f"{label}: {what} that vary too slowly to judge: {', '.join(left[:3])}{more}")
        told += [f"{label}: {line}" for line in one["problems"]]
    told += [
        f"{one['other']} against {found['judged']}, {console.plural(one['bars'], 'bar')}: evidence "
        f"{_evidence(one['better'])} that it earns more, {_evidence(one['worse'])} that it earns less"
        for one in found["compared"]
    ]
    return told


def _evidence(value: float | None) -> str:
    if value is None:
        return "-"
    if 0 < value < 0.01:
        return "< 0.01"
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}" if value < 1e6 else f"1e{math.floor(math.log10(value))}"
