"""Carry: what cash earns, and what short and funded positions pay, from one close to the next.

Between the closes of bars t - 1 and t, with the rates that were known at t - 1 and the weights that the account had
then, it earns, as a share of its value and beside what prices and orders come to,

    ((1 - net) * cash - short * borrow - (long - short) * funding) * years

Years are those between both stamps, of 365.25 days: weekends count. All of it is reinvested in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars.covariates import named
from quorate.bars.panel import Bars
from quorate.errors import DataError
from quorate.recipe.schema import Rate, RateOf, span_of
from quorate.recipe.schema.rates import MOST
from quorate.statistics import Floats
from quorate.statistics._excess import excess_of

YEAR = np.timedelta64(31_557_600, "s")  # 365.25 days
PARTS = ("interest", "borrow", "funding")  # of what an account earns and pays

Times = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates per year, fractions, as they were known at each close; NaN where they were not.

    Parameters
    ----------
    times : ndarray of datetime64[us], (n_bars,)
        Close stamps.
    cash : ndarray of float64, (n_bars,)
        What cash earns.
    borrow, funding : ndarray of float64, (n_bars, n_symbols)
        What is paid on the value that is short; and on the value that is long, and earned on what is short.
    """

    times: Times
    cash: Floats
    borrow: Floats
    funding: Floats

    def take(self, start: int, stop: int) -> Rates:
        """Return the same for the bars at positions `start` to ``stop - 1``."""
        part = slice(start, stop)
        return Rates(self.times[part], self.cash[part], self.borrow[part], self.funding[part])

    def dearer(self, factor: float) -> Rates:
        """Return the same with `factor` times what is paid to borrow; funding is earned as often as it is paid."""
        return replace(self, borrow=np.maximum(self.borrow, self.borrow * factor))

    @property
    def years(self) -> Floats:
        """Years from each close to the next, (n_bars - 1,)."""
        found: Floats = np.diff(self.times) / YEAR
        return found

    @property
    def arrays(self) -> tuple[Floats, ...]:
        """All that an account's carry is computed from, beside its weights."""
        return self.years, self.cash, self.borrow, self.funding

    @property
    def earned(self) -> Floats:
        """What cash earns from each close to the next, (n_bars - 1,)."""
        return self.cash[:-1] * self.years


@dataclass(frozen=True, eq=False)
class Carry:
    """What carry came to on one account, each from one close to the next, (n_bars - 1,).

    Parameters
    ----------
    cash : ndarray of float64
        What cash earned, per unit of it.
    interest, borrow, funding : ndarray of float64
        Shares of the account's value: earned by cash, paid for what was short, paid for what was long less short.
    traded : ndarray of float64, (n_bars,)
        What the account would be worth without all that: to it, trades add up.
    years : float
        From the first close to the last.
    """

    cash: Floats
    interest: Floats
    borrow: Floats
    funding: Floats
    traded: Floats
    years: float

    @classmethod
    def of(cls, rates: Rates | None, shares: Mapping[str, Floats], traded: Floats) -> Carry | None:
        """Return what carry came to on the first account; None without rates. `shares` as of `carry_of`."""
        if rates is None:
            return None
        interest, borrow, funding = (shares[part][:, 0] for part in PARTS)
        return cls(rates.earned, interest, borrow, funding, traded, float(rates.years.sum()))

    @property
    def cash_per_year(self) -> float:
        """What cash earned, on average, per year; NaN for a single bar."""
        return float(self.cash.sum() / self.years) if self.years else math.nan

    @property
    def financing(self) -> float:
        """What positions earned less what they took from cash, in currency, on the account that trades add up to."""
        beside = self.interest - self.borrow - self.funding - self.cash
        return float(np.sum(beside * self.traded[:-1]))


def rates_of(bars: Bars, cash: Rate | None, borrow: Rate | None, funding: Rate | None) -> Rates | None:
    """Return the rates that a recipe gives; None, where it gives none.

    Raises
    ------
    DataError
        If a covariate is none of rates, or one of cash is of symbols.
    """
    if cash is None and borrow is None and funding is None:
        return None
    found = _read(bars, cash, "data.cash")
    covariate = None if cash is None else _name_of(cash)
    if covariate is not None and bars.covariates[named(bars.covariates, covariate)[0]].symbols:
        raise DataError(f"data.cash: cash earns one rate, and the records of {covariate!r} are of symbols")
    paid = (_read(bars, rate, key) for rate, key in ((borrow, "costs.borrow"), (funding, "costs.funding")))
    return Rates(bars.times, found[:, 0], *paid)


def check_known(rates: Rates | None, bars: Bars, listed: NDArray[np.bool_], first: int) -> None:
    """Raise `DataError`, if a rate is not known at a close from the bar `first` on, at which it could be needed.

    Parameters
    ----------
    listed : ndarray of bool, (n_bars, n_symbols)
        Where a symbol may be held.
    """
    if rates is None:
        return
    for key, values, where in (
        ("data.cash", rates.cash[:, None], np.ones((len(bars), 1), dtype=bool)),
        ("costs.borrow", rates.borrow, listed),
        ("costs.funding", rates.funding, listed),
    ):
        lacks = np.isnan(values[first:]) & where[first:]
        if lacks.any():
            row, column = (int(i) for i in np.argwhere(lacks)[0])
            of = f" of {bars.symbols[column]}" if key != "data.cash" else ""
            raise DataError(
                f"{key}: no rate{of} was known at the close of {bars.sessions[first + row]}, {int(lacks.sum()):,} in "
                f"all from {bars.sessions[first]} on, when trading begins, and nothing later can stand for it: begin "
                "later (data.since), or give the covariate a number as missing, and a longer max_age"
            )


def carry_of(weights: Callable[[], Floats], rates: Rates | None, apart: bool = False) -> dict[str, Floats]:
    """Return the shares of an account's value that cash earns, and that short and funded positions cost.

    Parameters
    ----------
    weights : callable
        Gives the share of the account's value that is held of each symbol at each close, (n_bars, n_symbols).
    rates : Rates or None
        Without them, nothing is earned or paid, and there are no shares.
    apart : bool
        Each symbol has an account of its own.

    Returns
    -------
    dict of str to ndarray of float64, (n_bars - 1, n_accounts)
        By `PARTS`.
    """
    if rates is None:
        return {}
    held, years = weights()[:-1], rates.years[:, None]

    def total(shares: Floats) -> Floats:
        return shares if apart else shares.sum(axis=1, keepdims=True)

    def paid(sizes: Floats, rate: Floats) -> Floats:  # what is not held needs no rate
        return total(np.where(sizes == 0, 0.0, sizes * rate[:-1] * years))

    return {
        "interest": (1 - total(held)) * rates.earned[:, None],
        "borrow": paid(np.maximum(-held, 0.0), rates.borrow),
        "funding": paid(held, rates.funding),
    }


def carried(value: Floats, shares: Mapping[str, Floats]) -> Floats:
    """Return what accounts are worth with their carry, (n_bars, n_accounts); `shares` as of `carry_of`.

    What is lost without carry is lost with it, too.
    """
    earned = shares["interest"] - shares["borrow"] - shares["funding"]
    grown = np.cumprod(np.vstack([value[:1], 1 + (statistics.returns_of(value) + earned)]), axis=0)
    return np.where(value > 0, grown, 0.0)


def in_excess(equity: Floats, rates: Rates | None) -> Floats:
    """Return returns in excess of what cash earns, (n_bars - 1, ...)."""
    return excess_of(equity, None if rates is None else rates.earned)


def _name_of(rate: Rate) -> str | None:
    """Return the covariate that tells a rate; None, where it is a number."""
    return rate.covariate if isinstance(rate, RateOf) else rate if isinstance(rate, str) else None


def _read(bars: Bars, rate: Rate | None, key: str) -> Floats:
    """Return a rate per year, (n_bars, n_symbols)."""
    if rate is None or isinstance(rate, int | float):
        return np.broadcast_to(np.float64(rate or 0.0), bars.close.shape)
    told = rate if isinstance(rate, RateOf) else RateOf(covariate=rate)
    try:
        values = bars.covariate(told.covariate) * (0.01 if told.percent else 1.0)
    except DataError as e:
        raise DataError(f"{key}: {e}") from e
    wrong = np.abs(values) >= MOST
    if wrong.any():
        per = f"per {told.per}" if told.per else "per year"
        raise DataError(
            f"{key}: the covariate {told.covariate!r} must tell fractions {per}, between -1 and 1: 0.04 is 4 %; on "
            f"{bars.sessions[int(np.argwhere(wrong)[0][0])]} it is {values[wrong][0]:g}. If it tells per cent, write "
            f'{{ covariate = "{told.covariate}", percent = true }}; if for another time than a year, per = "8h"'
        )
    return values if told.per is None else values * (YEAR / np.timedelta64(span_of(told.per)))
