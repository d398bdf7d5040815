"""What was read beside the bars, in a line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import plural
from quorate.report.figures import figure

PERIODS = {"1d": "day", "1w": "week", "1mo": "month"}


def covariate_text(told: Mapping[str, Any]) -> str:
    """Return how many records a covariate has, when they were known, and how much of the bars they are known on."""
    whose = plural(told["symbols"], "symbol") if told["symbols"] else "all symbols"
    span = f", {told['first'][:10]}..{told['last'][:10]}" if told["records"] else ""
    late = f"known {_later(told['delay']['median'])}, at most {_later(told['delay']['max'])}"
    old = f", of {_days(told['age']['median'])} before, at most {_days(told['age']['max'])}"
    if period := told.get("resample"):
        how = ", ".join(f"{what} of {name}" for name, what in (told.get("aggregate") or {}).items())
        old = f"{old}; read by the {PERIODS.get(period, period)}{f': {how}' if how else ''}"
    return (
        f"{plural(told['records'], 'record')} of {whose} from {told['source']}{span}, {told['sha256'][:8]}; {late}; "
        f"known on {figure(told['known'], 'fraction')} of bars{old}"
    )


def reference_text(told: Mapping[str, Any]) -> str:
    """Return what was read of a series that returns are held against."""
    what = "prices" if told["prices"] else f"returns of {', '.join(told['values'])}"
    less = f", less {told['rate']}" if told["rate"] else ""
    source = told["source"] or "the bars"
    span = f"{told['first']}..{told['last']}" if told["records"] else "none of these days"
    own = f"{told['name']}: " if told["table"] == "benchmark" else ""
    return f"{own}{what}{less}, {plural(told['records'], 'record')} from {source}, {span}, {told['sha256'][:8]}"


def _later(days: float | None) -> str:
    """Return how long after what it is of something was known, or before."""
    return f"{_days(-days)} before" if days is not None and days < 0 else f"{_days(days)} later"


def _days(days: float | None) -> str:
    """Return a span of time in the unit that it is told in."""
    if days is None:
        return "-"
    if abs(days) >= 1 or not days:
        return f"{days:.3g} days"
    return f"{days * 24:.3g} h" if abs(days) * 24 >= 1 else f"{days * 1440:.3g} min"
