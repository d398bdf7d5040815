"""Whether the forecasts themselves are worth anything, however they were traded."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import quorate
from quorate_plugins.gates._base import Fraction, chance, counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quorate.statistics import Floats, TwoForecasts


def forecast(evidence: quorate.Evidence, size: Fraction = 0.05) -> quorate.GateResult:
    """Pass, if the forecasts beat the naive one: the mean of all labels that were known at the decision.

    The naive forecast is nested in every model that has a constant, which makes the test of Diebold and
    Mariano too small; the one of Clark and West (2007) is judged, the other printed beside it. A constant that
    happens to be right passes that, so the forecasts must also move with what the naive one missed: the larger
    p-value counts. Labels that overlap are allowed for up to the horizon, symbols of one bar are averaged.

    Parameters
    ----------
    size : float, p-value
        What the larger p-value must be below.
    """
    import numpy as np

    from quorate import statistics

    p = evidence.performance
    known = np.isfinite(p.naive) if len(p.naive) == len(p.labels) else np.zeros(len(p.labels), dtype=bool)
    y, f = p.labels[known], p.predictions[known]
    # Without a naive forecast there is nothing to compare.
    naive, bar = (p.naive[known], p.forecast_bar[known]) if known.any() else (y, np.empty(0, dtype=np.int64))
    h = evidence.horizon
    nested = statistics.clark_west(y, naive, f, h, bar)
    told = statistics.forecast_covariance(y, naive, f, h, bar)
    plain = _compared(y - f, y - naive, h, bar)
    best = _against_best(evidence)
    result = quorate.judge(
        "forecast",
        max(nested.p_better, told.p_better) if math.isfinite(told.p_better) else math.nan,
        "<",
        size,
        undefined="there are too few forecasts with a naive one beside them, or they do not vary",
        unit="p-value",
        uncertainty=f"DM p {chance(plain.p_better)}: {plain.verdict(min(size, 1.0))}"
        if math.isfinite(plain.p_better)
        else "",
        sample=f"{counted(nested.n, 'bar')}, {counted(nested.lags, 'lag')}",
        inputs={
            "clark_west": vars(nested),
            "covariance": vars(told),
            "diebold_mariano": vars(plain),
            "horizon": h,
            "against_best_member": best,
        },
    )
    if result.value is None:
        return result.insufficient(result.reason)
    return result if result.verdict == "PASS" else result.failed("no evidence that the forecasts beat the naive one")


def _against_best(evidence: quorate.Evidence) -> dict[str, Any] | None:
    """Return how the ensemble's forecasts compare with those of the member with the least squared error."""
    import numpy as np

    p = evidence.performance
    errors = {
        name: member.labels - member.predictions
        for name, member in evidence.members.items()
        if len(member.labels) == len(p.labels) and np.array_equal(member.forecast_bar, p.forecast_bar)
    }
    errors = {name: e for name, e in errors.items() if len(e) and np.isfinite(e).all()}
    if not errors:
        return None
    best = min(errors, key=lambda name: float(np.mean(errors[name] ** 2)))
    found = _compared(p.labels - p.predictions, errors[best], evidence.horizon, p.forecast_bar)
    return {"member": best, **vars(found)}


def _compared(errors: Floats, others: Floats, h: int, bar: NDArray[np.int64]) -> TwoForecasts:
    """Return the test of Diebold and Mariano, undefined where both lose the same: that compares nothing."""
    from quorate import statistics

    found = statistics.diebold_mariano(errors, others, h, bar=bar)
    if found.statistic == 0:
        return replace(found, statistic=math.nan, p_value=math.nan, p_better=math.nan, p_worse=math.nan)
    return found
