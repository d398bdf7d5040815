"""The headline figures, strict, each with what it rests on."""

from __future__ import annotations

import math

import quorate
from quorate_plugins.gates._base import Count, Fraction, counted, earlier_inputs

DRAWS = 500


def sharpe(evidence: quorate.Evidence, threshold: float = 1.0) -> quorate.GateResult:
    """Pass, if the annualised net Sharpe ratio, of returns in excess of cash, is above `threshold`.

    Parameters
    ----------
    threshold : float
        What the Sharpe ratio must be above.
    """
    p = evidence.performance
    low, high = quorate.statistics.sharpe_interval(p.returns, p.bars_per_year)
    interval = f"90% CI [{low:.2f}, {high:.2f}]" if math.isfinite(low) else ""
    return quorate.judge(
        "sharpe",
        evidence.metric("sharpe"),
        ">",
        threshold,
        undefined="it is undefined: the returns do not vary"
        if len(p.trades)
        else "it is undefined: nothing was traded",
        benchmark=evidence.benchmark_metric("sharpe"),
        uncertainty=interval,
        sample=counted(len(p.returns), "bar"),
        inputs={
            "bars_per_year": p.bars_per_year,
            "ddof": 1,
            "n_returns": len(p.returns),
            **({} if p.carry is None else {"cash_per_year": p.carry.cash_per_year}),
        },
    )


def max_drawdown(evidence: quorate.Evidence, threshold: Fraction = 0.30) -> quorate.GateResult:
    """Pass, if the deepest drawdown, as a positive fraction, is below `threshold`.

    Parameters
    ----------
    threshold : float, fraction
        What the drawdown must be below.
    """
    p = evidence.performance
    resampled = quorate.statistics.drawdown_quantile(p.total_returns, evidence.seed, draws=DRAWS)
    block = quorate.statistics.block_length(p.total_returns) if math.isfinite(resampled) else None
    return quorate.judge(
        "max-drawdown",
        abs(evidence.metric("max-drawdown")),
        "<",
        threshold,
        benchmark=abs(evidence.benchmark_metric("max-drawdown")),
        unit="fraction",
        uncertainty=f"bootstrap p95 {abs(resampled):.1%}" if math.isfinite(resampled) else "",
        sample=counted(len(p.returns), "bar"),
        inputs={"capital_included": True, "draws": DRAWS, "block": block, "seed": evidence.seed},
    )


def win_rate(evidence: quorate.Evidence, threshold: Fraction = 0.50) -> quorate.GateResult:
    """Pass, if the share of closed round trips with a net gain is above `threshold`.

    Not where positions that are still open, at their last price, take the gain of all of them: losers that are never
    closed make no loss otherwise.

    Parameters
    ----------
    threshold : float, fraction
        What the share must be above.
    """
    closed = evidence.performance.closed
    n, wins = len(closed), int((closed["pnl"] > 0).sum())
    lower = quorate.statistics.wilson_lower(wins, n)
    result = quorate.judge(
        "win-rate",
        evidence.metric("win-rate"),
        ">",
        threshold,
        undefined="what a round trip earned is not known" if n else "no round trip was closed",
        benchmark=evidence.benchmark_metric("win-rate"),
        unit="fraction",
        uncertainty=f"Wilson low {lower:.1%}" if n else "",
        sample=counted(n, "closed trade"),
        inputs={"wins": wins, "closed": n},
    )
    if result.verdict != "PASS":
        return result
    every = evidence.performance.trades["pnl_fraction"].to_numpy()
    mean, marked = (quorate.statistics.expectancy(trips) for trips in (closed["pnl_fraction"].to_numpy(), every))
    if marked < 0 <= mean:
        still = counted(len(every) - n, "position")
        return result.failed(f"with {still} still open, at their last price, the mean trade loses {-marked:.2%}")
    if mean < 0:
        return result.warned(f"most trades win, and yet the mean trade loses {-mean:.2%}: the losses are the larger")
    if not lower > threshold:
        return result.warned(f"chance is not ruled out: the lower bound {lower:.1%} is not above {threshold:.0%}")
    return result


def sample_size(
    evidence: quorate.Evidence, trades: Count = 100, least_trades: Count = 30, bars: Count = 252
) -> quorate.GateResult:
    """Pass, if there are `trades` closed round trips and `bars` bars; below `least_trades` fail, else insufficient.

    Round trips of several symbols that begin at one bar are one bet, and count once. In a holdout whose walk-forward
    had `trades` of them, `least_trades` are enough: both are bets of the same decisions, and how little a holdout says
    is in the error of its Sharpe ratio, which `psr` judges.

    Parameters
    ----------
    trades : int
        Closed round trips that are needed.
    least_trades : int
        Fewer of them fail; so many are needed in a holdout.
    bars : int
        Bars that are needed.
    """
    closed, length = evidence.performance.closed, len(evidence.performance.returns)
    n, before = closed["entered"].nunique(), earlier_inputs(evidence, "sample-size").get("bets")
    needed = trades if before is None or before < trades else min(least_trades, trades)
    result = quorate.judge(
        "sample-size",
        n,
        ">=",
        needed,
        unit="count",
        sample=f"{counted(length, 'bar')}, {counted(len(closed), 'closed trade')}",
        benchmark=evidence.benchmark_metric("closed-trades"),
        inputs={"closed": len(closed), "bets": n, "bars": length, "least_bars": bars, "least_trades": least_trades,
                "walk_forward": before},
    )  # fmt: skip
    if n >= least_trades and (n < needed or length < bars):
        missing = counted(needed - n, "more bet") if n < needed else counted(bars - length, "more bar")
        return result.insufficient(f"needs {missing} to be judged")
    if n < least_trades:
        return result.failed(f"fewer than {counted(least_trades, 'bet')} say nothing")
    return result
