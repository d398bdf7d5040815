"""How desired weights are to be traded: the price of fills, fees, slippage, and the impact of an order's own size."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.errors import PluginError
from quorate.statistics import Floats
from quorate.store.kept import KeptArrays
from quorate.trading.carry import Rates
from quorate.trading.order_rules import OrderRules

Fill = Literal["open", "close"]

MOST = 0.5  # costs from here on are a mistake of unit
CAP = 0.499  # of slippage with impact: a larger order pays no more, however much it wants


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
    impact : float or ndarray of float64, (n_bars, n_symbols)
        Times the square root of an order's value, in currency: the slippage that its own size adds.
    carry : Rates, optional
        What cash earns, and what short and funded positions pay; without it, nothing.
    rules : OrderRules, optional
        What orders must be; without them, whatever a changed weight comes to.
    kept : KeptArrays, optional
        Accounts that were booked before.
    """

    fill: Fill = "open"
    fees: float | Floats = 0.0
    slippage: float | Floats = 0.0
    capital: float = 100_000.0
    impact: float | Floats = 0.0
    carry: Rates | None = None
    rules: OrderRules | None = None
    kept: KeptArrays | None = field(default=None, compare=False, repr=False)

    @property
    def has_impact(self) -> bool:
        """Whether what an order costs depends on its size."""
        return bool(np.any(self.impact))

    def slippage_of(self, bar: NDArray[np.int64], column: NDArray[np.int64], value: Floats) -> Floats:
        """Return the slippage of orders by their bars, the columns of their symbols, and their values in currency."""
        slippage, impact = (
            share if isinstance(share, float) else share[bar, column] for share in (self.slippage, self.impact)
        )
        return self.slipped(slippage, impact, value)

    def slipped(self, slippage: float | Floats, impact: float | Floats, value: Floats) -> Floats:
        """Return the slippage of orders of these values, in currency, of which each has its own shares."""
        if not self.has_impact:
            return np.broadcast_to(slippage, value.shape)
        due: Floats = np.minimum(slippage + impact * np.sqrt(value), np.maximum(slippage, CAP))
        return due

    def take(self, start: int, stop: int) -> Trading:
        """Return the same for the bars at positions `start` to ``stop - 1``."""
        fees, slippage, impact = (
            share if isinstance(share, float) else share[start:stop]
            for share in (self.fees, self.slippage, self.impact)
        )
        carry = self.carry and self.carry.take(start, stop)
        rules = self.rules and self.rules.take(start, stop)
        return replace(self, fees=fees, slippage=slippage, impact=impact, carry=carry, rules=rules)

    def dearer(self, factor: float) -> Trading:
        """Return the same with `factor` times the fees, slippage and impact, and what is paid to borrow."""
        shares = {name: getattr(self, name) * factor for name in ("fees", "slippage", "impact")}
        return replace(self, **shares, carry=self.carry and self.carry.dearer(factor))

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
    shares = _numbers(value, name, model, bars)
    known = shares[bars.present] if shares.ndim else shares
    wrong = ~((known >= 0) & (known < MOST))
    if wrong.any():
        raise PluginError(
            f"cost model {model!r}: {name} must be a fraction of the traded value, 0 <= {name} < {MOST}; it was "
            f"{np.ravel(known)[int(np.argmax(wrong))]:g}"
        )
    return _carried(shares, bars)


def check_impact(value: Any, model: str, bars: Bars) -> float | Floats:
    """Return what slippage grows by with the square root of an order's value; where a symbol has no bar, its last one.

    Raises
    ------
    PluginError
        If it is not finite, or negative.
    """
    shares = _numbers(value, "impact", model, bars)
    known = shares[bars.present] if shares.ndim else shares
    wrong = ~((known >= 0) & np.isfinite(known))
    if wrong.any():
        raise PluginError(
            f"cost model {model!r}: impact must be finite and at least 0: an order of the value V, in currency, adds "
            f"impact * sqrt(V) to its slippage; it was {np.ravel(known)[int(np.argmax(wrong))]:g}"
        )
    return _carried(shares, bars)


def _numbers(value: Any, name: str, model: str, bars: Bars) -> Floats:
    shares = np.asarray(value, dtype=np.float64)
    if shares.ndim and shares.shape != bars.close.shape:
        raise PluginError(
            f"cost model {model!r}: {name} must be a number or an array {bars.close.shape}; its shape is {shares.shape}"
        )
    return shares


def _carried(shares: Floats, bars: Bars) -> float | Floats:
    """Return a number as it is, and an array with the last cost of a symbol that has ended: so it is paid out."""
    if not shares.ndim:
        return float(shares)
    return pd.DataFrame(np.where(bars.present, shares, np.nan)).ffill().fillna(0.0).to_numpy()
