"""Covariates made up for features that read some: of each bar, so that where it goes they go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pandas as pd

from quorate.bars.covariates import BESIDE, Covariate, Times
from quorate.bars.panel import FIELDS, Bars
from quorate.bars.records import covariate_of
from quorate.errors import near_misses
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats

_INPUT = re.compile(r"[a-z][a-z0-9_-]*(\.\w+)?")
OLDEST = 20 * 3600.0  # seconds, less than a day: the record of each bar is of later than that of the one before


class MadeUp(Covariate):
    """A covariate of which at each bar a date is to come, in up to some weeks: by that bar alone, too."""

    def until_next(self, times: Times, symbols: Sequence[str]) -> Floats:
        """Return the age of the record of each bar, in hours, as days."""
        return self.ages(self.places(times, symbols), times) * 24


def inputs_of(spec: FeatureSpec, bars: Bars) -> list[Floats]:
    """Return the arrays that a feature's inputs name, covariates made up."""
    whole = with_covariates(spec, bars)
    return [getattr(bars, name) if name in FIELDS else whole.covariate(name) for name in spec.inputs]


def with_covariates(spec: FeatureSpec, bars: Bars) -> Bars:
    """Return the bars with the covariates that a feature reads."""
    wanted: dict[str, list[str]] = {}
    for text in spec.inputs:
        if text not in FIELDS:
            name, _, value = text.partition(".")
            wanted.setdefault(name, []).append(value)
    return bars.with_covariates({name: made_up(bars, values) for name, values in wanted.items()}) if wanted else bars


def made_up(bars: Bars, values: list[str]) -> Covariate:
    """Return a covariate with a record of each bar, known at its close: numbers between 0 and 1, some hours old."""
    row, column = np.nonzero(bars.present)
    close, open_ = bars.close[row, column], bars.open[row, column]
    old = (close * 997.0) % 1.0 * OLDEST  # as good as chance, and of the bar alone
    known = pd.DatetimeIndex(bars.times[row]).tz_localize("UTC")
    names = sorted({value for value in values if value not in ("", *BESIDE)}) or ["value"]
    move = np.clip(close / open_ - 1, -1, 1)
    told = {name: 1 / (1 + np.exp(-60.0 * (-1) ** k * move)) for k, name in enumerate(names)}
    time = known - pd.to_timedelta(np.floor(old), unit="s")
    frame = {"symbol": np.asarray(bars.symbols)[column], "time": time, "published_at": known, **told}
    made = covariate_of(pd.DataFrame(frame))
    return MadeUp(**{one.name: getattr(made, one.name) for one in fields(made)})


def not_inputs(spec: FeatureSpec) -> list[str]:
    """Return the inputs that can be neither a field of bars nor a covariate, such as a misspelt field."""
    others = [name for name in spec.inputs if name not in FIELDS]
    return [name for name in others if not _INPUT.fullmatch(name) or near_misses(name, FIELDS)]
