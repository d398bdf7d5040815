"""Rules of sources: what they give was traded."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.doubts import doubts, holidays
from quorate.bars.panel import Bars
from quorate.plugins.provider import Plugin
from quorate.testing._base import Violation, after
from quorate.testing.checks.sources import bars_of
from quorate.testing.tools.compare import place

_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_FEWEST = 3  # bars on days without trading that are no accident
_NEARLY_ALL = 0.9
_TOLD = 3

Marks = NDArray[np.bool_]


@after("panel-valid", "fingerprint-honest")
def check_source_bars_traded(plugin: Plugin) -> str | None:
    """No bar is the one before again, on a day on which the market is closed."""
    bars = bars_of(plugin)
    if bars.frequency == "1d" or bars.frequency.endswith("min"):
        again = _again(bars)
        closed = bars.present & np.isin(bars.sessions, holidays(bars))[:, None]
        _refuse(bars, closed & again, closed, f"on holidays of {bars.calendar.name!r}")
        weekday = (bars.sessions.astype(np.int64) + 3) % 7
        usual = bars.present & (weekday < 5)[:, None]
        for day in range(7):
            held = bars.present & (weekday == day)[:, None]
            if (usual & again).sum() <= (1 - _NEARLY_ALL) * usual.sum():
                _refuse(bars, held & again, held, f"on {_DAYS[day]}")
    return "; ".join(doubts(bars)[:_TOLD]) or None


def _again(bars: Bars) -> Marks:
    """Return which bars have nothing of their own: the bar before, its close alone, or half way to the next."""
    fields = [getattr(bars, name) for name in ("open", "high", "low", "close")]
    before = [pd.DataFrame(np.where(bars.present, f, np.nan)).ffill().shift().to_numpy() for f in fields]
    open_, high, low, close = fields
    still = (close == before[3]) & (open_ == close) & (high == low)
    same = np.logical_and.reduce([f == b for f, b in zip(fields, before, strict=True)])
    after = pd.DataFrame(np.where(bars.present, close, np.nan)).bfill().shift(-1).to_numpy()
    between = np.isclose(close, (before[3] + after) / 2, rtol=1e-9, atol=0.0)
    marks: Marks = bars.present & (still | same | between)
    return marks


def _refuse(bars: Bars, filled: Marks, held: Marks, when: str) -> None:
    """Raise, if nearly all bars that lie there are the ones before again."""
    if filled.sum() < _FEWEST or filled.sum() < _NEARLY_ALL * held.sum():
        return
    row, column = (int(i) for i in np.argwhere(filled)[0])
    raise Violation(
        f"{int(filled.sum()):,} of {int(held.sum()):,} bars {when} are the bar before again, or lie half way to the "
        "next one, the first "
        f"{place(bars, row, column)}, "
        f"at {bars.close[row, column]:g}: they are filled in, nobody traded on these days, and a backtest would fill "
        "orders there. Leave such days out: give the rows that the market has, without reindex, asfreq or ffill",
        bar=row,
        symbol=bars.symbols[column],
        found=int(filled.sum()),
        expected=0,
    )
