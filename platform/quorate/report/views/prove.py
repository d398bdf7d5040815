"""What a recipe could prove on bars like its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from quorate.report import console

NARROW = 70


def render(proof: Mapping[str, Any], target: console.Console | None = None) -> None:
    """Print false promotions, the smallest edge that is certified, the levels, and what would help."""
    target = target or console.out()
    data, trials, levels = proof["data"], proof["trials"], proof["levels"]
    nothing, drawn_from = levels[0]["all"], data["bars"] - data["holdout"]
    look = f", look {trials['look']} at the holdout" if trials["look"] else ""
    rows = [
        ("recipe", proof["recipe"]),
        ("surrogates", f"{proof['draws']} per edge, of {drawn_from:,} bars in blocks of {data['block']:g}, no drift"),
        ("tried before", f"{trials['effective']:.3g} independent of {console.plural(trials['n'], 'trial')}{look}"),
        *_chance(proof),
        ("false alarms", f"{nothing['passed']} of {nothing['n']} promoted with nothing to find, {_range(nothing)}"),
        ("smallest edge", smallest_text(proof)),
        *([("in the way", binding_text(proof["binding"]))] if proof["binding"] else ()),
    ]
    target.print(console.facts(rows))
    target.print(_levels(levels, target.width))
    target.print("[bold]What would help[/bold]: the smallest edge then")
    target.print(console.facts([(one["name"], remedy_text(one, proof["smallest"])) for one in proof["remedies"]]))
    if proof["left_out"]:
        names = ", ".join(proof["left_out"])
        target.print(f"[bright_black]not asked, for want of fits or an audit: {names}[/bright_black]")
    target.print("[bright_black]an edge is a Sharpe ratio a year after costs; nothing was fitted, the holdout stays "
                 "closed[/bright_black]")  # fmt: skip


def _chance(proof: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what chance shows without any gate: how long the smallest edge hides in it, and what the luckiest has."""
    from quorate import statistics

    data, edge, told = proof["data"], proof["smallest"]["edge"], []
    years = (date.fromisoformat(data["last"]) - date.fromisoformat(data["first"])).days / 365.25
    per_year, before = data["bars"] / years, years * (1 - data["holdout"] / data["bars"])
    if edge:
        bars = math.ceil(statistics.min_track_record(edge / math.sqrt(per_year)))
        told.append(("by itself", f"{edge:.2f} is told from 0 within {bars:,} bars, were returns independent"))
    n = round(proof["trials"]["effective"]) + 1
    if n > 1:
        best = statistics.expected_max_exact(n) / math.sqrt(before)
        text = f"the best of {n:,} trials without skill shows {best:.2f} on the bars before the holdout"
        least = f", and {edge:.2f} within {statistics.min_backtest_length(n, edge):.1f} years" if edge else ""
        told.append(("chance alone", f"{text}{least}"))
    return told


def smallest_text(proof: Mapping[str, Any]) -> str:
    """Return the smallest edge that is certified, in words."""
    found = proof["smallest"]
    if found["edge"] is None:
        best = max(proof["levels"], key=lambda one: one["all"]["share"])
        if not best["all"]["passed"]:
            most = max((one["edge"] for one in proof["levels"] if one["edge"] is not None), default=0.0)
            return f"none: not even a Sharpe ratio of {most:.2f} was ever promoted"
        share, edge = best["all"]["share"], console.figure(best["edge"], ".2f")
        return f"none passes all gates four times in five: at most {share:.0%} do, at a Sharpe ratio of {edge}"
    return f"a Sharpe ratio of {found['edge']:.2f} passes all gates four times in five ({_between(found)})"


def binding_text(binding: Mapping[str, Any]) -> str:
    """Return which gate stops most, in words."""
    return f"{binding['gate']}: missed by {binding['missed']} of {binding['n']} at {binding['edge']:.2f}"


def remedy_text(remedy: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what a remedy is worth, in words."""
    found = remedy["smallest"]
    if remedy.get("set"):
        lines = ", ".join(f'{key} = "{value}"' for key, value in remedy["set"].items())
        return f"{remedy_text({'smallest': found}, now)}: {lines}"
    if found["edge"] is None:
        return "more than was tried, as now" if now["edge"] is None else f"no smaller than {now['edge']:.2f}"
    if now["edge"] is None:
        return f"{found['edge']:.2f} ({_between(found)}), where none was enough"
    change = found["edge"] - now["edge"]
    return f"{found['edge']:.2f} ({change:+.2f}; {_between(found)})"


def _between(found: Mapping[str, Any]) -> str:
    low, high = ("?" if found[name] is None else f"{found[name]:.2f}" for name in ("low", "high"))
    return f"{low} to {high}" if found["high"] is not None else f"at least {low}"


def _range(share: Mapping[str, Any]) -> str:
    return f"{share['low']:.0%} to {share['high']:.0%}"


def _levels(levels: Any, width: int) -> Any:
    columns: list[console.Column] = [
        ("edge", "right", 0, lambda one: console.figure(one["edge"], ".2f")),
        ("walk-forward", "right", NARROW, lambda one: f"{one['walk_forward']['share']:.0%}"),
        ("all gates", "right", 0, lambda one: f"{one['all']['share']:.0%}"),
        ("95 %", "left", 0, lambda one: _range(one["all"])),
        ("most often missed", "left", NARROW, lambda one: ", ".join([*one["missed"]][:3]) or "-"),
    ]
    return console.listing(columns, [levels], width)
