"""Each symbol's bars without gaps, and the way back to the panel."""

from __future__ import annotations

import numpy as np

from quorate import rolling
from quorate.bars.panel import FIELDS, Bars
from quorate.statistics import Floats


class Packing:
    """Each symbol's bars from row 0 on, without gaps; and the way back to the panel."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self.present = bars.present
        self.full = bool(self.present.all())
        self.age = np.cumsum(self.present, axis=0)
        self.count = self.present.sum(axis=0)
        self.offset = np.concatenate(([0], np.cumsum(self.count)[:-1]))
        self._packed = np.arange(len(bars))[None, :] < self.count[:, None]

    def pack(self, field: Floats) -> Floats:
        """Return a panel's values packed, NaN after each symbol's last bar."""
        if self.full:
            return field
        packed = np.full(field.T.shape, np.nan)
        packed[self._packed] = field.T[self.present.T]
        packed.flags.writeable = False
        return packed.T

    def unpack(self, packed: Floats) -> Floats:
        """Return packed values as a panel, NaN where a symbol has no bar."""
        if self.full:
            return packed
        field = np.full(packed.T.shape, np.nan)
        field[self.present.T] = packed.T[self._packed]
        return field.T

    def flat(self) -> Floats:
        """Return every symbol's bars, one symbol after the other, (n_symbol_bars, 5)."""
        return np.column_stack([getattr(self._bars, name).T[self.present.T] for name in FIELDS])


def bar_volatility(bars: Bars, window: int) -> Floats:
    """Return the standard deviation (ddof 1) of the last `window` close-to-close returns, per bar.

    Returns
    -------
    ndarray of float64, (n_bars, n_symbols)
        NaN where a symbol has no bar, and until the window is full. A missed bar is skipped.
    """
    packing = Packing(bars)
    close = packing.pack(bars.close)
    return packing.unpack(rolling.std(rolling.relative(close, rolling.shift(close)), window))
