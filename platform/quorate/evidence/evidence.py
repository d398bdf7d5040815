"""Evidence: what metrics and gates see, and what gates answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.splits import Paths
from quorate.errors import PluginError, near_misses
from quorate.evidence.result import GateResult
from quorate.statistics import Floats
from quorate.statistics._excess import excess_of
from quorate.trading.backtest import BacktestResult


@dataclass(frozen=True, eq=False)
class Performance(BacktestResult):
    """All that is known of one series: how it traded (see `BacktestResult`) and what it forecast.

    Parameters
    ----------
    bars_per_year : float
        For annualisation.
    predictions, labels : ndarray of float64, (n_forecasts,)
        Out-of-fold forecasts of the span and what came true; empty for a series without forecasts.
    binary : bool
        Whether predictions are probabilities of the positive class.
    market : ndarray of float64, (n_bars - 1,)
        Net returns of buy and hold over the same bars, at the same fills and costs, in excess of cash as `returns`;
        empty where it is not known.
    naive : ndarray of float64, (n_forecasts,)
        For each forecast the mean of all labels that had ended when it was decided, NaN where none had;
        empty where it is not known.
    forecast_bar : ndarray of int64, (n_forecasts,)
        Position of each forecast's bar in the span, ascending; empty where it is not known.
    entry_price : ndarray of float64, (n_forecasts,)
        The price that a trade decided at each forecast's bar was filled at, where labels are what it earns by then:
        the price forecast is ``entry_price * (1 + predictions)``; empty where labels are anything else.
    levels, quantiles : ndarray of float64, (n_levels,) and (n_forecasts, n_levels)
        What else was forecast of each label's distribution, at levels that ascend, NaN where nothing was; empty for a
        series of point forecasts.
    horizon : int
        Bars that a label spans: labels of consecutive bars overlap.
    """

    bars_per_year: float
    predictions: Floats
    labels: Floats
    binary: bool
    market: Floats = field(default_factory=lambda: np.empty(0))
    naive: Floats = field(default_factory=lambda: np.empty(0))
    forecast_bar: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    entry_price: Floats = field(default_factory=lambda: np.empty(0))
    levels: Floats = field(default_factory=lambda: np.empty(0))
    quantiles: Floats = field(default_factory=lambda: np.empty((0, 0)))
    horizon: int = 1

    @property
    def cross_section(self) -> bool:
        """Whether three symbols or more are forecast at some bar."""
        at = self.forecast_bar
        return len(at) > 2 and bool(np.unique(at, return_counts=True)[1].max() > 2)

    @cached_property
    def returns(self) -> Floats:
        """What is judged: net simple return of each bar after the first, in excess of cash, (n_bars - 1,), read-only.

        Where the recipe has no cash, they are `total_returns`, those of the account as it is.
        """
        returns = excess_of(self.equity, None if self.carry is None else self.carry.cash)
        returns.flags.writeable = False
        return returns


@dataclass(frozen=True)
class Tried:
    """How much was tried on related data, as the ledger of the home knows it.

    Parameters
    ----------
    n : int
        Distinct out-of-sample return series that could have been promoted, those of this run included.
    effective : float
        How many independent ones they amount to, see `quorate.statistics.effective_trials`.
    began : str
        Day from which the ledger knows; what was tried before, or elsewhere, it cannot.
    """

    n: int
    effective: float
    began: str = ""


@dataclass(frozen=True, eq=False)
class Earlier:
    """What the walk-forward before a holdout came to, and how much was tried by the time that it is opened.

    Parameters
    ----------
    gates : mapping of str to GateResult
        What gates said of it.
    trials : Tried
        What was tried on its days so far: more than its own gates knew of, if others tried in between.
    """

    gates: Mapping[str, GateResult]
    trials: Tried


@dataclass(frozen=True, eq=False)
class Unseen:
    """What the models and decisions of a part came to on symbols that are held out of all that is learnt.

    Parameters
    ----------
    performance : Performance
        The judged series there.
    symbols : tuple of str
        Their names.
    independent : float
        As how many independent symbols they count: they have the same dates, and move together.
    silent : str
        Why forecasts of them say nothing; empty, where they do.
    """

    performance: Performance
    symbols: tuple[str, ...]
    independent: float
    silent: str = ""


@dataclass(frozen=True, eq=False)
class AlongFactors:
    """What the judged series earned in periods in which the recipe's factors are known, too.

    Parameters
    ----------
    names : tuple of str
        Of the factors.
    returns : ndarray of float64, (n_periods,)
        Of the judged series, less the return of cash where the factors have it. A period is a bar, or longer where
        factors are.
    factors : ndarray of float64, (n_periods, n_factors)
        What each factor earned.
    per_year : float
        Periods of a year.
    bars : int
        That the periods span.
    reason : str
        Why nothing can be said of them; empty, where something can.
    """

    names: tuple[str, ...]
    returns: Floats
    factors: Floats
    per_year: float
    bars: int
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a gate sees. All but the first three may be missing; a gate that needs them then is INSUFFICIENT.

    Arrays are read-only; tables and mappings are the gate's own copies.

    Parameters
    ----------
    performance, benchmark : Performance
        The series that is judged, and buy and hold traded at the same fills and costs.
    seed : int
        For resampling: from the stamps and prices of the part's bars, so that a series has the same p-value whatever
        recipe it comes from.
    part : {"development", "holdout"}
        What is judged: the walk-forward before the holdout, or the holdout.
    horizon : int
        Bars that a label spans.
    judged : str
        Name of the judged series among the candidates.
    candidates : mapping of str to ndarray of float64, (n_bars - 1,)
        Net returns, in excess of cash, of every series that could be promoted, by name: ensembles and members alone.
    members : mapping of str to Performance
        The members of the ensemble alone, traded by the same strategy.
    trials : Tried or None
        What was tried on related data so far.
    null_market : mapping or None
        What the audit of this pipeline found on markets without anything to find.
    checks : mapping of str to int
        What was checked while the run was made, and how often; a violation would have ended it.
    unseen : Unseen or None
        What the same came to on symbols that nothing was learnt from, over the same bars.
    look : int
        Which look at the holdout it is, as the home knows: 1 for the first recipe that is judged on it. 0 before it.
    earlier : Earlier or None
        Of a holdout: the walk-forward before it.
    regimes : mapping of str to ndarray of str, (n_bars - 1,)
        For each return the market's regime as it was known when the return began, "" where it was not: ``volatility``
        (calm, usual, wild) and ``trend`` (above or below its trailing mean).
    factors : AlongFactors or None
        What the judged series earned beside the factors of the recipe.
    pretrained : mapping of str to mapping
        For each member that begins with weights which were trained elsewhere: what they are, and how many of the
        judged ``rows`` they may have ``seen``, also in ``words``.
    """

    performance: Performance
    benchmark: Performance
    seed: int
    _metrics: Mapping[str, float] = field(default_factory=dict)
    _benchmark_metrics: Mapping[str, float] = field(default_factory=dict)
    part: Literal["development", "holdout"] = "development"
    horizon: int = 1
    judged: str = ""
    candidates: Mapping[str, Floats] = field(default_factory=dict)
    members: Mapping[str, Performance] = field(default_factory=dict)
    trials: Tried | None = None
    null_market: Mapping[str, Any] | None = None
    checks: Mapping[str, int] = field(default_factory=dict)
    unseen: Unseen | None = None
    look: int = 0
    earlier: Earlier | None = None
    regimes: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    factors: AlongFactors | None = None
    pretrained: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _retrade: Callable[[float, int], Performance] | None = None
    _paths: Mapping[tuple[int, int, str], Paths] = field(default_factory=dict)

    def metric(self, name: str) -> float:
        """Return a metric of the judged series, NaN where it is undefined."""
        return self._lookup(self._metrics, name)

    def benchmark_metric(self, name: str) -> float:
        """Return the same metric of buy and hold."""
        return self._lookup(self._benchmark_metrics, name)

    def retraded(self, costs: float = 1.0, delay: int = 0) -> Performance | None:
        """Return what the same decisions earn at other costs or filled later; None where that is not known.

        Parameters
        ----------
        costs : float
            Factor of fees and slippage, and of what is paid to borrow.
        delay : int
            Bars by which every order is late.
        """
        return self._retrade(costs, delay) if self._retrade else None

    def paths(self, groups: int, tests: int, splitter: str) -> Paths | None:
        """Return what combinatorial paths through the walk-forward's bars earn: evidence, and no backtest.

        A path's fits train on later data, too, so nobody could have traded it. None where these paths were
        not computed: they are for gates whose spec says ``paths=True``, by these three of their options, and
        before the holdout only.

        Parameters
        ----------
        groups, tests : int
            How many groups of bars there are, and how many of them each split predicts.
        splitter : str
            The combinatorial splitter that named the groups.
        """
        return self._paths.get((groups, tests, splitter))

    @staticmethod
    def _lookup(table: Mapping[str, float], name: str) -> float:
        if name not in table:
            raise PluginError(
                f"a gate asks for the metric {name!r}, which no plugin provides{near_misses(name, table)}"
            )
        return table[name]
