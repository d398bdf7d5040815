"""Statistics with known values: what a metric that names one as its ``reference`` must give."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from quorate.evidence.evidence import Performance
from quorate.testing.markets import performance

# What built-in metrics and others call these statistics.
ALIASES = {"cagr": "cagr_by_bars", "volatility": "annual_volatility", "drawdown": "max_drawdown"}


@dataclass(frozen=True)
class Case:
    """One known value.

    Parameters
    ----------
    name, statistic : str
        What it is called, and the statistic that it is a value of.
    inputs : mapping
        Any of ``returns``, ``trades`` (net gain of each closed trade, as a fraction), ``predictions``,
        ``labels``, ``binary``, ``bars_per_year``, ``market``, ``naive``, ``forecast_bar`` and ``entry_price``.
    expected : float or None
        The value; None where the statistic is undefined.
    tolerance : float
        Largest absolute difference.
    source, note : str
        Where the value is from, and what it tells apart.
    """

    name: str
    statistic: str
    inputs: Mapping[str, Any]
    expected: float | None
    tolerance: float
    source: str
    note: str = ""

    def performance(self) -> Performance:
        """Return the inputs as what a metric sees."""
        given: dict[str, Any] = {
            key: np.asarray(value, dtype=np.float64) if isinstance(value, list) else value
            for key, value in self.inputs.items()
        }
        given.setdefault("trades", np.empty(0))
        if "labels" not in given:
            given["labels"] = given["predictions"] = np.empty(0)
        return performance(**given)

    def agrees(self, value: float) -> bool:
        """Return whether that is the value, within the tolerance; NaN where it is undefined."""
        return math.isnan(value) if self.expected is None else abs(value - self.expected) <= self.tolerance


@cache
def _all() -> tuple[Case, ...]:
    text = files("quorate.testing").joinpath("reference_cases.json").read_text(encoding="utf-8")
    return tuple(Case(**case) for case in json.loads(text)["cases"])


def names() -> tuple[str, ...]:
    """Return the statistics that have known values."""
    return tuple(sorted({case.statistic for case in _all()}))


def cases(statistic: str) -> tuple[Case, ...]:
    """Return all known values of a statistic."""
    return tuple(case for case in _all() if case.statistic == statistic)


def either_sign(statistic: str) -> bool:
    """Return whether a metric may give the statistic with the other sign, the same in every case."""
    return statistic == "max_drawdown"
