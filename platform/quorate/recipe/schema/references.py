"""The tables of a recipe for the series that what was earned is held against: ``[benchmark]`` and ``[factors]``."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from quorate.recipe.schema.base import Open


class Benchmark(Open):
    """What the returns are held against, beside buy and hold: a price or returns of your own.

    It is read from a file with `path`, from any `source`, or is a `symbol` of the recipe's own bars; every other key is
    an option of the source. It judges what was earned, and no model reads it.

    Parameters
    ----------
    source : str
        The plugin that reads it, of kind source; without it, the one for files that end as `path` does.
    symbol : str
        Of the recipe's own bars, where neither `path` nor `source` is given; else which one of those that are read.
    value : str
        The column that is read; of bars a field. Without it, the only one that there is, or ``close``.
    returns : bool
        Its values are returns per period, as fractions; without it, they are prices.
    percent : bool
        Returns are in percent.
    """

    source: str | None = None
    symbol: str | None = None
    value: str | None = None
    returns: bool = False
    percent: bool = False

    @model_validator(mode="before")
    @classmethod
    def _as_called(cls, given: Any) -> Any:
        if isinstance(given, dict) and "column" in given:
            raise ValueError("has the key column, which is called value here")
        return given


class Factors(Open):
    """Returns of factors, such as market, size and value, of which betas and alpha are told.

    Every other key is an option of the source that reads them. With `path` as a list, each file is read by itself and
    joined by the date. They judge what was earned, and no model reads them.

    Parameters
    ----------
    source : str
        The plugin that reads them, of kind source; without it, the one for files that end as `path` does.
    values : list of str
        The columns that are read; without it, all. One that is called ``rf`` is no factor but the return of cash: what
        was earned counts less it.
    percent : bool
        They are in percent, as those of Kenneth French are.
    """

    source: str | None = None
    values: list[str] | None = None
    percent: bool = False

    @model_validator(mode="before")
    @classmethod
    def _as_called(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("columns"), list):
            raise ValueError(
                'has columns as a list: name them in values; columns is a table of names, { time = "Date" }'
            )
        return given
