"""Rates of interest as they are read."""

from __future__ import annotations

from typing import Any

from quorate.report.figures import figure
from quorate.report.report import Report


def excess_text(report: Report, part: str) -> str:
    """Return which cash ratios are in excess of; empty, where it earns nothing."""
    rate, rows = report.provenance["recipe"]["data"].get("cash"), report.results[part].get("carry")
    if rate is None or not rows:
        return ""
    mean = rows[0]["cash"]
    known = f"{rate:g} per year" if isinstance(rate, int | float) else rate_text(rate)
    if not isinstance(rate, int | float) and mean is not None:
        known += f", {mean:.3g} per year on average"
    return f"Sharpe ratios are of returns in excess of cash ({known})."


def rate_text(rate: Any) -> str:
    """Return a rate of a recipe in words."""
    if isinstance(rate, int | float):
        return f"{figure(rate, 'fine')} a year"
    if isinstance(rate, str):
        return f"covariate {rate}"
    told = f" per {rate['per']}" if rate.get("per") else ""
    return f"covariate {rate['covariate']}{' in per cent' if rate.get('percent') else ''}{told}"
