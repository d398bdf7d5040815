"""The tables of a recipe that say what is traded and judged: threshold, strategy, costs, backtest, gates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from quorate.recipe.schema.base import NUMBER, TABLE, Open, Params, Section
from quorate.recipe.schema.rates import Rate

SCORE_THRESHOLDS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.10, 0.15, 0.20)
RETURN_THRESHOLDS = (0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.007, 0.01)
SCORE_DEFAULT, RETURN_DEFAULT = 0.02, 0.001  # thresholds, while there is too little to choose from


class Threshold(Section):
    """The least score that is traded, chosen per fold from earlier out-of-fold rows.

    Parameters
    ----------
    default : float, score
        Serves until there are `min_bars`. Without it, 0.02 for a label that is a class, 0.001 for one that is a
        number.
    grid : list of float, score
        Thresholds to choose from; without it, the standard ten of the label's task.
    min_bars : int, bars
        Bars of out-of-fold rows that must exist before a threshold is chosen.
    """

    default: float | None = Field(default=None, ge=0)
    grid: list[Annotated[float, Field(ge=0)]] | None = Field(default=None, min_length=1)
    min_bars: int = Field(default=250, ge=2)


class Risk(Section):
    """Limits on each symbol's position, for every strategy; 0 is off.

    Parameters
    ----------
    stop : float, share
        Ends a position that has lost this share since its entry.
    trailing : float, share
        Ends a position that is this share below its best close.
    atr : float, average true ranges
        Ends a position that is so many average true ranges below the price of its entry (above, for shorts).
    atr_window : int, bars
        How many the average true range is taken over.
    max_bars : int, bars
        Ends a position after so many bars.
    band : float, weight
        A smaller change of weight is not made.
    volatility : float, per year
        Weights are scaled down where the realised volatility is above this.
    volatility_window : int, bars
        How many the realised volatility is taken over.
    """

    stop: float = Field(default=0.0, ge=0, lt=1)
    trailing: float = Field(default=0.0, ge=0, lt=1)
    atr: float = Field(default=0.0, ge=0)
    atr_window: int = Field(default=14, ge=1)
    max_bars: int = Field(default=0, ge=0)
    band: float = Field(default=0.0, ge=0, le=2)
    volatility: float = Field(default=0.0, ge=0)
    volatility_window: int = Field(default=20, ge=2)


class Strategy(Section):
    """How scores become desired weights.

    Parameters
    ----------
    name : str
        The plugin that decides, of kind strategy; what it earns is judged.
    compare : list of str
        Other strategies, shown beside the one that is judged.
    params : dict
        Options of the strategy that is judged.
    risk : dict
        Limits on the positions of all of them.
    grid : dict
        Values of options, and of limits as ``risk.NAME``, of which each fold chooses the best from the past,
        together with the threshold.
    """

    name: str = "long-flat"
    compare: list[str] = ["long-short"]
    params: Params = {}
    risk: Risk = Risk()
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}

    @field_validator("grid", mode="before")
    @classmethod
    def _dotted(cls, given: Any) -> Any:
        """Return the grid with limits as ``risk.NAME``, also where they are a table of their own, as TOML has it."""
        limits = given.get("risk") if isinstance(given, dict) else None
        if not isinstance(limits, dict):
            return given
        return {**{k: v for k, v in given.items() if k != "risk"}, **{f"risk.{k}": v for k, v in limits.items()}}

    @field_validator("grid")
    @classmethod
    def _comparable(cls, grid: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for key, values in grid.items():
            if not (all(isinstance(v, str) for v in values) or all(isinstance(v, bool | int | float) for v in values)):
                raise ValueError(f"must hold numbers, or texts, to choose from; {key} has {values!r}")
        return grid


class Costs(Open):
    """What trading costs; every other key is an option of the cost model.

    Parameters
    ----------
    model : str
        The plugin that says what an order costs, of kind cost.
    borrow : float, str or RateOf, per year
        What is paid per year on the value that is short, given as ``data.cash`` is; without it, nothing.
    funding : float, str or RateOf, per year
        What is paid per year on the value that is long, and earned on what is short, as of perpetual futures; without
        it, nothing.
    """

    model: str = "fixed"
    borrow: Rate | None = None
    funding: Rate | None = None


def _form(value: Any) -> str:
    return TABLE if isinstance(value, dict) else NUMBER


Lot = Annotated[float, Field(gt=0)]
Lots = Annotated[Annotated[Lot, Tag(NUMBER)] | Annotated[dict[str, Lot], Tag(TABLE)], Discriminator(_form)]


class Backtest(Section):
    """How desired weights are traded.

    Parameters
    ----------
    fill : str
        The price of the next bar at which an order is filled.
    capital : float, currency of the prices
        What the account begins with.
    lots : float or dict, units
        What is traded is a multiple of it; a table has one per symbol, and those that are not in it are traded in any
        fraction.
    band : float, weight
        A change of weight smaller than this is not traded, counted from what the account holds; an exit always is.
    rebalance : str
        When positions are brought to their desired weights: at every bar, or at the first of each week or month; at
        others they are only ended. With any of `lots`, `band` and this, an order is of the account at the close before
        it, as one who trades would give it; without them, it is given where a desired weight changes.
    """

    fill: Literal["open", "close"] = "open"
    capital: float = Field(default=100_000.0, gt=0)
    # None, not 0: recipes without them are as they were before.
    lots: Lots | None = None
    band: float | None = Field(default=None, ge=0, le=2)
    rebalance: Literal["every", "weekly", "monthly"] | None = None


class Gates(BaseModel):
    """What is judged: the gates of a preset, and every other key, ``[gates.NAME]``, one more, or one changed.

    ``NAME = false`` in ``[gates]`` takes one away.

    Parameters
    ----------
    preset : str
        Which gates judge: the headline figures alone, all that a promotion rests on, or those with stricter
        bounds and cross-validation paths.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, Params | Literal[False]]

    preset: Literal["headline", "standard", "strict"] = "standard"

    @property
    def named(self) -> dict[str, Params | Literal[False]]:
        """The gates that the recipe names itself."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def judging(self) -> dict[str, Params]:
        """The gates that the recipe names and does not take away: all of them, once it is resolved."""
        return {name: params for name, params in self.named.items() if params is not False}
