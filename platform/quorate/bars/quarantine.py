"""Bars set apart, each with the rule that found it, by what was known when it closed; the panel is what remains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from quorate.bars.calendar import Calendar
from quorate.bars.doubts import columns
from quorate.bars.odd import ODD, History, Panel
from quorate.bars.panel import FIELDS, Bars
from quorate.bars.rules import RULES, Finding
from quorate.errors import DataError, plural

COLUMNS = ("symbol", "time", "session", *FIELDS, "rule", "reason")


def set_apart(bars: Bars, limits: Mapping[str, float]) -> tuple[Bars, pd.DataFrame]:
    """Return bars without those that rules find, and these, a row each.

    Parameters
    ----------
    bars : Bars
        The panel.
    limits : mapping
        The rules whose bars are set apart, with where from on they find something.

    Raises
    ------
    DataError
        If no bar is left.
    """
    panel, frame = Panel(bars, known=True), bars.to_frame()
    rules = np.full(bars.close.shape, "", dtype=object)
    reasons = np.full(bars.close.shape, "", dtype=object)
    for symbol, column, rows in columns(bars):
        one = History(panel, symbol, column, rows)
        for rule in (name for name in RULES if name in limits):  # of several, the most serious counts
            odd = ODD[rule](one, limits[rule])
            for at in np.flatnonzero(odd.bars & (rules[rows, column] == "")):
                rules[rows[at], column], reasons[rows[at], column] = rule, odd.told(int(at))
    apart = (rules != "")[bars.present]
    if not apart.any():
        return bars, as_table([], bars.calendar)
    if apart.all():
        raise DataError(f"there are no bars left: each of them was set apart by {', '.join(limits)}")
    found = frame[apart].assign(rule=rules[bars.present][apart], reason=reasons[bars.present][apart])
    left = Bars.from_frame(frame[~apart], bars.calendar, [*bars.categories])
    return bars.beside(left), as_table([found], bars.calendar)


def empty() -> pd.DataFrame:
    """Return the table of what was set apart without a row."""
    texts = dict.fromkeys(("symbol", "rule", "reason"), "str")
    stamps = {"time": "datetime64[us, UTC]", "session": "datetime64[us]"}
    return pd.DataFrame(columns=[*COLUMNS]).astype({**texts, **stamps, **dict.fromkeys(FIELDS, "float64")})


def as_table(frames: Sequence[pd.DataFrame], calendar: Calendar) -> pd.DataFrame:
    """Return what was set apart as one table, by symbol and time."""
    if not frames:
        return empty()
    whole = pd.concat(frames, ignore_index=True)
    stamps = whole["time"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    days = calendar.sessions(stamps).astype("datetime64[us]")
    whole = whole.assign(time=pd.DatetimeIndex(stamps).tz_localize("UTC"), session=days)
    whole = whole.reindex(columns=[*COLUMNS]).astype({"symbol": str, **dict.fromkeys(FIELDS, np.float64)})
    return whole.sort_values(["symbol", "time"], kind="stable", ignore_index=True)


def why(row: pd.Series) -> str:
    """Return whose bar was set apart, when, and the reason."""
    reason = str(row["reason"])
    return (
        reason if reason.startswith(f"{row['symbol']} ") else f"{row['symbol']} on {row['session']:%Y-%m-%d}: {reason}"
    )


def found_apart(table: pd.DataFrame) -> list[Finding]:
    """Return a finding for each rule and symbol of which bars were set apart."""
    found = []
    for (rule, symbol), rows in table.groupby(["rule", "symbol"], sort=False):
        first = f"{rows['session'].iloc[0]:%Y-%m-%d}"
        more = f"; {plural(len(rows), 'bar')} in all" if len(rows) > 1 else ""
        told = f"{why(rows.iloc[0])}{more}"
        found.append(Finding(str(rule), str(symbol), len(rows), first, first, float(len(rows)), told))
    order: dict[Any, int] = {rule: at for at, rule in enumerate(RULES)}
    return sorted(found, key=lambda one: (order[one.rule], -one.bars))
