"""Bars of crypto exchanges, through ccxt."""

from __future__ import annotations

import datetime as dt
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

import quorate
from quorate_data._text import listed, near
from quorate_data.vendors import _fetch

T = TypeVar("T")

PAGE = 100  # bars that a page may have, where the exchange does not say how many
SECOND = 1000  # of the milliseconds that exchanges count in
DAY = 86_400 * SECOND


def ccxt(
    exchange: str,
    symbols: list[str],
    frequency: str = "1d",
    since: dt.date | None = None,
    until: dt.date | None = None,
    calendar: str = "24x7",
    invalid: Literal["error", "drop"] = "error",
    partial: bool = False,
) -> quorate.Bars:
    """Read bars of an exchange for crypto, page by page from ``data.since`` on.

    Prices and volumes are as the exchange gives them; the volume is in the base currency, or in contracts. A bar that
    is not over, by the clock of the exchange and by the one here, is never read. Symbols are asked for one after
    another, as an exchange counts all requests together; how fast, ccxt knows of each.

    Parameters
    ----------
    exchange : str
        As ccxt calls it, such as ``binance`` or ``kraken``.
    symbols : list of str
        As ccxt calls them: ``BTC/USDT``, or ``BTC/USDT:USDT`` for its swap.
    frequency : str
        Length of a bar, one that the exchange has, of a day at most: ``1m``, ``1h``, ``1d``.
    calendar : str
        ``24x7``, as these markets never close.
    invalid : {"error", "drop"}
        What becomes of bars with a missing or impossible value: an error, or left out with a warning.
    partial : bool
        Take the symbols that came, and name the others in a warning; without it, one that does not come is an error.

    Returns
    -------
    Bars
        Each closes when it is over; a daily one at midnight UTC.

    Raises
    ------
    DataError
        Naming the symbols that did not come, each with the reason, and those that did.
    """
    names = _fetch.checked_symbols(symbols)
    clock = quorate.get_calendar(calendar)
    if clock.close != "24:00":
        raise quorate.DataError(
            f'ccxt: markets of crypto never close: data.calendar must be "24x7"; it was {calendar!r}, whose sessions '
            f"end at {clock.close} in {clock.timezone}"
        )
    if since is None:
        raise quorate.DataError("ccxt: bars are asked for page by page, from a first day on: set data.since")
    market = _Exchange(exchange, frequency, since, until)
    try:
        market.open(names, partial)
        candles = _fetch.each(market.name, names, market.candles, 1, partial)
    except market.errors as e:
        raise quorate.DataError(f"{market.name}: {_fetch.reason(e)}") from e
    finally:
        market.library.session.close()
    return _fetch.bars_of(market.name, {name: market.frame(name, candles[name]) for name in candles}, clock, invalid)


class _Exchange:
    """An exchange, asked for bars of one length in a part of the history."""

    def __init__(self, exchange: str, frequency: str, since: dt.date, until: dt.date | None) -> None:
        import ccxt

        if exchange not in ccxt.exchanges:
            raise quorate.DataError(
                f"ccxt knows no exchange {exchange!r} (data.exchange){near(exchange, ccxt.exchanges)}; it knows "
                f"{len(ccxt.exchanges)}, such as {listed(('binance', 'coinbase', 'kraken'))}"
            )
        self.passing, self.errors = ccxt.NetworkError, (_fetch.GivenUpError, ccxt.BaseError)
        self.library: Any = getattr(ccxt, exchange)({"enableRateLimit": True, "timeout": 30 * SECOND})
        self.name, self.frequency, self.since = f"ccxt:{exchange}", frequency, since
        self.length = self._length()
        self.first = _moment(since)
        self.over = _moment(until + dt.timedelta(days=1)) if until else sys.maxsize

    def _length(self) -> int:
        lengths = dict(self.library.timeframes or {})
        if not self.library.has.get("fetchOHLCV") or not lengths:
            raise quorate.DataError(f"{self.name}: ccxt reads no bars of this exchange (data.exchange)")
        length = int(self.library.parse_timeframe(self.frequency)) * SECOND if self.frequency in lengths else 0
        if not 0 < length <= DAY:
            known = [name for name in lengths if self.library.parse_timeframe(name) * SECOND <= DAY]
            raise quorate.DataError(
                f"{self.name}: data.frequency must be one of {listed(known, len(known))}; it was "
                f"{self.frequency!r}{near(self.frequency, known)}"
            )
        return length

    def open(self, symbols: Sequence[str], partial: bool) -> None:
        """Ask what time it is at the exchange, and for its markets; `DataError` for a symbol that is none."""
        times = [int(self.asked(self.library.fetch_time))] if self.library.has.get("fetchTime") else []
        self.over = min(self.over, int(_fetch.now().timestamp() * SECOND), *times)
        self.asked(self.library.load_markets)
        if not partial and (unknown := [told for symbol in symbols if (told := self._unknown(symbol))]):
            raise quorate.DataError(f"{self.name}: there is no market {', '.join(unknown)} (data.symbols)")

    def _unknown(self, symbol: str) -> str:
        """Return a symbol that is no market with those like it; nothing, if it is one, by ccxt's name."""
        known = self.library.markets
        if symbol in known:
            return ""
        plain = {re.sub(r"\W", "", name): name for name in known}
        same = plain.get(re.sub(r"\W", "", symbol).upper())
        return f"{symbol!r}; did you mean '{same}'?" if same else f"{symbol!r}{near(symbol, known)}"

    def asked(self, call: Callable[..., T], *arguments: Any) -> T:
        """Return what the exchange answers, asking again where that may help."""

        def waiting(error: Exception) -> float | None:
            if not isinstance(error, self.passing):
                return None
            return _fetch.retry_after(self.library.last_response_headers)

        def ask() -> T:
            self.library.last_response_headers = None  # of an answer before, where there is none
            return call(*arguments)

        return _fetch.patiently(ask, waiting)

    def candles(self, symbol: str) -> dict[int, list[float]]:
        """Return the bars of a symbol that are over, by their open in milliseconds."""
        if unknown := self._unknown(symbol):
            raise quorate.DataError(f"there is no market {unknown}")
        limit = self.library.feature_value(symbol, "fetchOHLCV", "limit")
        last = self.over - self.length  # what opens later is not over, or not wanted
        found: dict[int, list[float]] = {}
        at = self.first
        while at <= last:
            page = self.asked(self.library.fetch_ohlcv, symbol, self.frequency, at, limit)
            new = {int(row[0]): row[1:6] for row in page if row[0] >= at}
            found.update((stamp, row) for stamp, row in new.items() if stamp <= last)
            # A page without bars may lie before the first one, or where the exchange stood still.
            at = max(new) + self.length if new else at + (limit or PAGE) * self.length
        if self.length == DAY and (odd := next((stamp for stamp in found if stamp % DAY), None)) is not None:
            raise quorate.DataError(
                f"daily bars begin at {pd.Timestamp(odd, unit='ms'):%H:%M} UTC, and end there on the day after: take "
                "data.frequency = '1h'"
            )
        if not found:
            raise quorate.DataError(f"there is no bar that is over from {self.since} on")
        return found

    def frame(self, symbol: str, candles: Mapping[int, list[float]]) -> pd.DataFrame:
        """Return bars as a frame; warns where they begin later than asked."""
        opens = pd.DatetimeIndex(np.array(sorted(candles), dtype="datetime64[ms]")).tz_localize("UTC")
        begin = int(min(candles))
        if begin - self.first >= max(DAY, self.length):
            warnings.warn(
                f"{self.name}:{symbol}: the bars begin at {opens[0]:%Y-%m-%d %H:%M}, data.since is {self.since}: it "
                "was listed then, or the exchange keeps no earlier bars",
                quorate.DataWarning,
                stacklevel=3,
            )
        rows = [candles[stamp] for stamp in sorted(candles)]
        frame = pd.DataFrame(rows, columns=["open", "high", "low", "close", "volume"], index=opens, dtype=np.float64)
        return frame.assign(time=opens + pd.Timedelta(milliseconds=self.length))


def _moment(day: dt.date) -> int:
    """Return the first millisecond of a day in UTC."""
    return int(pd.Timestamp(day).timestamp()) * SECOND
