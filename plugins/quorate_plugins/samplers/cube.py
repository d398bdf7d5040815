"""Search spaces as a cube: each parameter as a share from 0 to 1, equally likely values as equal shares."""

from __future__ import annotations

import math
from typing import Any

import quorate


def value_at(one: quorate.Float | quorate.Int | quorate.Choice, share: float) -> Any:
    """Return the value of a parameter at a share."""
    if not isinstance(one, quorate.Int):
        return one.at(share)  # of equal shares already
    low, high = _ends(one)
    place = low + share * (high - low)
    return min(max(round(math.exp(place) if one.log else place), one.low), one.high)


def share_of(one: quorate.Float | quorate.Int, value: float) -> float:
    """Return the share at which a number lies."""
    low, high = _ends(one)
    return ((math.log(value) if one.log else value) - low) / (high - low)


def _ends(one: quorate.Float | quorate.Int) -> tuple[float, float]:
    """Return where a parameter begins and ends, in the logarithm where it has one; a whole number is a unit wide."""
    half = 0.5 if isinstance(one, quorate.Int) else 0.0
    low, high = one.low - half, one.high + half
    return (math.log(low), math.log(high)) if one.log else (low, high)
