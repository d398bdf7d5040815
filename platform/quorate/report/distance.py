"""How far a gate that was not passed is from passing, in what one would have to change."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import Any

from quorate.errors import plural
from quorate.report.figures import figure

Gate = Mapping[str, Any]
LONGEST = 1_000_000  # bars: beyond it no record is long enough
POOR = 0.5  # a p-value from which on more of the same proves the contrary
NEVER = "more bars like these would not do"


def distance(gate: Gate, bars: int) -> str:
    """Return what a gate lacks; empty, where it passed, and where nothing can be said.

    What it would take is reckoned with all else as it was: as good a Sharpe ratio, as many trades per bar, the same
    moments. So it is a measure of how far away a pass is, and no promise.

    Parameters
    ----------
    gate : mapping
        As a report has it.
    bars : int
        Bars of the part that was judged.
    """
    if gate["verdict"] == "PASS" or gate["value"] is None:
        return ""
    reckon = _BY_GATE.get(gate["gate"])
    try:
        return reckon(gate, bars) if reckon else _by_figure(gate)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):  # an earlier version told less
        return _by_figure(gate)


def _by_figure(gate: Gate) -> str:
    """Return by how much the figure misses its bound."""
    gap = abs(gate["value"] - gate["threshold"])
    if gap == 0:
        return "it is at the bound, which does not suffice"
    more = "more" if gate["condition"].startswith(">") else "less"
    if gate["unit"] == "fraction":
        return f"{gap * 100:.1f} percentage points {more}"
    return "" if gate["unit"] == "p-value" else f"{figure(gap, gate['unit'])} {more}"


def _bars(missing: float) -> str:
    return f"about {plural(max(math.ceil(missing), 1), 'more bar')} like these" if missing < LONGEST else NEVER


def _selection(gate: Gate, bars: int) -> str:
    """Return how many bars more at this Sharpe ratio, or how many trials fewer."""
    from quorate import statistics

    told, size = gate["inputs"], gate["threshold"]
    found = statistics.SharpeTest(told["per_bar"], 0.0, told["deviation"], told["freedom"], told["n"])
    needed = found.bars(1 - statistics.p_alone(size, told["effective"]))
    if not needed < LONGEST:
        return NEVER
    tried = range(math.ceil(told["effective"]) - 1, 0, -1)
    fewer = next((k for k in tried if statistics.best_of(told["p_alone"], k) < size), None)
    asked = f", or {fewer:,} independent trials in place of {told['effective']:.3g}" if fewer else ""
    return _bars(needed - told["n"]) + asked


def _p_value(gate: Gate, bars: int) -> str:
    """Return how many bars more: a one-sided test's quantile grows with the root of their number."""
    if gate["value"] >= POOR:
        return NEVER
    asked, found = (NormalDist().inv_cdf(gate[name]) for name in ("threshold", "value"))
    return _bars(bars * ((asked / found) ** 2 - 1))


def _win_rate(gate: Gate, bars: int) -> str:
    wins, closed = gate["inputs"]["wins"], gate["inputs"]["closed"]
    more = math.floor((gate["threshold"] * closed - wins) / (1 - gate["threshold"])) + 1
    return f"{plural(more, 'more winner')} and no loser" if closed else ""


def _cost_stress(gate: Gate, bars: int) -> str:
    """Return by how much costs would have to fall: the mean falls by the same with each further multiple of them."""
    told = gate["inputs"]
    once, twice = (one["mean"] for one in told["returns"][:2])
    factor, each = told["factor"], (once - twice) / (told["factor"] - 1)
    needed = twice * gate["threshold"] / gate["value"]  # the deviation hardly changes
    share = 1 - (1 + (once - needed) / each) / factor
    if share >= 1:
        return "not even without any costs would it pass"
    return f"costs would have to be {share:.0%} lower"


def _drawdown(gate: Gate, bars: int) -> str:
    share = 1 - gate["threshold"] / gate["value"]
    return f"with positions {share:.0%} smaller it would have been {figure(gate['threshold'], 'fraction')}"


def _sharpe(gate: Gate, bars: int) -> str:
    return f"a Sharpe ratio higher by {figure(gate['threshold'] - gate['value'], 'ratio')}"


_BY_GATE: dict[str, Callable[[Gate, int], str]] = {
    "psr": lambda gate, bars: "",  # it says so itself
    "selection": _selection,
    "alpha": _p_value,
    "spa": _p_value,
    "stepm": _p_value,
    "forecast": _p_value,
    "coverage": lambda gate, bars: "",
    "win-rate": _win_rate,
    "cost-stress": _cost_stress,
    "max-drawdown": _drawdown,
    "sharpe": _sharpe,
    "integrity": lambda gate, bars: "nothing makes up for it: find the cause",
    "null-market": lambda gate, bars: "nothing makes up for it: find the leak",
    "mcs": lambda gate, bars: "",
    "pbo": lambda gate, bars: "",
}
