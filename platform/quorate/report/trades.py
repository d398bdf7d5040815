"""The round trips of one series of a run, as people and spreadsheets read them."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from quorate.errors import IntegrityError, RecipeError, StoreError, near_misses, one_of
from quorate.report.endings import Endings
from quorate.report.report import PARTS, Report

if TYPE_CHECKING:
    from quorate.bars.panel import Bars

COLUMNS = (
    *("part", "symbol", "side", "entered", "exited", "bars", "size", "entry_price", "exit_price"),
    *("return", "pnl", "closed", "ended"),
)
STORED = (
    *("series", "symbol", "side", "entered", "exited", "size", "entry_price", "exit_price"),
    *("pnl_fraction", "pnl", "closed"),
)
OTHER = {"long": "short", "short": "long"}
MOMENT = dt.timedelta(microseconds=1)


def series_of(report: Report, name: str | None = None) -> str:
    """Return the series of that name, as tables have it: NAME/STRATEGY, or NAME where it is traded in one way only.

    Raises
    ------
    RecipeError
        If there is none, or several.
    """
    series = [f"{one['name']}/{one['strategy']}" for one in report.results["development"]["series"]]
    if name is None:
        return series[0]
    found = [one for one in series if one == name] or [one for one in series if one.rpartition("/")[0] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise RecipeError(f"the series {name!r} is traded in several ways: it must be one of {one_of(found)}")
    near = near_misses(name, {*series, *(one.rpartition("/")[0] for one in series)})
    raise RecipeError(f"there is no series {name!r}{near}; it must be one of {one_of(series)}")


def round_trips(report: Report, series: str) -> list[dict[str, Any]]:
    """Return the trades of a series, in the order in which they were entered: plain data.

    ``return`` and ``pnl`` are net of costs. ``entered`` and ``exited`` are sessions, with the time in the market's zone
    where there are several bars in one; what is still held at the end of a part is valued at its last close.
    ``ended`` is ``end`` for that, else what `Endings.ended` says; None, too, where the home has not the run's bars.
    """
    bars = _bars(report)
    zone = ZoneInfo(bars.calendar.timezone) if bars else dt.UTC
    daily = not str(report.provenance["data"]["frequency"]).endswith("min")
    found = []
    for part in PARTS:
        if not report.results[part]:
            continue
        endings = Endings.of(report, part, bars) if bars else None
        place = {time: k for k, (time,) in enumerate(report.rows(part, "equity", ["time"]))}
        rows = [row for row in report.rows(part, "trades", STORED) if row[0] == series]
        rows.sort(key=lambda row: (row[3], row[1], row[4]))
        entries = {(symbol, entered, side) for _, symbol, side, entered, *_ in rows}
        for _, symbol, side, entered, exited, size, first, last, earned, pnl, closed in rows:
            turned = (symbol, exited, OTHER[side]) in entries
            ended = endings.ended(symbol, side, entered, exited, turned) if closed and endings else None
            found.append(
                {
                    "part": part,
                    "symbol": symbol,
                    "side": side,
                    "entered": _session(entered, zone, daily),
                    "exited": _session(exited, zone, daily),
                    "bars": place[exited] - place[entered],
                    "size": size,
                    "entry_price": first,
                    "exit_price": last,
                    "return": earned,
                    "pnl": pnl,
                    "closed": bool(closed),
                    "ended": ended if closed else "end",
                }
            )
    return found


def summary(trades: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many trades there are, how many of the closed ones won, the best and worst, and bars held."""
    closed = [trade for trade in trades if trade["closed"]]
    returns = [trade["return"] for trade in closed]
    return {
        "trades": len(trades),
        "closed": len(closed),
        "winners": sum(trade["pnl"] > 0 for trade in closed),
        "best": max(returns, default=None),
        "worst": min(returns, default=None),
        "median_bars": statistics.median(trade["bars"] for trade in closed) if closed else None,
    }


def ordered(trades: Sequence[Mapping[str, Any]], column: str) -> list[Mapping[str, Any]]:
    """Return trades by a column, the smallest first, what is not known before all.

    Raises
    ------
    RecipeError
        If there is no such column.
    """
    if column not in COLUMNS:
        raise RecipeError(f"--sort must be one of {one_of(COLUMNS)}; it was {column!r}{near_misses(column, COLUMNS)}")
    known = [trade for trade in trades if trade[column] is not None]
    return [t for t in trades if t[column] is None] + sorted(known, key=lambda trade: trade[column])


def _session(time: dt.datetime, zone: dt.tzinfo, daily: bool) -> str:
    """Return the session of a bar by its close; one that is stamped at midnight closed in the session before it."""
    local = (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).astimezone(zone)
    return str((local - MOMENT).date()) if daily else local.strftime("%Y-%m-%d %H:%M")


def _bars(report: Report) -> Bars | None:
    """Return the bars of a run; None, where they are not there, or not as they were."""
    if report.source is None:
        return None
    with suppress(StoreError, IntegrityError):
        return report.source.home.bars(report.provenance["data"]["fingerprint"])
    return None
