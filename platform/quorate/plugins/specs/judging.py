"""What trades, measures and judges, and where bars and recipes come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from quorate.errors import PluginError, near_misses, one_of
from quorate.plugins.specs.base import Lazy, Spec

BAR_INPUTS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class StrategySpec(Spec):
    """A strategy: ``function(score, threshold, **inputs, **params)`` gives desired weights in [-1, 1].

    `score` is float64 (n_bars, n_symbols), read-only, NaN where there is no prediction; row *t* of the
    result may read rows up to *t* only, of the inputs too. The platform applies the recipe's
    ``[strategy.risk]`` and scales the weights so that the gross exposure of all symbols is at most one.

    A function whose signature names them is also given `bars_per_year` (float, for annualising), `binary`
    (bool: the score is ``2p - 1``, else an expected return), `horizon` (int: bars of the label), `side` (float64
    like `score`: the side that the primary rule of a meta-label takes, 1, -1 or 0; the recipe's label must be one),
    `gone` (int: bars without a price after which a symbol is taken for ended and paid out), `member` (bool (n_bars,
    n_symbols): whether a symbol belongs to the universe) and `categories` (mapping of the names of the bars' categories
    to codes, int32 (n_bars, n_symbols), -1 where a bar has none).

    Parameters
    ----------
    inputs : tuple of str
        What it reads of the bars beside the score, passed by name: of ``open``, ``high``, ``low``,
        ``close``, ``volume``; panels like the score, NaN where a symbol has no bar.
    cross_sectional : bool
        The weight of a symbol depends on the scores or bars of the others, e.g. by rank.
    portfolio : bool
        The weights of a bar are shares of the whole capital, whose sizes add up to 1 at most: the platform does not
        divide the capital among the symbols. It needs several symbols, and `cross_sectional`. What is held of a
        symbol that misses a bar stays, so its weight may stay, too.

    Raises
    ------
    PluginError
        If an input is unknown, or a portfolio is not cross-sectional.
    """

    kind: ClassVar[str] = "strategy"

    inputs: tuple[str, ...] = ()
    cross_sectional: bool = False
    portfolio: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.inputs, str):
            raise PluginError(f"{self}: inputs must be a tuple, e.g. ({self.inputs!r},)")
        for name in self.inputs:
            if name not in BAR_INPUTS:
                raise PluginError(
                    f"{self}: unknown input {name!r}: it must be one of {one_of(BAR_INPUTS)}"
                    f"{near_misses(name, BAR_INPUTS)}"
                )
        if self.portfolio and not self.cross_sectional:
            raise PluginError(
                f"{self}: portfolio=True needs cross_sectional=True: shares of one capital depend on each other"
            )


@dataclass(frozen=True)
class CostSpec(Spec):
    """A cost model: ``function(bars, **options)`` gives ``(fees, slippage)``, or ``(fees, slippage, impact)``.

    Fees and slippage are fractions of the traded value per side, each a number or float64 (n_bars, n_symbols) for
    orders filled at that bar; what an order costs may be read from bars up to the one that fills it.
    With an impact, of the same shape, an order of the value V, in the currency of the prices, has the slippage
    ``slippage + impact * sqrt(V)``. The options are the recipe's ``[costs]`` table.
    """

    kind: ClassVar[str] = "cost"


@dataclass(frozen=True)
class MetricSpec(Spec):
    """A metric: ``function(performance, **params)`` gives a float, NaN where it is undefined.

    Parameters
    ----------
    unit : {"ratio", "fraction", "count", "currency", "nats"}
        How the number reads: ``fraction`` prints as a percentage.
    higher_is_better : bool or None
        None: neither.
    annualised : bool
        The number uses the bars' calendar.
    ordered : bool
        The number depends on the order of the bars, e.g. a drawdown.
    forecasts : bool
        The number compares forecasts with labels, and so says nothing across recipes that label otherwise.
    quantiles : bool
        The number is of `Performance.quantiles`: only series that have some are measured by it.
    cross_section : bool
        The number compares symbols of one bar: only series with forecasts of three or more at a bar are measured by it.
    reference : str
        Name of the statistic in `quorate.testing.reference_cases` whose values the metric gives.
    """

    kind: ClassVar[str] = "metric"

    unit: Literal["ratio", "fraction", "count", "currency", "nats"] = "ratio"
    higher_is_better: bool | None = True
    annualised: bool = False
    ordered: bool = False
    forecasts: bool = False
    quantiles: bool = False
    cross_section: bool = False
    reference: str = ""


@dataclass(frozen=True)
class GateSpec(Spec):
    """A gate: ``function(evidence, **params)`` gives a `GateResult`.

    Parameters
    ----------
    tier : {"A", "B", "C", "D"}
        A integrity, B headline, C statistical evidence, D robustness.
    parts : tuple of {"development", "holdout"}
        Which parts of a run it judges.
    paths : bool
        It asks for `Evidence.paths`; its options then hold ``groups``, ``tests`` and ``splitter``, and the
        platform fits and trades these paths for it, on the development part.
    """

    kind: ClassVar[str] = "gate"

    tier: Literal["A", "B", "C", "D"] = "B"
    parts: tuple[Literal["development", "holdout"], ...] = ("development", "holdout")
    paths: bool = False


@dataclass(frozen=True)
class SourceSpec(Spec):
    """A source: ``function(**options)`` gives `Bars`; the options are the recipe's ``[data]`` table.

    If its signature names ``since`` or ``until``, it is passed the recipe's, as dates or None, and need read no more
    than that: what it gives beside is cut off. If it names ``home``, it is passed the folder that runs are kept in; if
    it names ``read``, a function that reads another source, given a table with its name as ``source`` and its options.
    What reads the records of a covariate may also name ``zone``, the time zone of the bars' exchange, and ``values``,
    the columns that the recipe names as values, or None; of ``[factors]`` that names none, ``"*"``: all of them.

    Parameters
    ----------
    actions : str or callable, optional
        ``actions(**options)``, with the same options, gives the splits and dividends of the symbols: a DataFrame with
        columns ``symbol``, ``session`` (ex date), ``kind`` (``split`` or ``dividend``) and ``value`` (new shares per
        old; cash per share). The prices of such a source are as they were traded.
    parts : str or callable, optional
        ``parts(**options)`` gives a list of tables of options, each of which, in place of the same options of the
        whole, reads a part on its own: so an import reads many files or symbols in parallel, and goes on where it was.
    records : str or callable, optional
        ``records(**options)``, with options of its own, gives the records of a covariate: a DataFrame with columns
        ``time`` (what each record is of) and, if it is told, ``published_at``, both time-zone aware, ``symbol``, if
        they are of one, and values. What it has read it tells in ``attrs["read"]``, as `Bars.read` does. Of a source
        without it, covariates are bars.
    """

    kind: ClassVar[str] = "source"

    actions: Lazy | None = None
    parts: Lazy | None = None
    records: Lazy | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for offered in (self.actions, self.parts, self.records):
            if offered is not None:
                self.offering(offered)

    def offering(self, function: Lazy) -> SourceSpec:
        """Return this source with another of its functions in place of the one that reads bars."""
        return replace(self, function=function, actions=None, parts=None, records=None)


@dataclass(frozen=True)
class RecipeSpec(Spec):
    """A ready-to-run recipe: ``function()`` gives the path of its TOML file."""

    kind: ClassVar[str] = "recipe"
