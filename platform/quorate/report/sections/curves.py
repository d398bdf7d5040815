"""What became of the money from bar to bar: equity, its falls, its months. What is shown unasked loads no NumPy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import accumulate, groupby

from quorate.errors import StoreError
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Heat, Lines, Section, Text

OWN, HELD = "ensemble", "buy & hold"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
YEAR = "year"


@lru_cache(maxsize=4)
def curves(report: Report, part: str) -> tuple[list[datetime], Mapping[str, list[float]]] | None:
    """Return times and equity of the judged series and of buying and holding; None where the run has no tables."""
    judged = report.results[part]["series"][0]
    columns = {OWN: f"{judged['name']}/{judged['strategy']}", HELD: "buy-and-hold/hold"}
    try:
        rows = report.rows(part, "equity", ["time", *columns.values()])
    except StoreError:  # a run without tables; that one was changed is told
        return None
    if not rows:
        return None
    times, *values = zip(*rows, strict=True)
    return list(times), dict(zip(columns, map(list, values), strict=True))


@lru_cache(maxsize=4)
def cash_of(report: Report, part: str) -> list[float] | None:
    """Return what cash earned at each bar after the first; None, where the recipe has no rates."""
    if not report.results[part].get("carry"):
        return None
    return [value for (value,) in report.rows(part, "equity", ["cash"])][1:]


def equity(report: Report, part: str) -> Section | None:
    """Return equity and drawdown, beside buying and holding."""
    found = curves(report, part)
    if found is None:
        return None
    times, values = found
    falls = {name: drawdown(value) for name, value in values.items()}
    own = falls[OWN]
    deepest = min(range(len(own)), key=own.__getitem__)
    fall = f"{figure(abs(own[deepest]), 'fraction')} on {day(times[deepest])}"
    blocks: list[Block] = [
        Lines("equity, logarithmic", times, values, "currency", log=True),
        Lines("drawdown", times, falls, "fraction", fill=True),
        Text(f"Deepest fall of the ensemble: {fall}; {_under_water(times, own)}"),
    ]
    sentence = f"What the capital grew to on the {said_of(part)}, after costs, and how far it was below its highest."
    return Section("equity", "Equity and drawdown", sentence, blocks, part)


def drawdown(equity: Sequence[float]) -> list[float]:
    """Return by how much equity is below its highest so far, at most 0."""
    return [value / highest - 1.0 for value, highest in zip(equity, accumulate(equity, max), strict=True)]


def _under_water(times: Sequence[datetime], falls: Sequence[float]) -> str:
    """Return the longest time below an earlier height."""
    runs = [list(run) for below, run in groupby(range(len(falls)), lambda i: falls[i] < 0) if below]
    if not runs:
        return "it was never below an earlier height."
    longest = max(runs, key=len)
    span = f"{day(times[longest[0]])}..{day(times[longest[-1]])}"
    return f"longest below an earlier height: {len(longest):,} bars, {span}."


def rolling(report: Report, part: str) -> Section | None:
    """Return the Sharpe ratio of the last half year at each close; None where there is less than twice as much."""
    found = curves(report, part)
    year = float(report.provenance["data"]["bars_per_year"])
    window = max(round(year / 2), 2)
    if found is None or len(found[0]) < 2 * window + 1:
        return None
    times, values = found
    cash = cash_of(report, part)
    ratios = {name: rolling_sharpe(value, window, year, cash) for name, value in values.items()}
    known = [value for value in ratios[OWN] if math.isfinite(value)]
    above = figure(sum(value > 0 for value in known) / len(known), "fraction") if known else "-"
    sentence = f"The Sharpe ratio of the last {window:,} bars at each close of the {said_of(part)}."
    lines = Lines(f"Sharpe, last {window:,} bars", times, ratios, "ratio")
    return Section("rolling", "Rolling Sharpe", sentence, [lines, Text(f"Above zero on {above} of the bars.")], part)


def rolling_sharpe(
    equity: Sequence[float], window: int, year: float, cash: Sequence[float] | None = None
) -> list[float]:
    """Return the annual Sharpe ratio of the last `window` returns at each bar; NaN before there are as many."""
    import numpy as np

    from quorate.statistics import sharpe
    from quorate.statistics._excess import excess_of

    returns = excess_of(np.array(equity), None if cash is None else np.array(cash))
    found = [math.nan] * min(window, len(equity))
    return found + [sharpe(returns[stop - window : stop], year) for stop in range(window, len(returns) + 1)]


def months(report: Report, part: str) -> Section | None:
    """Return what each calendar month earned."""
    found = curves(report, part)
    if found is None or len(found[0]) < 2:
        return None
    times, values = found
    grid, years = by_month(times, values[OWN])
    sentence = f"What the ensemble earned in each calendar month of the {said_of(part)}, after costs."
    heat = Heat("monthly returns", [str(year) for year in years], [*MONTHS, YEAR], grid, "fraction", sums=True)
    known = [value for row in grid for value in row[:12] if math.isfinite(value)]
    best, worst = (figure(value, "fraction") for value in (max(known), min(known)))
    told = f"{sum(value > 0 for value in known):,} of {len(known):,} months gained; the best {best}, the worst {worst}."
    return Section("months", "Monthly returns", sentence, [heat, Text(told)], part)


def by_month(times: Sequence[datetime], equity: Sequence[float]) -> tuple[list[list[float]], list[int]]:
    """Return the return of every month and, last, of the year, (n_years, 13); NaN where there was none.

    The first month counts from the first bar on.
    """
    ends: dict[tuple[int, int], float] = {}
    for time, value in zip(times[1:], equity[1:], strict=True):
        ends[time.year, time.month] = value
    years = list(range(min(ends)[0], max(ends)[0] + 1))
    grid = [[math.nan] * 13 for _ in years]
    before = equity[0]
    for (year, month), value in sorted(ends.items()):
        grid[year - years[0]][month - 1] = value / before - 1 if before else math.nan
        before = value
    for row in grid:
        row[12] = math.prod(1 + value for value in row[:12] if math.isfinite(value)) - 1
    return grid, years


def day(time: datetime) -> str:
    """Return the day of a time."""
    return str(time)[:10]
