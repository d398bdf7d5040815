"""Limits on positions, for any strategy: stops, a longest holding time, a no-trade band, a target volatility.

A limit is seen at the close of a bar and traded at the next bar's fill, like every decision: nothing is filled
inside a bar, so a gap can lose more than a stop allows. The price of entry is the fill of the bar after the
decision, known from that bar on. A bar that a symbol misses changes nothing: its position and its limits wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quorate import rolling
from quorate.bars.panel import Bars
from quorate.dataset.packing import Packing, bar_volatility
from quorate.statistics import Floats
from quorate.trading.costs import Fill
from quorate.trading.orders import listed

# A price at the level itself counts, and a change as large as the band, however they are rounded.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Risk:
    """Limits on the position of each symbol; 0 is off.

    Parameters
    ----------
    stop : float
        Leave once the close has lost this fraction of the price of entry.
    trailing : float
        Leave once the close is this fraction worse than the best close since entry.
    atr : float
        Leave once the close is this many average true ranges worse than the price of entry. The range is
        that of the bar that decided to enter.
    atr_window : int
        Its bars.
    max_bars : int
        Leave after so many bars, from fill to fill.
    band : float
        A change of weight smaller than this is not made; to enter, leave or turn always is. Like the
        strategy's weights, a fraction of the symbol's share of the capital.
    volatility : float
        Target, per year: weights are scaled by min(1, target / realised).
    volatility_window : int
        Bars that the realised volatility is taken over.
    """

    stop: float = 0.0
    trailing: float = 0.0
    atr: float = 0.0
    atr_window: int = 14
    max_bars: int = 0
    band: float = 0.0
    volatility: float = 0.0
    volatility_window: int = 20

    @property
    def active(self) -> bool:
        """Whether any limit is on."""
        return any((self.stop, self.trailing, self.atr, self.max_bars, self.band, self.volatility))


def limited(weights: Floats, bars: Bars, risks: Sequence[Risk], fill: Fill) -> Floats:
    """Return the weights that are left by the limits; row *t* reads weights and bars up to *t* only.

    After a limit has ended a position, its symbol stays out until the strategy's own weight has been zero or
    of the other sign. With `atr` or `volatility`, a symbol stays out until the window is full. One that is
    taken for ended has no position, and starts anew when it comes back.

    Parameters
    ----------
    weights : ndarray of float64, (n_bars, n_symbols, n_columns)
        Of the strategy, -1..1, finite. Where a symbol has no bar they are left as they are: nothing is
        traded there.
    risks : sequence of Risk, n_columns
        The limits of each column.

    Returns
    -------
    ndarray of float64, (n_bars, n_symbols, n_columns)
        The argument itself, if no limit is on.
    """
    if not any(risk.active for risk in risks):
        return weights
    return Positions(weights.shape[1:], risks).limited(weights, bars, fill)


class Positions:
    """What is held, how it was entered, and where it may not be entered, each (n_symbols, n_columns)."""

    def __init__(self, shape: tuple[int, ...], risks: Sequence[Risk]) -> None:
        self.risks = risks
        self.stop = _distances([risk.stop for risk in risks])
        self.trailing = _distances([risk.trailing for risk in risks])
        self.most = _distances([risk.max_bars for risk in risks])
        self.band = np.array([risk.band for risk in risks]) - ROUNDING
        self.weight = np.zeros(shape)  # as last ordered
        self.barred = np.zeros(shape)  # the side on which a limit ended the last position
        self.ordered = np.zeros(shape, dtype=bool)  # entered by an order that is not filled yet
        self.age = np.zeros(shape)  # bars held
        self.entry, self.best, self.reach = (np.full(shape, np.nan) for _ in range(3))

    def limited(self, weights: Floats, bars: Bars, fill: Fill) -> Floats:
        """Return the weights of the last bars that are left, going on from what is held before them.

        Parameters
        ----------
        weights : ndarray of float64, (n_last, n_symbols, n_columns)
            As of `limited`, of the last bars alone; the bars themselves are all.
        """
        part = slice(len(bars) - len(weights), None)
        wanted, reach = _sized(weights, bars, self.risks)
        fields = (bars.fill(fill), bars.close, bars.present)
        prices, closes, present = (field[part, :, None] for field in fields)
        ended = ~listed(bars)[part]
        out = weights.copy()
        with np.errstate(invalid="ignore"):  # limits that are off are infinitely far away
            for t in range(len(weights)):
                self.drop(ended[t])
                self.mark(present[t], prices[t], closes[t])
                hit = self.hit(present[t], closes[t])
                self.order(present[t], np.sign(weights[t]), wanted[t], hit, reach[t])
                np.copyto(out[t], self.weight, where=present[t])
        return out

    def drop(self, ended: NDArray[np.bool_]) -> None:
        """Forget symbols that have ended: they were paid out."""
        if ended.any():
            self.weight[ended] = 0.0
            self.barred[ended] = 0.0

    def mark(self, present: NDArray[np.bool_], price: Floats, close: Floats) -> None:
        """Fill what was ordered, and note the best close and the age of what is held."""
        side = np.sign(self.weight)
        filled = present & self.ordered & np.isfinite(price)
        self.entry = np.where(filled, price, self.entry)
        better = present & (filled | (side * close > side * self.best))
        self.best = np.where(better, close, self.best)
        self.age = np.where(filled, 1.0, self.age + present)
        self.ordered &= ~(present & np.isfinite(price))

    def hit(self, present: NDArray[np.bool_], close: Floats) -> NDArray[np.bool_]:
        """Return where a limit ends a position at this close."""
        side = np.sign(self.weight)
        levels = (self.entry * (1 - side * self.stop), self.best * (1 - side * self.trailing),
                  self.entry - side * self.reach)  # fmt: skip
        worst = np.fmax(np.fmax(side * levels[0], side * levels[1]), side * levels[2])
        lost = side * close <= worst + ROUNDING * close
        ended: NDArray[np.bool_] = present & (side != 0) & (lost | (self.age >= self.most))
        return ended

    def order(
        self, present: NDArray[np.bool_], own: Floats, wanted: Floats, hit: NDArray[np.bool_], reach: Floats
    ) -> None:
        """Order the weights that are wanted, but for what is barred or too small a change."""
        side = np.sign(self.weight)
        barred = np.where(hit & (own == side), side, np.where(own == self.barred, self.barred, 0.0))
        self.barred = np.where(present, barred, self.barred)
        weight = np.where(barred == 0, wanted, 0.0)
        small = (np.sign(weight) == side) & (np.abs(weight - self.weight) < self.band)
        weight = np.where(small, self.weight, weight)
        entering = present & (weight != 0) & (np.sign(weight) != side)
        self.ordered |= entering
        self.reach = np.where(entering, reach, self.reach)
        self.weight = np.where(present, weight, self.weight)


def average_true_range(bars: Bars, window: int) -> Floats:
    """Return the average true range, in the prices' currency, (n_bars, n_symbols) (Wilder 1978).

    Wilder's mean, started from the plain mean of the first `window` true ranges; the first bar of a symbol
    has none. A missed bar is skipped: the range then reaches back to the last close. NaN where a symbol has
    no bar, and until the window is full.
    """
    packing = Packing(bars)
    high, low, close = (packing.pack(field) for field in (bars.high, bars.low, bars.close))
    before = rolling.shift(close)
    true_range = np.maximum(high, before) - np.minimum(low, before)
    return packing.unpack(rolling.ewm(true_range, 1.0 / window, first=1, seed=window))


def realised_volatility(bars: Bars, window: int) -> Floats:
    """Return the `bar_volatility` of the last `window` returns, per year, (n_bars, n_symbols)."""
    annual: Floats = bar_volatility(bars, window) * np.sqrt(bars.bars_per_year)
    return annual


def _sized(weights: Floats, bars: Bars, risks: Sequence[Risk]) -> tuple[Floats, Floats]:
    """Return the weights at the target volatility, and how far away the stop by true range is, in prices."""
    part = slice(len(bars) - len(weights), None)
    ranges = {n: average_true_range(bars, n)[part] for n in {risk.atr_window for risk in risks if risk.atr}}
    windows = {risk.volatility_window for risk in risks if risk.volatility}
    realised = {n: realised_volatility(bars, n)[part] for n in windows}
    sized, reach = weights.copy(), np.full(weights.shape, np.inf)
    for k, risk in enumerate(risks):
        if risk.atr:
            reach[:, :, k] = risk.atr * ranges[risk.atr_window]
            sized[:, :, k][np.isnan(reach[:, :, k])] = 0.0
        if risk.volatility:
            actual = realised[risk.volatility_window]
            # What stands still is as calm as can be; what is not known yet cannot be sized.
            scale = risk.volatility / np.maximum(actual, risk.volatility)
            sized[:, :, k] = np.where(np.isnan(scale), 0.0, sized[:, :, k] * scale)
    return sized, reach


def _distances(values: Sequence[float]) -> Floats:
    """Return limits as an array, those that are off infinitely far away."""
    return np.array([value or np.inf for value in values], dtype=np.float64)
