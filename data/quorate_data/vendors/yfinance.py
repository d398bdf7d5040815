"""Bars, splits and dividends of Yahoo Finance, through yfinance."""

from __future__ import annotations

import datetime as dt
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate.statistics import Floats
from quorate_data._text import listed
from quorate_data.vendors import _fetch

Frequency = Literal["1d", "1h", "90m", "60m", "30m", "15m", "5m", "2m", "1m"]

# How many days Yahoo keeps bars of a length, and of how many it gives them at a time.
KEPT: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("60m", "1h"), (730, 730)),
    **dict.fromkeys(("2m", "5m", "15m", "30m", "90m"), (60, 60)),
    "1m": (30, 7),
}
WORKERS = 4
LATE = pd.Timedelta(minutes=30)  # by which Yahoo's last bars may still change after their end
LARGE = 1.3  # ratio of a split, from which on a price tells whether it knows of it
COLUMNS = {"Open": "open", "High": "high", "Low": "low", "Close": "close", "Volume": "volume", "Adj Close": "adj_close"}


def yfinance(
    symbols: list[str],
    frequency: Frequency = "1d",
    since: dt.date | None = None,
    until: dt.date | None = None,
    calendar: str = "us-equity",
    adjusted: bool = False,
    invalid: Literal["error", "drop"] = "error",
    partial: bool = False,
) -> quorate.Bars:
    """Read bars of Yahoo Finance; prices are raw: as they were traded, before any split or dividend.

    Yahoo gives prices, volumes and dividends in shares of today, whenever asked. With the splits that it tells, that is
    undone, and prices are rounded to six digits, or to hundredths where these are more: it gives no others. A bar that
    is not over, or was not half an hour ago, is not read.

    Parameters
    ----------
    symbols : list of str
        As Yahoo calls them, such as ``AAPL``, ``SAP.DE``, ``BTC-USD`` or ``EURUSD=X``; of one exchange's time zone,
        unless the calendar's sessions end at midnight UTC.
    frequency : str
        Length of a bar. Yahoo keeps ``1h`` and ``60m`` for 730 days, ``1m`` for 30, other bars within a day for 60.
    calendar : str
        That of the exchange: ``us-equity``, ``24x7`` for ``BTC-USD``, ``weekdays`` for ``EURUSD=X``; with
        ``quorate[calendars]`` such as ``XETR``.
    adjusted : bool
        Scale prices to Yahoo's adjusted close, which knows of splits and dividends, and the volume so that price times
        volume stays.
    invalid : {"error", "drop"}
        What becomes of bars with a missing or impossible value: an error, or left out with a warning.
    partial : bool
        Take the symbols that came, and name the others in a warning; without it, one that does not come is an error.

    Returns
    -------
    Bars
        A daily bar closes with its session, others when they are over.

    Raises
    ------
    DataError
        Naming the symbols that did not come, each with the reason, and those that did.
    """
    clock = quorate.get_calendar(calendar)
    found = _histories(symbols, frequency, since, until, partial)
    _check_zones(found, clock)
    over = _fetch.now().tz_localize("UTC") - LATE
    frames = {}
    for symbol, history in found.items():
        frame = history.raw(symbol)
        frame["time"] = _closes(pd.DatetimeIndex(frame.index), frequency, clock)
        wanted = (frame["time"] <= over) & _fetch.within(_dates(frame.index), since, until)
        frames[symbol] = frame[wanted] if adjusted else frame[wanted].drop(columns="adj_close")
    if unfinished := [symbol for symbol, frame in frames.items() if frame.empty]:
        raise quorate.DataError(
            f"yfinance: there is no bar of {listed(unfinished)} from {since or 'the first'} to {until or 'now'} that "
            "is over"
        )
    return _fetch.bars_of("yfinance", frames, clock, invalid, adjusted)


def yfinance_actions(
    symbols: list[str],
    since: dt.date | None = None,
    until: dt.date | None = None,
    partial: bool = False,
    **others: Any,
) -> pd.DataFrame:
    """Return splits and dividends: ``symbol``, ``session`` (ex date), ``kind`` and ``value``.

    A split has new shares per old; a dividend has cash per share, in shares of that day. Capital gains that funds pay
    out beside dividends are not read.

    Raises
    ------
    DataError
        As `yfinance`, whose options it takes.
    """
    rows = [
        (symbol, *row)
        for symbol, history in _histories(symbols, "1d", since, until, partial).items()
        for row in history.told(since, until)
    ]
    frame = pd.DataFrame(rows, columns=["symbol", "session", "kind", "value"])
    return frame.astype({"symbol": str, "session": "datetime64[us]", "kind": str, "value": float})


@dataclass(frozen=True)
class _History:
    """What Yahoo gives of a symbol: bars, called by their opens, and splits and dividends by date, up to today."""

    bars: pd.DataFrame
    daily: pd.DataFrame

    @property
    def zone(self) -> str:
        return str(pd.DatetimeIndex(self.bars.index).tz)

    def raw(self, symbol: str) -> pd.DataFrame:
        """Return the bars as they were traded; warns of a split that Yahoo tells, but has not adjusted for."""
        frame = self.bars[list(COLUMNS)].rename(columns=COLUMNS).astype(np.float64)
        splits = self._events("Stock Splits")
        undone = splits.copy()
        for date in splits.index[~self._known(splits)]:
            warnings.warn(
                f"yfinance:{symbol}: Yahoo tells of a split {splits[date]:g}:1 on {date:%Y-%m-%d}, but its prices "
                "before are not in shares of after: they are taken as they are",
                quorate.DataWarning,
                stacklevel=2,
            )
            undone = undone.drop(index=date)
        factor = _later(undone, _dates(frame.index))
        prices = frame[["open", "high", "low", "close"]]
        frame[prices.columns] = _rounded(prices.to_numpy() * factor[:, np.newaxis])
        frame["volume"] = (frame["volume"] / factor).round()
        return frame

    def told(self, since: dt.date | None, until: dt.date | None) -> Iterator[tuple[pd.Timestamp, str, float]]:
        """Yield splits and dividends of a part of the history, each with its value on its day."""
        splits, dividends = self._events("Stock Splits"), self._events("Dividends")
        dividends = pd.Series(_rounded(dividends * _later(splits, dividends.index.to_numpy())), dividends.index)
        for kind, events in (("split", splits), ("dividend", dividends)):
            part = events[_fetch.within(events.index.to_numpy(), since, until)]
            yield from ((date, kind, float(value)) for date, value in part.items())  # type: ignore[misc]

    def _events(self, name: str) -> pd.Series:
        events = self.daily[name].astype(np.float64)
        events = events[events > 0]
        return events.set_axis(pd.DatetimeIndex(_dates(events.index)), axis=0)

    def _known(self, splits: pd.Series) -> NDArray[np.bool_]:
        """Return which splits the prices know of: a small one is never seen."""
        prices = self.bars[["Open", "Close"]].dropna()
        at = np.searchsorted(_dates(prices.index), splits.index.to_numpy())
        known = np.ones(len(splits), dtype=bool)
        for i, (place, ratio) in enumerate(zip(at, splits.to_numpy(), strict=True)):
            if 0 < place < len(prices) and abs(np.log(ratio)) > np.log(LARGE):
                step = np.log(prices["Close"].iloc[place - 1] / prices["Open"].iloc[place])
                known[i] = abs(step) <= abs(step - np.log(ratio))
        return known


def _closes(opens: pd.DatetimeIndex, frequency: str, clock: quorate.Calendar) -> pd.DatetimeIndex:
    """Return when bars are over, in UTC: daily ones with their session."""
    if frequency == "1d":
        return pd.DatetimeIndex(clock.close_times(_dates(opens).astype("datetime64[D]"))).tz_localize("UTC")
    return opens.tz_convert("UTC") + pd.Timedelta(frequency.replace("m", "min"))


def _dates(index: pd.Index) -> NDArray[np.datetime64]:
    """Return the dates of stamps, in their zone."""
    return pd.DatetimeIndex(index).tz_localize(None).normalize().to_numpy().astype("datetime64[us]")


def _later(splits: pd.Series, dates: NDArray[np.datetime64]) -> Floats:
    """Return how many shares of today one of a date has become: the product of the splits after it."""
    shares = np.append(np.cumprod(splits.to_numpy(dtype=np.float64)[::-1])[::-1], 1.0)
    return np.asarray(shares[np.searchsorted(splits.index.to_numpy(), dates, side="right")], dtype=np.float64)


def _rounded(values: Any) -> Floats:
    """Return numbers without what single precision added: to six digits, or to hundredths where these are more.

    Yahoo gives numbers of single precision, of which a split changes the last digits; what was traded has fewer.
    """
    found = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        decimals = np.maximum(2.0, 5.0 - np.floor(np.log10(np.abs(found))))
        scale = 10.0 ** np.where(np.isfinite(decimals), decimals, 2.0)
    return np.asarray(np.rint(found * scale) / scale, dtype=np.float64)


def _histories(
    symbols: Sequence[str], frequency: str, since: dt.date | None, until: dt.date | None, partial: bool
) -> dict[str, _History]:
    """Ask for all symbols."""
    names = _fetch.checked_symbols(symbols)
    windows = _windows(frequency, since, until)
    with _raising():
        return _fetch.each("yfinance", names, lambda s: _history(s, frequency, since, windows), WORKERS, partial)


def _windows(frequency: str, since: dt.date | None, until: dt.date | None) -> list[tuple[dt.date, dt.date]]:
    """Return the parts, the ends out of them, in which Yahoo gives bars within a day; none for daily bars.

    Raises
    ------
    DataError
        If there are no bars of that length, or not from then on.
    """
    if frequency == "1d":
        return []
    if frequency not in KEPT:
        raise quorate.DataError(
            f"data.frequency must be one of '1d', {listed(KEPT)}; it was {frequency!r}: of longer bars Yahoo does not "
            "say what they are adjusted for"
        )
    kept, most = KEPT[frequency]
    today = _fetch.now().date()
    earliest = today - dt.timedelta(days=kept - 1)
    if since is not None and since < earliest:
        raise quorate.DataError(
            f"yfinance: Yahoo keeps bars of {frequency!r} for {kept} days, now from {earliest} on; data.since was "
            f"{since}: ask from then on, or for longer bars (1h: {KEPT['1h'][0]} days, 1d: all)"
        )
    first, stop = since or earliest, min(until or today, today) + dt.timedelta(days=1)
    starts = [first + dt.timedelta(days=n) for n in range(0, max((stop - first).days, 1), most)]
    return [(start, min(start + dt.timedelta(days=most), stop)) for start in starts]


def _history(
    symbol: str, frequency: str, since: dt.date | None, windows: Sequence[tuple[dt.date, dt.date]]
) -> _History:
    """Ask for a symbol: daily bars up to today, whatever is wanted, because they have the splits of since then."""
    span: dict[str, Any] = {"period": "max"} if since is None and not windows else {"start": since or windows[0][0]}
    daily = _asked(symbol, interval="1d", **span)
    if not windows:
        return _History(daily, daily)
    parts, empty = [], None
    for start, end in windows:
        try:
            parts.append(_asked(symbol, interval=frequency, start=start, end=end))
        except _NoBarsError as e:  # a week of holidays, or one before it was listed
            empty = e
    if empty is not None and not parts:
        raise empty
    whole = pd.concat(parts)
    return _History(whole[~whole.index.duplicated(keep="last")].sort_index(), daily)


class _NoBarsError(Exception):
    """Yahoo has none of a symbol."""


def _asked(symbol: str, **span: Any) -> pd.DataFrame:
    """Return what yfinance gives of a symbol, neither adjusted nor repaired; asks again where that may help."""
    from yfinance import Ticker
    from yfinance.data import YfData
    from yfinance.exceptions import YFTickerMissingError

    def ask() -> pd.DataFrame:
        try:
            # What a ticker once took for its time zone, it keeps: each time a new one.
            frame: pd.DataFrame = Ticker(symbol).history(auto_adjust=False, actions=True, timeout=30, **span)
        except Exception:
            YfData.cache_get.cache_clear()  # else an answer that was none would be given again
            raise
        return frame

    try:
        frame = _fetch.patiently(ask, _waiting)
    except YFTickerMissingError as e:
        raise _NoBarsError(_fetch.reason(e)) from e
    except Exception as e:
        if _status(e) == 404:
            raise _NoBarsError("Yahoo has no symbol of that name") from e
        raise
    if frame.empty:
        raise _NoBarsError("Yahoo has no bars of it")
    return frame


def _waiting(error: Exception) -> float | None:
    """Return the seconds to wait before it is asked again; None, where that is of no use."""
    from yfinance.exceptions import YFDataException, YFRateLimitError

    if isinstance(error, YFRateLimitError | YFDataException | json.JSONDecodeError):  # no JSON: a page of errors
        return 0.0
    status = _status(error)
    if not isinstance(error, OSError) or (400 <= status < 500 and status != 429):
        return None
    return _fetch.retry_after(getattr(getattr(error, "response", None), "headers", None))


def _status(error: Exception) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


@contextmanager
def _raising() -> Iterator[None]:
    """Have yfinance raise errors, which else it logs, and log none beside."""
    from yfinance import config

    logger = logging.getLogger("yfinance")
    before, level = config.debug.hide_exceptions, logger.level
    config.debug.hide_exceptions = False
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        config.debug.hide_exceptions = before
        logger.setLevel(level)


def _check_zones(found: Mapping[str, _History], clock: quorate.Calendar) -> None:
    """Refuse symbols of an exchange whose sessions are not the calendar's."""
    if clock.close == "24:00" and clock.timezone == "UTC":
        return  # no session ends later, wherever it is
    zones: dict[str, list[str]] = {}
    for symbol, history in found.items():
        zones.setdefault(history.zone, []).append(symbol)
    if set(zones) == {clock.timezone}:
        return
    told = "; ".join(f"{zone}: {listed(symbols, 3)}" for zone, symbols in zones.items())
    remedy = (
        "read those of one zone with data.symbols"
        if len(zones) > 1
        else 'name the calendar of their exchange, such as "XETR" with quorate[calendars], or "24x7" for crypto'
    )
    raise quorate.DataError(
        f"yfinance: the symbols are traded in {told}; the sessions of calendar {clock.name!r} are of "
        f'{clock.timezone}: {remedy}; or take data.calendar = "weekdays", by which all are known at midnight UTC'
    )
