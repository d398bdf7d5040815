"""Whether the result stands when something is a little different."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

import quorate
from quorate_plugins.gates._base import Count, counted, earlier_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

Factor = Annotated[float, Field(gt=1)]
Share = Annotated[float, Field(gt=0, le=1)]


def cost_stress(evidence: quorate.Evidence, threshold: float = 0.5, factor: Factor = 2.0) -> quorate.GateResult:
    """Pass, if the Sharpe ratio stays above `threshold` when fees, slippage and what is paid to borrow are raised.

    A holdout is judged together with the walk-forward before it, by the returns of both: a year alone has a Sharpe
    ratio that chance moves by one, whatever costs are. Whether the holdout by itself gains is for `sharpe` and `psr`.

    Parameters
    ----------
    threshold : float
        What the Sharpe ratio must be above at the higher costs.
    factor : float
        How many times as high they are.
    """
    dearer, more = evidence.retraded(costs=factor), evidence.retraded(costs=factor + 1)
    if dearer is None or more is None:
        return quorate.judge("cost-stress", math.nan, ">", threshold).insufficient("it cannot be traded again")
    own, alone = [_moments(p) for p in (evidence.performance, dearer, more)], _sharpe(dearer)
    told, value, beyond, sample = own, alone, _sharpe(more), f"{factor:g}x costs"
    before = earlier_inputs(evidence, "cost-stress").get("returns")
    if before and math.isfinite(alone):
        told = [_together(*both) for both in zip(before, own, strict=True)]
        value, beyond = (one["mean"] / one["deviation"] * math.sqrt(dearer.bars_per_year) for one in told[1:])
        sample += f" over both parts, holdout alone {alone:.2f}"
    mean, then = told[0]["mean"], told[1]["mean"]
    even = 1 + (factor - 1) * mean / (mean - then) if mean > then else math.inf
    result = quorate.judge(
        "cost-stress",
        value,
        ">",
        threshold,
        undefined=_undefined(evidence),
        uncertainty=f"{factor + 1:g}x: {beyond:.2f}" if math.isfinite(beyond) else "",
        sample=f"{sample}, break-even {even:.1f}x" if math.isfinite(even) else sample,
        inputs={"factor": factor, "bars_per_year": dearer.bars_per_year, "returns": told, "own": own},
    )
    free = evidence.performance.fees + evidence.performance.slippage == 0 and len(evidence.performance.trades) > 0
    return (
        result.insufficient("the recipe assumes that trading costs nothing: there is nothing to raise")
        if free
        else result
    )


def delay(evidence: quorate.Evidence, share: Share = 0.5, bars: Count = 1, slow: Count = 5) -> quorate.GateResult:
    """Pass, if orders filled `bars` later leave this share of the Sharpe ratio, and more than nothing.

    For labels of fewer than `slow` bars it only warns: what is gone after a bar may well have been there.

    Parameters
    ----------
    share : float, fraction
        How much of the Sharpe ratio must be left.
    bars : int, bars
        How much later orders are filled.
    slow : int, bars
        For labels with a shorter horizon it only warns.
    """
    late = evidence.retraded(delay=bars)
    base = evidence.metric("sharpe")
    if late is None or not math.isfinite(base):
        why = "it cannot be traded again" if late is None else _undefined(evidence)
        return quorate.judge("delay", math.nan, ">", 0.0).insufficient(why)
    result = quorate.judge(
        "delay",
        _sharpe(late),
        ">",
        max(share * base, 0.0),
        undefined="orders that are late trade nothing",
        sample=f"{counted(bars, 'bar')} late",
        inputs={
            "bars": bars,
            "share": share,
            "sharpe": base,
            "bars_per_year": late.bars_per_year,
            "returns": _moments(late),
        },
    )
    if result.verdict == "PASS" or result.value is None or evidence.horizon >= slow:
        return result
    lost = "most of it is gone when orders fill a bar later"
    return result.advisory(lost if base > 0 else "it earned nothing that a delay could take")


def concentration(evidence: quorate.Evidence, threshold: float = 0.0, trades: Count = 5) -> quorate.GateResult:
    """Pass, if a gain is left without the best `trades` round trips, and without the best month.

    It is what is gained in excess of cash: the money in positions earned no interest.

    Parameters
    ----------
    threshold : float, fraction
        What the gain that is left must be above.
    trades : int
        Best round trips that are left out.
    """
    import numpy as np

    p = evidence.performance
    gains = np.sort(p.trades["pnl"].to_numpy(dtype=np.float64))
    left = float(gains[: max(len(gains) - trades, 0)].sum()) + (p.carry.financing if p.carry else 0.0)
    without_trades = left / float(p.equity[0]) if len(gains) else math.nan
    without_month, month = _without_best_month(p.returns, p.times)
    value = min(without_trades, without_month) if math.isfinite(without_trades + without_month) else math.nan
    result = quorate.judge(
        "concentration",
        value,
        ">",
        threshold,
        undefined="nothing was traded",
        unit="fraction",
        sample=counted(len(gains), "trade"),
        inputs={
            "without_best_trades": without_trades,
            "without_best_month": without_month,
            "best_month": month,
            "trades": trades,
        },
    )
    if result.verdict != "FAIL" or result.value is None:
        return result
    if not without_month > threshold:
        return result.failed(f"without {month} nothing is left of the gain")
    return result.failed(f"without the {counted(trades, 'best trade')} nothing is left of the gain")


def _without_best_month(returns: NDArray[np.float64], times: NDArray[np.datetime64]) -> tuple[float, str]:
    """Return the total return without the calendar month that gained most, and which that is."""
    import numpy as np

    if len(returns) == 0 or not np.isfinite(returns).all():
        return math.nan, ""
    months, group = np.unique(times[1:].astype("datetime64[M]"), return_inverse=True)
    grown = np.array([np.prod(1 + returns[group == k]) for k in range(len(months))])
    if not (grown > 0).all():
        return -1.0, str(months[int(grown.argmax())])
    best = int(grown.argmax())
    return float(np.prod(np.delete(grown, best)) - 1), str(months[best])


def halves(evidence: quorate.Evidence, threshold: float = 0.0) -> quorate.GateResult:
    """Pass, if both halves of the bars gain, in excess of cash.

    Parameters
    ----------
    threshold : float, fraction
        What the gain of either half must be above.
    """
    import numpy as np

    returns = evidence.performance.returns
    middle = len(returns) // 2
    gains = [float(np.prod(1 + part) - 1) for part in (returns[:middle], returns[middle:])]
    known = middle > 0 and all(math.isfinite(gain) for gain in gains) and bool(np.std(returns) > 1e-12)
    result = quorate.judge(
        "halves",
        min(gains) if known else math.nan,
        ">",
        threshold,
        undefined=_undefined(evidence),
        unit="fraction",
        uncertainty=f"{gains[0]:+.1%}, then {gains[1]:+.1%}" if known else "",
        sample=f"2 x {counted(middle, 'bar')}",
        inputs={"halves": gains if known else None},
    )
    if result.verdict == "FAIL" and known:
        return result.failed(f"the {'first' if gains[0] <= gains[1] else 'second'} half gains nothing")
    return result


def _moments(performance: quorate.Performance) -> dict[str, float]:
    """Return mean, deviation and number of the returns, from which the Sharpe ratio can be computed again."""
    import numpy as np

    r = performance.returns
    known = len(r) > 1 and bool(np.isfinite(r).all())
    mean, deviation = (float(r.mean()), float(r.std(ddof=1))) if known else (math.nan, math.nan)
    return {"mean": mean, "deviation": deviation, "n": len(r)}


def _together(before: Mapping[str, float | None], own: Mapping[str, float]) -> dict[str, float]:
    """Return the moments of two series as one; unknown where one of them is."""
    parts = [{name: math.nan if value is None else value for name, value in one.items()} for one in (before, own)]
    n = sum(part["n"] for part in parts)
    mean = sum(part["n"] * part["mean"] for part in parts) / n
    squares = sum((p["n"] - 1) * p["deviation"] ** 2 + p["n"] * (p["mean"] - mean) ** 2 for p in parts)
    return {"mean": mean, "deviation": math.sqrt(squares / (n - 1)), "n": n}


def _undefined(evidence: quorate.Evidence) -> str:
    traded = len(evidence.performance.trades) > 0
    return "it is undefined: the returns do not vary" if traded else "it is undefined: nothing was traded"


def _sharpe(performance: quorate.Performance) -> float:
    return quorate.statistics.sharpe(performance.returns, performance.bars_per_year)
