"""Built-in metrics; each is NaN where it is undefined. Formulas: `quorate.statistics`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import quorate
from quorate_plugins.metrics.cross_section import (
    quantile_spread,
    rank_ic,
    rank_ic_low,
    rank_ic_positive,
    rank_ic_t,
)
from quorate_plugins.metrics.distribution import coverage, interval_width, pinball
from quorate_plugins.metrics.forecasts import (
    accuracy,
    auc,
    brier,
    direction_accuracy,
    direction_accuracy_price,
    ic,
    icir,
    log_loss,
    mae,
    mape,
    mase,
    mcc,
    mse,
    pct_mae,
    pct_naive,
    precision,
    price_mae,
    price_rmse,
    r2,
    recall,
    rmse,
    smape,
    spearman,
    wmape,
)
from quorate_plugins.metrics.trading import (
    alpha,
    beta,
    cagr,
    calmar,
    closed_trades,
    costs,
    drawdown_bars,
    expectancy,
    expected_shortfall,
    exposure,
    information_ratio,
    lo_sharpe,
    max_drawdown,
    payoff,
    profit_factor,
    sharpe,
    sortino,
    total_return,
    turnover,
    value_at_risk,
    volatility,
    win_rate,
    win_rate_low,
)

__all__ = [
    "accuracy",
    "alpha",
    "auc",
    "beta",
    "brier",
    "cagr",
    "calmar",
    "closed_trades",
    "costs",
    "coverage",
    "direction_accuracy",
    "direction_accuracy_price",
    "drawdown_bars",
    "expectancy",
    "expected_shortfall",
    "exposure",
    "ic",
    "icir",
    "information_ratio",
    "interval_width",
    "lo_sharpe",
    "log_loss",
    "mae",
    "mape",
    "mase",
    "max_drawdown",
    "mcc",
    "mse",
    "payoff",
    "pct_mae",
    "pct_naive",
    "pinball",
    "precision",
    "price_mae",
    "price_rmse",
    "profit_factor",
    "quantile_spread",
    "quorate_metrics",
    "r2",
    "rank_ic",
    "rank_ic_low",
    "rank_ic_positive",
    "rank_ic_t",
    "recall",
    "rmse",
    "sharpe",
    "smape",
    "sortino",
    "spearman",
    "total_return",
    "turnover",
    "value_at_risk",
    "volatility",
    "win_rate",
    "win_rate_low",
    "wmape",
]


@quorate.hookimpl
def quorate_metrics() -> Iterator[quorate.MetricSpec]:
    """Yield the built-in metrics."""
    yield from _of_returns()
    yield from _of_risk()
    yield from _beside_the_market()
    yield from _of_trades()
    yield from _of_classes()
    yield from _of_values()
    yield from _of_prices()
    yield from _of_distributions()
    yield from _of_cross_sections()


def _of_returns() -> Iterator[quorate.MetricSpec]:
    yield _metric("sharpe", "mean over deviation of net returns in excess of cash, per year", annualised=True)
    text = "Sharpe ratio annualised with regard to autocorrelation (Lo 2002)"
    yield _metric("lo-sharpe", text, annualised=True, ordered=True)
    yield _metric("sortino", "mean over downside deviation of net returns in excess of cash, per year", annualised=True)
    text = "compound growth per year over the deepest drawdown"
    yield _metric("calmar", text, annualised=True, ordered=True)
    yield _metric("total-return", "net gain over the span", unit="fraction")
    yield _metric("cagr", "compound net growth per year", unit="fraction", annualised=True)
    text = "deviation of net returns per year"
    yield _metric("volatility", text, False, unit="fraction", annualised=True)


def _of_risk() -> Iterator[quorate.MetricSpec]:
    yield _metric("max-drawdown", "deepest loss from a peak, capital included", unit="fraction", ordered=True)
    text = "bars of the deepest drawdown, from its peak to the recovery"
    yield _metric("drawdown-bars", text, False, unit="count", ordered=True)
    for level in (95, 99):
        params = {"level": level / 100}
        text = f"loss of one bar that {level} % of bars do not exceed"
        yield _metric(f"value-at-risk-{level}", text, False, "value_at_risk", unit="fraction", params=params)
        text = f"mean loss of the worst {100 - level} % of bars"
        yield _metric(f"expected-shortfall-{level}", text, False, "expected_shortfall", unit="fraction", params=params)


def _beside_the_market() -> Iterator[quorate.MetricSpec]:
    # A return belongs to its bar of the market: in another order it is beside another one.
    yield _metric("beta", "slope of returns on those of buy and hold", None, ordered=True)
    text = "mean return that beta does not explain, per year"
    yield _metric("alpha", text, unit="fraction", annualised=True, ordered=True)
    text = "Sharpe ratio of the returns above buy and hold"
    yield _metric("information-ratio", text, annualised=True, ordered=True)


def _of_trades() -> Iterator[quorate.MetricSpec]:
    yield _metric("win-rate", "closed round trips with a net gain", unit="fraction")
    yield _metric("win-rate-low", "lower bound of the win rate, 95 % one-sided (Wilson)", unit="fraction")
    yield _metric("expectancy", "mean net gain of a closed round trip", unit="fraction")
    yield _metric("profit-factor", "gains over losses of closed round trips")
    yield _metric("payoff", "mean gain of winners over mean loss of losers")
    yield _metric("closed-trades", "closed round trips", None, unit="count", reference="")
    yield _metric("exposure", "bars with a position", None, unit="fraction", reference="")
    yield _metric("turnover", "traded value over mean equity per year", False, annualised=True, reference="")
    yield _metric("costs", "fees and slippage paid", False, unit="currency", reference="")


def _of_classes() -> Iterator[quorate.MetricSpec]:
    yield _forecast("accuracy", "forecasts with the right direction", unit="fraction")
    yield _forecast("direction-accuracy", "forecasts with the sign of what came true", unit="fraction")
    yield _forecast("precision", "forecast rises that came true", unit="fraction")
    yield _forecast("recall", "rises that had been forecast", unit="fraction")
    yield _forecast("mcc", "correlation of forecast and actual direction (Matthews)")
    yield _forecast("auc", "area under the ROC curve")
    yield _forecast("log-loss", "mean negative log likelihood", False, unit="nats")
    yield _forecast("brier", "mean squared error of the probability", False)


def _of_values() -> Iterator[quorate.MetricSpec]:
    yield _forecast("mse", "mean squared error", False)
    yield _forecast("rmse", "root of the mean squared error", False, unit="fraction")
    yield _forecast("mae", "mean absolute error", False, unit="fraction")
    yield _forecast("wmape", "absolute errors over absolute labels", False, unit="fraction")
    yield _forecast("smape", "absolute error over the mean size of label and forecast", False, unit="fraction")
    yield _forecast("mape", "absolute error over the label, where that is far from zero", False, unit="fraction")
    # The naive forecast of a row is made of the rows before it.
    yield _forecast("mase", "absolute error over that of the naive forecast", False, ordered=True)
    yield _forecast("r2", "one minus squared error over the variance of the labels")
    yield _forecast("spearman", "rank correlation of forecasts and labels")
    yield _forecast("ic", "rank correlation across symbols, mean over bars; of few symbols over the span")
    yield _forecast("icir", "mean over deviation of the rank correlation across symbols")


def _of_prices() -> Iterator[quorate.MetricSpec]:
    """Yield those of prices, rebuilt from labels that are returns."""
    text = "forecasts on the side of the last price on which the price came"
    yield _forecast("direction-accuracy-price", text, unit="fraction")
    yield _forecast("pct-mae", "mean absolute error of the price over the price", False, unit="fraction")
    yield _forecast("pct-naive", "the same of the forecast that the price stays", None, unit="fraction")
    yield _forecast("price-mae", "mean absolute error of the price of one symbol", False, unit="currency")
    yield _forecast("price-rmse", "root of the mean squared error of the price of one symbol", False, unit="currency")


def _of_distributions() -> Iterator[quorate.MetricSpec]:
    """Yield those of quantiles, of which only series that have some are measured."""
    more = {"quantiles": True, "unit": "fraction", "reference": ""}
    yield _forecast("pinball", "pinball loss, mean over the quantiles", False, **more)
    yield _forecast("coverage", "labels between the lowest and the highest quantile", None, **more)
    yield _forecast("interval-width", "mean distance of the lowest and the highest quantile", None, **more)


def _of_cross_sections() -> Iterator[quorate.MetricSpec]:
    """Yield those of the symbols of a bar, of which only series that forecast several are measured."""
    more: dict[str, Any] = {"cross_section": True, "reference": ""}
    yield _forecast("rank-ic", "rank correlation of forecasts and labels across symbols, mean over bars", **more)
    text = "lower bound of that mean, 95 % one-sided (Newey and West)"
    yield _forecast("rank-ic-low", text, ordered=True, **more)
    text = "that mean over its standard error (Newey and West)"
    yield _forecast("rank-ic-t", text, ordered=True, **more)
    yield _forecast("rank-ic-positive", "bars with a rank correlation above zero", unit="fraction", **more)
    text = "mean label of the highest fifth of a bar's forecasts less that of the lowest"
    yield _forecast("quantile-spread", text, **more)


def _forecast(name: str, description: str, higher: bool | None = True, **more: Any) -> quorate.MetricSpec:
    return _metric(name, description, higher, forecasts=True, **more)


def _metric(
    name: str, description: str, higher: bool | None = True, function: str = "", **more: Any
) -> quorate.MetricSpec:
    target = f"{__name__}:{function or name.replace('-', '_')}"
    more = {"reference": name, **more}
    return quorate.MetricSpec(name, target, description=description, higher_is_better=higher, **more)
