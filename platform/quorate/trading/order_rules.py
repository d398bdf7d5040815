"""From desired weights to orders in units: lots, a no-trade band, a rebalance calendar, and what the account can pay.

One implementation for the backtest and for `quorate orders`. An order is decided at a close, of what the account holds
and what is desired then, and filled at the next bar. Positions are brought to their desired weights wherever the rules
let them, not only where a desired weight changes: who looks at an account cannot tell what was desired before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.statistics import Floats

Rebalance = Literal["every", "weekly", "monthly"]
REBALANCE: tuple[Rebalance, ...] = ("every", "weekly", "monthly")

MOST_GROSS = 1.0  # of the account's value: what a strategy's weights add up to at most
TIGHT = 1e-11  # relative; by so much less than what is there is spent, so that no rounding overdraws an account
ROUNDING = 1e-12  # relative; a quantity or a change that is as large as a lot or the band, however it is rounded


@dataclass(frozen=True, eq=False)
class OrderRules:
    """What an order must be.

    Parameters
    ----------
    lots : ndarray of float64, (n_symbols, 1)
        Units that a symbol is traded in multiples of; 0: any fraction. (1, n_accounts), if each account has a symbol of
        its own.
    band : float
        A change of weight smaller than this is not traded; an exit always is.
    due : ndarray of bool, (n_bars,)
        At which closes it may be decided to rebalance; at the others, only to exit.
    least : float
        Currency; an order of less value is not given; an exit always is.
    reserve : float
        Currency; cash that nothing is bought with, but what ends a short position.
    """

    lots: Floats
    band: float
    due: NDArray[np.bool_]
    least: float = 0.0
    reserve: float = 0.0

    @classmethod
    def of(
        cls, bars: Bars, lots: float | Mapping[str, float] | None, band: float | None, rebalance: Rebalance | None
    ) -> OrderRules | None:
        """Return the rules of a recipe for these bars; None, where it has none."""
        if lots is None and band is None and rebalance is None:
            return None
        return cls(lots_of(bars.symbols, lots), band or 0.0, begins(bars, rebalance or "every"))

    @property
    def arrays(self) -> tuple[Floats, ...]:
        """All that orders are decided by, beside account, prices and weights."""
        return self.lots, np.array([self.band, self.least, self.reserve]), self.due.astype(np.float64)

    def take(self, start: int, stop: int) -> OrderRules:
        """Return the same for the bars at positions `start` to ``stop - 1``."""
        return replace(self, due=self.due[start:stop])


@dataclass(frozen=True, eq=False)
class Holdings:
    """Accounts at a close: cash, (n_accounts,), and what broadcasts to (n_symbols, n_accounts).

    Parameters
    ----------
    cash : ndarray of float64
    held : ndarray of float64
        Units, negative where short.
    price : ndarray of float64
        Last closes; NaN where there is none.
    cost : ndarray of float64
        Fees and slippage per side, fractions of the traded value, as far as they are known.
    """

    cash: Floats
    held: Floats
    price: Floats
    cost: Floats

    @cached_property
    def values(self) -> Floats:
        """What positions are worth; nothing without a price."""
        found = self.held * self.price
        return np.where(np.isfinite(found), found, 0.0)

    @cached_property
    def equity(self) -> Floats:
        """Cash and positions, (n_accounts,)."""
        found: Floats = self.cash + total(self.values)
        return found


def lots_of(symbols: Sequence[str], lots: float | Mapping[str, float] | None) -> Floats:
    """Return the lot of each symbol, 0 where it has none, (n_symbols, 1)."""
    each = lots if isinstance(lots, Mapping) else dict.fromkeys(symbols, lots or 0.0)
    return np.array([[float(each.get(symbol, 0.0))] for symbol in symbols])


def begins(bars: Bars, rebalance: Rebalance) -> NDArray[np.bool_]:
    """Return at which bars a week or month begins, by the session of the bar before: known at each close, (n_bars,)."""
    if rebalance == "every":
        return np.ones(len(bars), dtype=bool)
    day = bars.sessions.astype("datetime64[D]")
    # Days are counted from a Thursday, and weeks begin on Mondays.
    period = day.astype("datetime64[M]").astype(np.int64) if rebalance == "monthly" else (day.astype(np.int64) + 3) // 7
    return np.concatenate(([True], period[1:] != period[:-1]))


def total(values: Floats) -> Floats:
    """Return sums over symbols, one after the other: the same to the last bit however many accounts there are."""
    found: Floats = values.cumsum(axis=0)[-1]
    return found


def orders_at(rules: OrderRules, wanted: Floats, at: Holdings, due: bool) -> tuple[Floats, Floats]:
    """Return what is ordered at a close, in units, negative for what is sold, both (n_symbols, n_accounts).

    The first reduces or ends positions, the second opens or enlarges them; an order is the sum of both.

    What is sold pays for what is bought. Quantities are rounded toward zero; what opens or enlarges positions is cut
    down, all alike, until their values add up to `MOST_GROSS` of the account at most and cash pays for it at these
    prices, costs included.

    Parameters
    ----------
    wanted : ndarray of float64, (n_symbols, n_accounts)
        Desired weights; NaN leaves a symbol alone.
    due : bool
        Whether positions are rebalanced; else they are only ended, where nothing is desired, or the other side.
    """
    lots, equity, priced = rules.lots, at.equity, np.isfinite(at.price) & (at.price > 0)
    alive, price = equity > 0, np.where(priced, at.price, 1.0)
    wanted = np.where(alive | np.isnan(wanted), wanted, 0.0)
    exits = (wanted == 0) & (at.held != 0)
    aim = np.where(exits | (np.sign(wanted) == -np.sign(at.held)), 0.0, at.held)
    if due:
        scale = np.where(alive, equity, 1.0)
        quiet = np.abs(wanted - at.values / scale) < rules.band - ROUNDING
        aim = np.where(quiet & ~exits | ~priced, np.where(exits, 0.0, at.held), wanted * scale / price)
    aim = np.where(np.isnan(wanted), at.held, aim)
    if (aim == at.held).all():
        return np.zeros_like(aim), np.zeros_like(aim)
    ended, opened = steps_to(aim, at.held, lots)
    ended, opened = _large_enough(rules, ended, opened, price, exits)
    room = MOST_GROSS * equity - total(np.abs(at.held + ended) * np.where(priced, price, 0.0))
    opened = cut(opened, total(np.abs(opened) * price), room, lots)
    pays, brings = price * (1 + at.cost), price * (1 - at.cost)
    ended, opened = affordable(ended, opened, pays, brings, at.cash, lots, rules.reserve)
    return _large_enough(rules, ended, opened, price, exits)


def _large_enough(
    rules: OrderRules, ended: Floats, opened: Floats, price: Floats, exits: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return orders without those of too little value."""
    if not rules.least:
        return ended, opened
    small = (np.abs(ended + opened) * price < rules.least) & ~exits
    return np.where(small, 0.0, ended), np.where(small, 0.0, opened)


def steps_to(aim: Floats, held: Floats, lots: Floats) -> tuple[Floats, Floats]:
    """Return units that reduce positions, and that open or enlarge them, on the way to others, in whole lots.

    What ends a position ends all of it.
    """
    kept = np.where(held >= 0, np.clip(aim, 0.0, np.maximum(held, 0.0)), np.clip(aim, np.minimum(held, 0.0), 0.0))
    return np.where(kept == 0, -held, in_lots(kept - held, lots)), in_lots(aim - kept, lots)


def affordable(
    ended: Floats, opened: Floats, pays: Floats, brings: Floats, cash: Floats, lots: Floats, reserve: float = 0.0
) -> tuple[Floats, Floats]:
    """Return orders, as of `steps_to`, whose purchases are paid by cash and by what is sold, (n_symbols, n_accounts).

    What ends short positions comes before what is bought to be held.

    Parameters
    ----------
    ended, opened : ndarray of float64, (n_symbols, n_accounts)
        As of `steps_to`.
    pays, brings : ndarray of float64, (n_symbols, n_accounts)
        What a unit that is bought costs, and what one that is sold brings, costs included.
    """
    sold, shorted = np.minimum(ended, 0.0), np.minimum(opened, 0.0)
    cash = cash - total((sold + shorted) * brings)
    covers, buys = np.maximum(ended, 0.0), np.maximum(opened, 0.0)
    covers = cut(covers, total(covers * pays), cash, np.zeros_like(lots))
    cash = cash - total(covers * pays) - reserve
    return sold + covers, shorted + cut(buys, total(buys * pays), cash, lots)


def cut(units: Floats, needed: Floats, there: Floats, lots: Floats) -> Floats:
    """Return units, cut down alike where more is needed than is there, in whole lots."""
    there = np.maximum(there, 0.0)
    short = needed > there * (1 - ROUNDING)
    if not short.any():
        return units
    share = there * (1 - TIGHT) / np.where(needed > 0, needed, 1.0)
    return np.where(short, in_lots(units * np.minimum(share, 1.0), lots), units)


def in_lots(units: Floats, lots: Floats) -> Floats:
    """Return units rounded toward zero to multiples of lots; as they are, where these are 0."""
    if not lots.any():
        return units
    steps = np.where(lots > 0, lots, 1.0)
    return np.where(lots > 0, np.trunc(units / steps * (1 + ROUNDING)) * steps, units)
