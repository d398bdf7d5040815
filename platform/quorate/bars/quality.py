"""Whether bars are what they seem: figures of a market by which bad data show, and the calendar that they keep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from quorate import statistics
from quorate.bars import us_equity
from quorate.bars.calendar import TOLERANCE, get_calendar, sessions_per_year
from quorate.bars.panel import Bars

WEEKEND = 0.1  # of intraday bars, from which on a market is open on weekends
CLOSED = 40  # hours of every week without a bar, from which on they are a weekend, in whatever zone
HOLIDAYS = 5  # of an exchange, from which on they tell whether it is the market's


def market_figures(bars: Bars) -> dict[str, Any]:
    """Return the market itself over a span: close to close, gross, equal weights, one return less than bars."""
    # A symbol that missed bars earns what happened meanwhile when it is back.
    before = pd.DataFrame(bars.close).ffill().to_numpy()[:-1]
    with np.errstate(invalid="ignore"):
        steps = bars.close[1:] / before - 1
    known = np.isfinite(steps) & bars.member[:-1]
    counts = known.sum(axis=1)
    returns = np.where(known, steps, 0.0).sum(axis=1) / np.maximum(counts, 1)
    equity = statistics.equity_curve(returns)
    figures = {
        "sharpe": statistics.sharpe(returns, bars.bars_per_year),
        "max-drawdown": statistics.max_drawdown(equity),
        "cagr": statistics.cagr(equity, bars.bars_per_year),
        "total-return": float(equity[-1] - 1),
        "volatility": statistics.volatility(returns, bars.bars_per_year),
    }
    return {
        "first": str(bars.sessions[0]),
        "last": str(bars.sessions[-1]),
        "returns": len(returns),
        **{name: float(value) if math.isfinite(value) else None for name, value in figures.items()},
    }


def repeated_opens(bars: Bars) -> float:
    """Return the share of bars whose open is the close before: such a market has no open to trade at.

    None of one that never closes: there the next bar begins where the last one ended.
    """
    if bars.calendar.sessions_per_year > 300:
        return 0.0
    both = np.isfinite(bars.open[1:]) & np.isfinite(bars.close[:-1])
    return float((bars.open[1:] == bars.close[:-1])[both].mean()) if both.any() else 0.0


def _longest_rest(bars: Bars) -> int:
    """Return the hours in a row of a week in which there is never a bar."""
    # A bar belongs to the hour that it ends in.
    hours = (bars.times.astype("datetime64[us]") - np.timedelta64(1, "us")).astype("datetime64[h]").astype(
        np.int64
    ) % 168
    used = np.unique(hours)
    return int(np.diff(np.append(used, used[0] + 168)).max()) - 1


def wrong_calendar(bars: Bars) -> str:
    """Return what to say, if the bars are not those of their calendar."""
    calendar, within = bars.calendar, bars.frequency.endswith("min")
    # Where days end at midnight elsewhere, a few bars of a week's first session lie on a Sunday.
    days = bars.sessions if within else np.unique(bars.sessions)
    weekend = float(np.mean(np.isin((days.astype(np.int64) + 3) % 7, (5, 6))))
    most = WEEKEND if within else 0.01
    closed = calendar.sessions_per_year < 300 and weekend > most and bars.bars_per_year > 52
    rests = within and _longest_rest(bars) >= CLOSED
    advice = (
        'for a market that never closes set data.calendar = "24x7"'
        if closed and not rests
        else 'set data.calendar to the one of the market, or else "weekdays"'
    )
    if calendar.sessions_per_year > 300 and weekend > most:
        return ""  # no other calendar has weekends
    seen = None if within else sessions_per_year(days)
    usual = {calendar.sessions_per_year, 52, 12}
    if seen is not None and all(abs(seen / n - 1) > TOLERANCE for n in usual):
        return (
            f"the bars have {seen:.0f} sessions a year, calendar {calendar.name!r} has {calendar.sessions_per_year}: "
            f"annualised by {bars.bars_per_year:g} bars a year; {advice}"
        )
    if closed:
        return (
            f"{weekend:.0%} of the {'bars' if within else 'sessions'} fall on weekends, but calendar {calendar.name!r} "
            f"has {calendar.sessions_per_year} sessions a year: {advice}"
        )
    return ""


def likely_calendar(bars: Bars) -> tuple[str, str]:
    """Return which of the calendars that need nothing installed bars seem to keep, whatever theirs is, and why."""
    days = np.unique(bars.sessions)
    if not (bars.frequency == "1d" or bars.frequency.endswith("min")):
        return bars.calendar.name, f"{bars.frequency} bars do not tell on which days a market is open"
    weekend = float(np.mean(np.isin((days.astype(np.int64) + 3) % 7, (5, 6))))
    if weekend > WEEKEND and not (bars.frequency.endswith("min") and _longest_rest(bars) >= CLOSED):
        return "24x7", f"{weekend:.0%} of the days with bars lie on weekends"
    if bars.frequency.endswith("min") and (outside := _outside_new_york(bars)) > WEEKEND:
        return "weekdays", f"no weekends, and {outside:.0%} of the bars lie outside the hours of US exchanges"
    off = us_equity.holidays()
    off = off[np.searchsorted(off, days[0]) : np.searchsorted(off, days[-1], "right")]
    held = int(np.isin(off, days).sum())
    if len(off) < HOLIDAYS:
        return "us-equity", "no weekends; too few holidays to tell which market it is"
    if held > len(off) / 2:
        return "weekdays", f"no weekends, but bars on {held} of {len(off)} holidays of US exchanges"
    return "us-equity", f"no weekends, and no bar on {len(off) - held} of {len(off)} holidays of US exchanges"


def _outside_new_york(bars: Bars) -> float:
    """Return the share of bars that end before the open of US exchanges, or begin after their close."""
    clock = get_calendar("us-equity")
    local = pd.DatetimeIndex(bars.times).tz_localize("UTC").tz_convert(clock.timezone)
    minute = np.asarray(local.hour * 60 + local.minute)
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (clock.open, clock.close))
    return float(np.mean((minute < first) | (minute - float(bars.frequency.removesuffix("min")) > last)))
