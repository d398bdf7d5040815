"""What orders are filled at in a panel of several markets: prices that come after the decision in each one's time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.errors import DataError, IntegrityError
from quorate.statistics import Floats

Times = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Fills:
    """Prices beside the bars, each with its time; found by time and symbol, so that they serve any part of the panel.

    Parameters
    ----------
    times : ndarray of datetime64[us], (n_rows,)
        Closes of the panel's rows, increasing.
    symbols : tuple of str
        Columns, sorted.
    price : ndarray of float64, (n_rows, n_symbols)
        What an order is filled at that was decided at the row before: the first open after that; NaN, where there is
        none.
    filled : ndarray of datetime64[us], (n_rows, n_symbols)
        When.
    mark : ndarray of float64, (n_rows, n_symbols)
        The last price that was known at the row: of its bar, or an open after that.
    opened, known : ndarray of datetime64[us], (n_rows, n_symbols)
        When the last bar that the row has began, and when it was over.
    session : ndarray of int64, (n_rows, n_symbols)
        In which session of its symbol's market an order is filled, counted from the first; -1, where there is none.
    closing : ndarray of bool, (n_rows, n_symbols)
        Whether the bar of the fill closes that session.
    """

    times: Times
    symbols: tuple[str, ...]
    price: Floats
    filled: Times
    mark: Floats
    opened: Times
    known: Times
    session: NDArray[np.int64]
    closing: NDArray[np.bool_]

    def of(self, what: Literal["price", "mark"], times: Times, symbols: Sequence[str]) -> Floats:
        """Return prices at some of the times and symbols, (n_times, n_symbols)."""
        values: Floats = getattr(self, what)
        row = np.searchsorted(self.times, times)
        if len(times) == len(self.times) and tuple(symbols) == self.symbols:
            return values
        found = np.asfortranarray(values[np.ix_(row, np.searchsorted(self.symbols, symbols))])
        found.flags.writeable = False
        return found

    def sessions(self, times: Times, symbols: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return `session` and `closing` at some of the times and symbols, (n_times, n_symbols) each.

        Raises
        ------
        DataError
            If the panel was kept by a version that did not note them.
        """
        if (self.session < 0).all():
            raise DataError("these bars of several markets were kept without the sessions of each: read them again")
        some = np.ix_(np.searchsorted(self.times, times), np.searchsorted(self.symbols, symbols))
        return self.session[some], self.closing[some]

    def digest(self, times: Times, symbols: Sequence[str]) -> bytes:
        """Return the hash of what some of the times and symbols have."""
        digest = hashlib.sha256(b"fills-1|")
        for what in ("price", "mark"):
            digest.update(self.of(what, times, symbols).tobytes(order="F"))
        return digest.digest()

    def scaled(self, times: Times, factor: Floats) -> Fills:
        """Return them with the prices at some times multiplied by a factor each."""
        every = np.ones(len(self.times))
        every[np.searchsorted(self.times, times)] = factor.ravel()
        return replace(self, price=self.price * every[:, None], mark=self.mark * every[:, None])

    def check(self) -> None:
        """Refuse a panel that knows something too early.

        Raises
        ------
        IntegrityError
            If a bar was over only after its row, or an order is filled before the row that decided it, or at the open
            of a bar that this row has: its close was used before its open.
        """
        before = self.times[:-1, None]
        for wrong, what in (
            (self.known > self.times[:, None], "its bar was over only at {known}"),
            (self.filled > self.times[:, None], "an order is filled at {filled}"),
            (_below(self.filled[1:] < before), "an order that was decided at {before} is filled at {filled}"),
            (
                _below(self.filled[1:] <= self.opened[:-1]),
                "an order that was decided at {before} is filled at the open of a bar that was known then: are its "
                "stamps the opens of bars?",
            ),
        ):
            if wrong.any():
                row, column = (int(i) for i in np.argwhere(wrong)[0])
                told = what.format(
                    known=self.known[row, column],
                    filled=self.filled[row, column],
                    before=self.times[row - 1],
                )
                raise IntegrityError(
                    f"{self.symbols[column]} looks ahead at {self.times[row]} UTC: {told}; "
                    f"{int(wrong.sum())} of {wrong.size} values of the panel are so"
                )

    def to_frame(self) -> pd.DataFrame:
        """Return them as a long frame, a row per time and symbol, as `from_frame` reads it."""
        rows, columns = len(self.times), len(self.symbols)
        table = {"time": np.repeat(self.times, columns), "symbol": np.tile(np.asarray(self.symbols), rows)}
        return pd.DataFrame(table | {name: getattr(self, name).ravel() for name in _FIELDS})

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Fills:
        """Return what `to_frame` has written."""
        frame = frame.sort_values(["time", "symbol"])
        times = np.unique(frame["time"].to_numpy().astype("datetime64[us]"))
        symbols = tuple(np.unique(frame["symbol"].to_numpy().astype(str)).tolist())
        shape = len(times), len(symbols)
        found: dict[str, Any] = {}
        for name in _FIELDS:
            values = frame[name].to_numpy() if name in frame else np.full(len(frame), _NONE[name])
            found[name] = np.asfortranarray(values.astype(_KINDS.get(name, "datetime64[us]")).reshape(shape))
        return cls(times, symbols, **found)


_FIELDS = ("price", "filled", "mark", "opened", "known", "session", "closing")
_KINDS: dict[str, Any] = {"price": np.float64, "mark": np.float64, "session": np.int64, "closing": np.bool_}
_NONE = {"session": -1, "closing": False}  # where an earlier version kept them not


def _below(wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask of all rows of what was found on all but the first."""
    return np.vstack([np.zeros_like(wrong[:1]), wrong]) if len(wrong) else np.zeros((1, *wrong.shape[1:]), dtype=bool)
