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
