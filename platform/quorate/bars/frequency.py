"""How often there are bars, in words: ``5min``, ``60min``, ``1d``, ``1w``, ``1mo``."""

from __future__ import annotations

import re

from quorate.errors import DataError, near_misses

DAY = 1440.0  # minutes
LONG = {"1d": DAY, "1w": 7 * DAY, "1mo": 30 * DAY}
KNOWN = ("1min", "5min", "15min", "30min", "60min", "1h", "4h", *LONG)
_WITHIN = re.compile(r"([1-9]\d{0,3}) ?(m|min|minutes?|t|h|hours?)")
_SAID = {
    "1d": ("d", "day", "daily", "1day", "b", "session"),
    "1w": ("w", "week", "weekly", "1week", "7d"),
    "1mo": ("mo", "month", "monthly", "1month", "me", "ms"),
    "60min": ("h", "hour", "hourly"),
    "1min": ("min", "minute", "minutes"),
}


def read_frequency(text: str) -> str:
    """Return a frequency as bars name it: ``4h`` is ``240min``.

    Raises
    ------
    DataError
        Naming what was probably meant.
    """
    plain = text.strip().lower()
    if plain in LONG:
        return plain
    if found := _WITHIN.fullmatch(plain):
        minutes = int(found[1]) * (60 if found[2].startswith("h") else 1)
        if minutes < DAY:
            return f"{minutes}min"
    guess = next((name for name, said in _SAID.items() if plain in said), None)
    near = f"; did you mean {guess!r}?" if guess else near_misses(plain, KNOWN)
    raise DataError(
        f"a frequency must be minutes or hours below a day, such as 5min or 4h, or 1d, 1w or 1mo; it was {text!r}{near}"
    )


def minutes_of(frequency: str) -> float:
    """Return how many minutes a bar of this frequency takes, by the calendar: of a month 30 days."""
    return LONG[frequency] if frequency in LONG else float(frequency.removesuffix("min"))


def check_coarser(frequency: str, bars: str) -> None:
    """Refuse to make bars of a frequency of ones that are longer, or of which it is no whole number.

    Raises
    ------
    DataError
        Naming both.
    """
    wanted, given = minutes_of(frequency), minutes_of(bars)
    if wanted < given:
        raise DataError(
            f"bars of {bars} cannot be made into bars of {frequency}, which are shorter: "
            f"name {bars} or a longer frequency, or read shorter bars"
        )
    whole = abs(wanted / given - round(wanted / given)) < 1e-9 or frequency in ("1d", "1w")
    if not whole or (frequency == "1mo" and bars == "1w"):
        raise DataError(
            f"bars of {bars} cannot be made into bars of {frequency}, which are no whole number of them: "
            "name a multiple, or read shorter bars"
        )
