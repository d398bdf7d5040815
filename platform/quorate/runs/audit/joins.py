"""Whether covariates are read as they were known: the join done again, record by record, and compared."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quorate.bars.covariates import AGE, KNOWN, NEXT, Covariate, named
from quorate.bars.panel import FIELDS, Bars
from quorate.bars.records import to_frame
from quorate.errors import IntegrityError
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec
from quorate.recipe.covariates import read_as_rates
from quorate.recipe.schema import Recipe
from quorate.runs.audit.periods import by_period, ends_of

PLACES = 200  # that are looked at for each input


def check_joins(recipe: Recipe, registry: Registry, bars: Bars, seed: int) -> int:
    """Look up what is read of covariates in the records themselves, at random bars; return the values compared.

    That is what features read, and rates of interest.

    Raises
    ------
    IntegrityError
        Naming the covariate, the bar, what is read, and since when that was known.
    """
    specs = [registry.get(FeatureSpec, name) for name in recipe.features.use]
    inputs = sorted({name for spec in specs for name in spec.inputs if name not in FIELDS} | read_as_rates(recipe))
    rng = np.random.default_rng([seed, 19])
    rows, columns = np.nonzero(bars.present)
    at = np.sort(rng.choice(len(rows), min(PLACES, len(rows)), replace=False))
    for text in inputs:
        name, value = named(bars.covariates, text)
        one = bars.covariates[name]
        read, records, over = bars.covariate(text), to_frame(one), pd.DatetimeIndex([])
        if one.over is not None:
            records = records.assign(end=ends_of(pd.DatetimeIndex(records["time"]), one.over))
            over = ends_of(pd.DatetimeIndex(bars.times).tz_localize("UTC"), one.over)
        for row, column in zip(rows[at], columns[at], strict=True):
            symbol, close = bars.symbols[column], pd.Timestamp(bars.times[row], tz="UTC")
            own = records[(records["symbol"] == symbol) | (records["symbol"] == "")]
            due, found = _due(own, close, value, one, over), float(read[row, column])
            if not np.isclose(due, found, rtol=1e-12, atol=1e-12, equal_nan=True):
                when = _known_when(own, close, value, found)
                raise IntegrityError(
                    f"the covariate {name!r} is not read as it was known: for {symbol} on {bars.sessions[row]} "
                    f"{text!r} is {found:g}{when}, and {due:g} was known at the close"
                )
    return len(inputs) * len(at)


def _due(records: pd.DataFrame, close: pd.Timestamp, value: str, one: Covariate, ends: pd.DatetimeIndex) -> float:
    """Return what is to be read of a symbol's records at a close; `ends` are those of the periods of the bars."""
    column = f"value.{value}"
    told = records[records["known"] <= close]
    instead = np.nan if isinstance(one.missing, str) else one.missing
    if value == NEXT:
        coming = told.loc[told["time"] > close, "time"]
        return instead if coming.empty else (coming.min() - close) / pd.Timedelta(days=1)
    if one.over is not None:
        told = by_period(told, close, column, one.over, ends)
    if column in told:
        told = told[told[column].notna()]
    if told.empty:
        return 0.0 if value == KNOWN else instead
    # Of one time the latest revision; of those at once a symbol's own.
    last = told.sort_values(["time", "known", "symbol"], kind="stable").iloc[-1]
    age = max(close - last["time"], pd.Timedelta(0))
    stale = one.max_age is not None and age > pd.Timedelta(one.max_age)
    if value == KNOWN:
        return float(not stale)
    if stale:
        return instead
    return age / pd.Timedelta(days=1) if value == AGE else float(last[column])


def _known_when(records: pd.DataFrame, close: pd.Timestamp, value: str, found: float) -> str:
    """Return of which record, that was not known yet, a value is; nothing, if of none."""
    column = f"value.{value}"
    late = records[(records["known"] > close)]
    late = late[late[column] == found] if column in late else late[:0]
    if late.empty:
        return ""
    first = late.iloc[0]
    return f", of the record of {first['time']:%Y-%m-%d %H:%M} that was known on {first['known']:%Y-%m-%d %H:%M} UTC"
