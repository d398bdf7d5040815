"""Built-in metrics; each is NaN where it is undefined. Formulas: `quorate.statistics`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HERE = "quorate_plugins.metrics"


@quorate.hookimpl
def quorate_metrics() -> Iterator[quorate.MetricSpec]:
    """Yield the built-in metrics."""
    yield from _of_trading()
    yield from _of_forecasts()


def _of_trading() -> Iterator[quorate.MetricSpec]:
    yield _metric("sharpe", "mean over deviation of net returns per year", annualised=True, reference="sharpe")
    text = "deepest loss from a peak, capital included"
    yield _metric("max-drawdown", text, unit="fraction", ordered=True, reference="max_drawdown")
    yield _metric("win-rate", "closed round trips with a net gain", unit="fraction", reference="win_rate")
    yield _metric("total-return", "net gain over the span", unit="fraction", reference="total_return")
    text = "compound net growth per year"
    yield _metric("cagr", text, unit="fraction", annualised=True, reference="cagr_by_bars")
    text = "deviation of net returns per year"
    yield _metric("volatility", text, False, unit="fraction", annualised=True, reference="annual_volatility")
    yield _metric("closed-trades", "closed round trips", None, unit="count")
    yield _metric("exposure", "bars with a position", None, unit="fraction")
    yield _metric("turnover", "traded value over mean equity per year", False, annualised=True)
    yield _metric("costs", "fees and slippage paid", False, unit="currency")


def _of_forecasts() -> Iterator[quorate.MetricSpec]:
    yield _metric("accuracy", "forecasts with the right direction", unit="fraction", reference="accuracy")
    yield _metric("auc", "area under the ROC curve", reference="auc")
    yield _metric("log-loss", "mean negative log likelihood", False, unit="nats", reference="log_loss")
    yield _metric("brier", "mean squared error of the probability", False, reference="brier")


def _metric(name: str, description: str, higher_is_better: bool | None = True, **more: Any) -> quorate.MetricSpec:
    function = f"{HERE}:{name.replace('-', '_')}"
    return quorate.MetricSpec(name, function, description=description, higher_is_better=higher_is_better, **more)


def sharpe(performance: quorate.Performance) -> float:
    """Return the annualised Sharpe ratio."""
    return quorate.statistics.sharpe(performance.returns, performance.bars_per_year)


def max_drawdown(performance: quorate.Performance) -> float:
    """Return the deepest drawdown, negative or zero."""
    return quorate.statistics.max_drawdown(performance.equity)


def win_rate(performance: quorate.Performance) -> float:
    """Return the share of closed round trips with a net gain; a zero gain is no win."""
    closed = performance.closed
    return float((closed["pnl"] > 0).mean()) if len(closed) else math.nan


def total_return(performance: quorate.Performance) -> float:
    """Return last over first equity, minus one."""
    return float(performance.equity[-1] / performance.equity[0] - 1)


def cagr(performance: quorate.Performance) -> float:
    """Return the compound growth per year, by bars."""
    return quorate.statistics.cagr(performance.equity, performance.bars_per_year)


def volatility(performance: quorate.Performance) -> float:
    """Return the annualised standard deviation of returns."""
    return quorate.statistics.volatility(performance.returns, performance.bars_per_year)


def closed_trades(performance: quorate.Performance) -> float:
    """Return how many round trips were closed."""
    return float(len(performance.closed))


def exposure(performance: quorate.Performance) -> float:
    """Return the share of bars with a position."""
    return performance.exposure


def turnover(performance: quorate.Performance) -> float:
    """Return the traded value over mean equity, per year."""
    return performance.turnover


def costs(performance: quorate.Performance) -> float:
    """Return fees and slippage paid, in currency."""
    return performance.fees + performance.slippage


def accuracy(performance: quorate.Performance) -> float:
    """Return the share of forecasts on the right side: of one half for classes, of zero for returns."""
    import numpy as np

    p, y = performance.predictions, performance.labels
    if not len(y):
        return math.nan
    return float(np.mean((p > 0.5) == (y == 1))) if performance.binary else float(np.mean(np.sign(p) == np.sign(y)))


def auc(performance: quorate.Performance) -> float:
    """Return the area under the ROC curve; NaN where only one class came true."""
    from scipy.stats import rankdata

    y = performance.labels
    positive = int((y == 1).sum())
    negative = len(y) - positive
    if not performance.binary or positive == 0 or negative == 0:
        return math.nan
    ranks = rankdata(performance.predictions)
    return float((ranks[y == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


def log_loss(performance: quorate.Performance) -> float:
    """Return the mean negative log likelihood of the labels, probabilities clipped at 1e-15."""
    import numpy as np

    if not performance.binary or not len(performance.labels):
        return math.nan
    p = _clipped(performance.predictions)
    y = performance.labels
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log1p(-p)))


def brier(performance: quorate.Performance) -> float:
    """Return the mean squared difference between probability and label."""
    import numpy as np

    if not performance.binary or not len(performance.labels):
        return math.nan
    return float(np.mean((performance.predictions - performance.labels) ** 2))


def _clipped(p: NDArray[Any]) -> NDArray[np.float64]:
    import numpy as np

    return np.clip(p.astype(np.float64), 1e-15, 1 - 1e-15)
