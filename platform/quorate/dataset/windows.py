"""Windows of the last bars, gathered when they are asked for: all of them at once would be many times the bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Rows = slice | NDArray[Any] | Sequence[int]


class Windows:
    """The features of the last `lookback` bars of each row, oldest first.

    Behaves as a read-only array (n_rows, lookback, n_features) where a model asks for ``len``, ``shape``, ``dtype``,
    or some rows; ``numpy.asarray`` makes a whole array of it.

    Parameters
    ----------
    bars : ndarray of float32, (n_bars, n_features)
        The features of every symbol's bars, one symbol after the other, as they are shared by all fits.
    last : ndarray of int64, (n_rows,)
        The row's own bar in `bars`.
    lookback : int
        Bars of a window; none reaches into another symbol.
    symbol : ndarray of int64, (n_rows,)
        Which symbol a row is of.
    lengths : ndarray of int64, (n_rows,), optional
        Of sequences of unequal length: how many bars each has, `lookback` at most. Bars before them are never read; an
        array of such windows has NaN there.

    Examples
    --------
    >>> import numpy as np
    >>> from quorate import Windows
    >>> bars = np.arange(8, dtype=np.float32).reshape(4, 2)
    >>> windows = Windows(bars, np.array([1, 3]), 2, np.array([0, 0]))
    >>> windows.shape, windows[np.array([1])].tolist()
    ((2, 2, 2), [[[4.0, 5.0], [6.0, 7.0]]])
    """

    def __init__(
        self,
        bars: NDArray[np.float32],
        last: NDArray[np.int64],
        lookback: int,
        symbol: NDArray[np.int64],
        lengths: NDArray[np.int64] | None = None,
    ) -> None:
        self.bars, self.last, self.lookback, self.symbol, self.lengths = bars, last, lookback, symbol, lengths

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.last)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, bars of a window (at most), features."""
        return len(self.last), self.lookback, self.bars.shape[1]

    @property
    def ndim(self) -> int:
        """Three."""
        return 3

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the features."""
        return self.bars.dtype

    @overload
    def __getitem__(self, rows: slice) -> Windows: ...
    @overload
    def __getitem__(self, rows: NDArray[Any] | Sequence[int]) -> NDArray[np.float32]: ...

    def __getitem__(self, rows: Rows) -> Windows | NDArray[np.float32]:
        """Return the windows of a slice, ungathered, or those of some rows, float32 (n, lookback, n_features)."""
        if isinstance(rows, slice):
            lengths = None if self.lengths is None else self.lengths[rows]
            return Windows(self.bars, self.last[rows], self.lookback, self.symbol[rows], lengths)
        places, back = np.asarray(rows), np.arange(1 - self.lookback, 1)
        found: NDArray[np.float32] = self.bars[self.last[places][:, None] + back]
        if self.lengths is not None:
            found[back <= -self.lengths[places][:, None]] = np.nan
        return found

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all windows as one array."""
        if copy is False:
            raise ValueError("windows are gathered: an array of them is always a copy")
        return self[np.arange(len(self))].astype(dtype or self.dtype, copy=False)

    def covered(self) -> NDArray[np.int64]:
        """Return how many of the windows each bar stands in, (n_bars,)."""
        return covered(self.last, self.lookback if self.lengths is None else self.lengths, len(self.bars))


def covered(last: NDArray[np.int64], lookback: int | NDArray[np.int64], n_bars: int) -> NDArray[np.int64]:
    """Return in how many windows each bar stands, (n_bars,), by their last bars and how many each has."""
    edge = np.zeros(n_bars + 1, dtype=np.int64)
    np.add.at(edge, last - lookback + 1, 1)
    np.add.at(edge, last + 1, -1)
    return np.cumsum(edge[:-1])
