"""How a quantity reads: the same wherever it is shown."""

from __future__ import annotations

import math

FORMS = {
    "ratio": ".2f",
    "ratio3": ".3f",
    "fraction": ".1%",
    "fine": ".2%",
    "count": ",.0f",
    "currency": ",.0f",
    "nats": ".4f",
    "loss": ".4g",
    "bars": ",.1f",
}
OTHER = ".2f"  # of a unit that only a plugin knows


def figure(value: float | None, unit: str) -> str:
    """Return a value as it is read; ``-`` where it is not known.

    Parameters
    ----------
    unit : str
        A key of `FORMS`, or ``p-value``; a plugin's gate may have another.
    """
    if value is None or not math.isfinite(value):
        return "-"
    if unit == "p-value":
        return "<0.001" if 0 <= value < 0.0005 else f"{value:.3f}"
    return format(value, FORMS.get(unit, OTHER))


def signed(value: float | None, unit: str) -> str:
    """Return a difference as it is read, with its sign."""
    text = figure(value, unit)
    return text if text.startswith("-") else f"+{text}"


def duration(seconds: float) -> str:
    """Return a time as people read it at a glance: ``42 s``, ``3 min 05 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def span(seconds: float) -> str:
    """Return a time as a table has it, in one unit: ``8.1 ms``, ``42.0 s``, ``4.2 min``."""
    if seconds >= 100:
        return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:,.1f} h"
    if seconds >= 0.1 or seconds == 0:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.1f} ms"
