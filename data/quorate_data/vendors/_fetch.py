"""What all vendors have in common: they throttle, fail half-way, and know bars that are not over."""

from __future__ import annotations

import datetime as dt
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._layout import Layout
from quorate_data._tables import Table
from quorate_data._text import listed
from quorate_data._timing import make_timing
from quorate_data.files import load

T = TypeVar("T")
# The seconds that an error asks to wait, 0 where it names none; None, where asking again is of no use.
Waiting = Callable[[Exception], float | None]

ATTEMPTS = 5
FIRST, MOST = 1.0, 60.0  # seconds before the second attempt, doubled for each that follows; a longer wait is an error


class GivenUpError(Exception):
    """A vendor turned a request away as often as it is made: others would fare no better."""


def now() -> pd.Timestamp:
    """Return the time in UTC."""
    return pd.Timestamp.now("UTC").tz_localize(None)


def patiently(call: Callable[[], T], waiting: Waiting) -> T:
    """Return what a call gives; one that is turned away is made again, after as long as the vendor asks for.

    Raises
    ------
    GivenUpError
        If it is turned away each time, or until later than one would wait.
    """
    for attempt in range(ATTEMPTS):
        try:
            return call()
        except Exception as e:
            asked = waiting(e)
            if asked is None:
                raise
            if asked > MOST:
                raise GivenUpError(f"{reason(e)}; it asks to wait for {asked:,.0f} seconds") from e
            if attempt + 1 == ATTEMPTS:
                raise GivenUpError(f"{reason(e)}; asked {ATTEMPTS} times") from e
            time.sleep(max(asked, FIRST * 2**attempt))
    raise AssertionError("unreachable")


def retry_after(headers: Mapping[str, Any] | None) -> float:
    """Return the seconds that the headers of an answer ask to wait; 0, if they name none."""
    told = str((headers or {}).get("Retry-After", ""))
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, (pd.Timestamp(told).tz_convert("UTC").tz_localize(None) - now()).total_seconds())
    except (ValueError, TypeError):  # no date, or one of no zone
        return 0.0


def reason(error: BaseException) -> str:
    """Return what an error says, in one line; of one of a library first which it is, as it may say no more."""
    name, told = type(error).__name__, " ".join(str(error).split())
    own = isinstance(error, ValueError) or type(error).__module__.startswith("quorate")
    return told if own and told else f"{name}: {told}".removesuffix(": ")


def each(vendor: str, symbols: Sequence[str], fetch: Callable[[str], T], workers: int, partial: bool) -> dict[str, T]:
    """Fetch symbols side by side and return what came, by symbol.

    Once the vendor turns requests away for good, the symbols that are left are not asked for.

    Parameters
    ----------
    vendor : str
        Its name, for messages.
    partial : bool
        Whether what came is taken, and a warning tells the rest; it is an error else.

    Raises
    ------
    DataError
        Naming the symbols that did not come, each with the reason, and those that did.
    """
    over = threading.Event()

    def guarded(symbol: str) -> T | str:
        if over.is_set():
            return "not asked for"
        try:
            return fetch(symbol)
        except GivenUpError as e:
            over.set()
            return reason(e)
        except Exception as e:  # of a library, whatever it raises
            return reason(e)

    with ThreadPoolExecutor(workers) as pool:
        try:
            answers = dict(zip(symbols, pool.map(guarded, symbols), strict=True))
        finally:
            over.set()  # what interrupts this ends the others, too
    came = {symbol: answer for symbol, answer in answers.items() if not isinstance(answer, str)}
    failed = {symbol: answer for symbol, answer in answers.items() if isinstance(answer, str)}
    if not failed:
        return came
    told = f"{vendor}: {len(failed)} of {len(answers)} symbols did not come: {_told(failed)}"
    if not came:
        raise quorate.DataError(told)
    if not partial:
        raise quorate.DataError(
            f"{told}; came: {listed(came)}; to take these alone, set data.partial = true or name them in data.symbols"
        )
    warnings.warn(f"{told}; taken: {listed(came)}", quorate.DataWarning, stacklevel=3)
    return came


def _told(failed: Mapping[str, str], most: int = 5) -> str:
    """Return the symbols that did not come, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for symbol, why in failed.items():
        reasons.setdefault(why, []).append(symbol)
    lines = [f"{listed(symbols)} ({why})" for why, symbols in reasons.items()]
    more = len(lines) - most
    return ", ".join(lines[:most]) + (f" and {more} other reasons" if more > 0 else "")


def checked_symbols(symbols: Iterable[str]) -> list[str]:
    """Return the symbols; `DataError` for none, for text in place of a list, or one that stands twice."""
    if isinstance(symbols, str):
        raise quorate.DataError(f"data.symbols must be a list; for this one write [{symbols!r}]")
    every = list(symbols)
    if not every:
        raise quorate.DataError("data.symbols must name a symbol; it was empty")
    for i, symbol in enumerate(every):
        if symbol in every[:i]:
            raise quorate.DataError(f"data.symbols names {symbol!r} twice")
    return every


def by_symbol(symbols: list[str] | None = None, **_: Any) -> list[dict[str, Any]]:
    """Return the options of each symbol on its own: what `parts` of a source are."""
    return [{"symbols": [symbol]} for symbol in symbols or []]


def within(days: NDArray[np.datetime64], since: dt.date | None, until: dt.date | None) -> NDArray[np.bool_]:
    """Return which dates lie in a part of the history, both ends included."""
    inside = np.ones(len(days), dtype=bool)
    if since is not None:
        inside &= days >= np.datetime64(since, "D")
    if until is not None:
        inside &= days <= np.datetime64(until, "D")
    return inside


def bars_of(
    vendor: str,
    frames: Mapping[str, pd.DataFrame],
    clock: quorate.Calendar,
    invalid: Literal["error", "drop"],
    adjusted: bool = False,
) -> quorate.Bars:
    """Return the bars of frames by symbol, read as those of files are.

    Parameters
    ----------
    frames : mapping of DataFrame
        Called by their opens, with their zone; columns ``time``, when they are over, open, high, low, close, volume
        and, to adjust by, ``adj_close``.
    """
    tables = {(table := _table(vendor, symbol, frame)).path: table for symbol, frame in frames.items()}
    return read(tables, clock, invalid, adjusted)


def read(
    tables: Mapping[Path, Table],
    clock: quorate.Calendar,
    invalid: Literal["error", "drop"],
    adjusted: bool = False,
    symbols: Sequence[str] = (),
    sort: bool = False,
) -> quorate.Bars:
    """Return the bars of tables that tell themselves when bars are over."""
    timing = make_timing(None, None, False, None)
    layout = Layout({}, None, list(symbols), clock.name, None, sort, invalid, adjusted, None, timing, [])
    return load(list(tables), layout, lambda path: [tables[path]])


def _table(vendor: str, symbol: str, frame: pd.DataFrame) -> Table:
    opens = pd.DatetimeIndex(frame.index)
    form = "%Y-%m-%d" if (opens == opens.normalize()).all() else "%Y-%m-%d %H:%M %Z"
    rows = frame.assign(symbol=symbol).set_axis(opens.strftime(form), axis=0)
    return Table(Path(f"{vendor}:{symbol}"), rows, "bar", closed=True)
