"""How desired weights are to be traded: the price of fills, fees and slippage."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from quorate.bars.panel import Bars
from quorate.errors import PluginError
from quorate.statistics import Floats
from quorate.store.kept import KeptArrays
from quorate.trading.carry import Rates

Fill = Literal["open", "close"]

MOST = 0.5  # costs from here on are a mistake of unit


@dataclass(frozen=True)
class Trading:
    """How desired weights are traded.

    Parameters
    ----------
    fill : {"open", "close"}
        Price of the next bar that orders are filled at.
    fees, slippage : float or ndarray of float64, (n_bars, n_symbols)
        Fractions of the traded value, per side; of orders filled at that bar.
    capital : float
        Cash at the start.
    carry : Rates, optional
        What cash earns, and what short and funded positions pay; without it, nothing.
    kept : KeptArrays, optional
        Accounts that were booked before.
    """

    fill: Fill = "open"
    fees: float | Floats = 0.0
    slippage: float | Floats = 0.0
    capital: float = 100_000.0
    carry: Rates | None = None
    kept: KeptArrays | None = field(default=None, compare=False, repr=False)

    def take(self, start: int, stop: int) -> Trading:
        """Return the same for the bars at positions `start` to ``stop - 1``."""
        fees, slippage = (
            share if isinstance(share, float) else share[start:stop] for share in (self.fees, self.slippage)
        )
        carry = self.carry and self.carry.take(start, stop)
        return replace(self, fees=fees, slippage=slippage, carry=carry)

    def dearer(self, factor: float) -> Trading:
        """Return the same with `factor` times the fees and slippage, and what is paid to borrow."""
        carry = self.carry and self.carry.dearer(factor)
        return replace(self, fees=self.fees * factor, slippage=self.slippage * factor, carry=carry)

    def worse(self, slippage: float) -> Trading:
        """Return the same with so much more slippage per side, a fraction."""
        return replace(self, slippage=self.slippage + slippage)


def check_cost(value: Any, name: str, model: str, bars: Bars) -> float | Floats:
    """Return fees or slippage as a number or an array; where a symbol has no bar, its last one.

    Raises
    ------
    PluginError
        If it is not a fraction from 0 to below one half.
    """
    shares = np.asarray(value, dtype=np.float64)
    if shares.ndim and shares.shape != bars.close.shape:
        raise PluginError(
            f"cost model {model!r}: {name} must be a number or an array {bars.close.shape}; its shape is {shares.shape}"
        )
    known = shares[bars.present] if shares.ndim else shares
    wrong = ~((known >= 0) & (known < MOST))
    if wrong.any():
        raise PluginError(
            f"cost model {model!r}: {name} must be a fraction of the traded value, 0 <= {name} < {MOST}; it was "
            f"{np.ravel(known)[int(np.argmax(wrong))]:g}"
        )
    if not shares.ndim:
        return float(shares)
    # One that has ended is paid out at its last price, and at its last cost.
    return pd.DataFrame(np.where(bars.present, shares, np.nan)).ffill().fillna(0.0).to_numpy()
