"""What trades, measures and judges, and where bars and recipes come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from quorate.specs._base import Spec


@dataclass(frozen=True)
class StrategySpec(Spec):
    """A strategy: ``function(score, threshold, **params)`` gives desired weights in [-1, 1].

    `score` is float64 (n_bars, n_symbols), NaN where there is no prediction; row *t* of the result
    may read rows up to *t* only. The platform scales the weights so that the gross exposure of all
    symbols is at most one.

    Parameters
    ----------
    cross_sectional : bool
        The weight of a symbol depends on the scores of the others, e.g. by rank.
    """

    kind: ClassVar[str] = "strategy"

    cross_sectional: bool = False


@dataclass(frozen=True)
class CostSpec(Spec):
    """A cost model: ``function(bars, **options)`` gives ``(fees, slippage)``.

    Each is a fraction of the traded value per side, as a number or as float64 (n_bars, n_symbols) for
    orders filled at that bar; what an order costs may be read from bars up to the one that fills it.
    The options are the recipe's ``[costs]`` table.
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
    reference : str
        Name of the statistic in `quorate.testing.reference_cases` whose values the metric gives.
    """

    kind: ClassVar[str] = "metric"

    unit: Literal["ratio", "fraction", "count", "currency", "nats"] = "ratio"
    higher_is_better: bool | None = True
    annualised: bool = False
    ordered: bool = False
    reference: str = ""


@dataclass(frozen=True)
class GateSpec(Spec):
    """A gate: ``function(evidence, **params)`` gives a `GateResult`.

    Parameters
    ----------
    tier : {"A", "B", "C", "D"}
        A integrity, B headline, C statistical evidence, D robustness.
    """

    kind: ClassVar[str] = "gate"

    tier: Literal["A", "B", "C", "D"] = "B"


@dataclass(frozen=True)
class SourceSpec(Spec):
    """A source: ``function(**options)`` gives `Bars`; the options are the recipe's ``[data]`` table."""

    kind: ClassVar[str] = "source"


@dataclass(frozen=True)
class RecipeSpec(Spec):
    """A ready-to-run recipe: ``function()`` gives the path of its TOML file."""

    kind: ClassVar[str] = "recipe"
