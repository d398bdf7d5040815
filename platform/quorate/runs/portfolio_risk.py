"""Shares of capital and the risk budget, chosen from the walk-forward alone, and the figures that they come to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from quorate.errors import DataError
from quorate.evidence.result import finite_or_none
from quorate.runs.portfolio_series import Joint
from quorate.statistics import (
    Floats,
    cagr,
    drawdown_quantile,
    equity_curve,
    max_drawdown,
    sharpe,
    sharpe_interval,
    volatility,
    worst_drawdown,
)
from quorate.statistics._base import TINY
from quorate.statistics._joint import (
    correlations,
    covariance,
    diversification_ratio,
    inverse_volatility,
    risk_contributions,
    risk_parity,
)

WEIGHTS = ("equal", "inverse-vol", "risk-parity")
FIRST, EVERY = 63, 21  # joint returns before anything is chosen by them, and after which it is chosen anew
ENOUGH = 252  # joint returns of a part, below which there is too little to rest on
DRAWS, CONFIDENCE = 1000, 0.90


@dataclass(frozen=True, eq=False)
class Chosen:
    """Shares and scale of the walk-forward, as they stood at each joint close, and at its end.

    Parameters
    ----------
    begin : int
        Returns before that are none of the portfolio: there was too little to choose by.
    shares : ndarray of float64, (n, k)
        Of the capital, in sum 1, in which each return was earned.
    scale : ndarray of float64, (n,)
        By which all shares are multiplied for the risk budget, at most 1.
    last_shares : ndarray of float64, (k,)
    last_scale : float
        By the whole walk-forward: for the holdout and the next bar.
    volatility : float
        Per year, of the whole walk-forward at the last shares, unscaled.
    """

    begin: int
    shares: Floats
    scale: Floats
    last_shares: Floats
    last_scale: float
    volatility: float


def choose(returns: Floats, bars_per_year: float, weights: str, budget: float | None) -> Chosen:
    """Choose shares and scale at each joint close by the returns before it, every `EVERY` of them anew.

    Parameters
    ----------
    returns : ndarray of float64, (n, k)
        Of each account in the joint walk-forward.
    bars_per_year : float
    weights : {"equal", "inverse-vol", "risk-parity"}
    budget : float, optional
        Volatility per year that the whole may have at most.

    Raises
    ------
    DataError
        If the walk-forward is too short, or does not vary, or there are no such shares.
    """
    n, k = returns.shape
    if budget is None and (weights == "equal" or k == 1):  # nothing to choose
        shares = np.full((n, k), 1 / k)
        return Chosen(0, shares, np.ones(n), shares[0], 1.0, volatility((returns / k).sum(axis=1), bars_per_year))
    moments = [at for at in range(FIRST, n, EVERY) if (returns[:at].std(axis=0) > TINY).all()]
    if not moments:
        asked = f"weights {weights!r}" if budget is None else "a risk budget"
        raise DataError(
            f"{asked} must be chosen from at least {FIRST + 1} joint returns of a walk-forward in which each ensemble "
            f"traded; there were {n}: take weights 'equal' without a risk budget, or ensembles that overlap longer"
        )
    begin = moments[0]
    shares, scale = np.full((n, k), np.nan), np.full(n, np.nan)
    for at in moments:
        shares[at : at + EVERY], scale[at : at + EVERY], _ = _chosen(returns[:at], bars_per_year, weights, budget)
    last_shares, last_scale, deviation = _chosen(returns, bars_per_year, weights, budget)
    return Chosen(begin, shares, scale, last_shares, last_scale, deviation)


def _chosen(returns: Floats, bars_per_year: float, weights: str, budget: float | None) -> tuple[Floats, float, float]:
    """Return shares, scale, and the volatility before it is scaled, by all of these returns."""
    together = covariance(returns)
    if weights == "equal":
        shares = np.full(len(together), 1 / len(together))
    else:
        shares = inverse_volatility(together) if weights == "inverse-vol" else risk_parity(together)
    if not np.isfinite(shares).all():
        raise DataError(
            "there are no shares of equal risk: these ensembles cancel each other; take weights 'inverse-vol'"
        )
    deviation = volatility((returns * shares).sum(axis=1), bars_per_year)
    scale = 1.0 if budget is None or not deviation > budget else budget / deviation
    return shares, scale, deviation


def earned(returns: Floats, shares: Floats, scale: Floats) -> Floats:
    """Return what the portfolio earned, (n,): shares are set anew at each joint close; the rest earns nothing."""
    found: Floats = (returns * shares).sum(axis=1) * scale
    return found


def figures(joint: Joint, labels: list[str], chosen: Chosen, part: str) -> tuple[dict[str, Any], Floats]:
    """Return what a part comes to, and what the portfolio earned by each joint close."""
    ahead = part == "walk-forward"
    begin = chosen.begin if ahead else 0
    total, excess = joint.total[begin:], joint.excess[begin:]
    n, k = total.shape
    shares = chosen.shares[begin:] if ahead else np.tile(chosen.last_shares, (n, 1))
    scale = chosen.scale[begin:] if ahead else np.full(n, chosen.last_scale)
    returns, per_year = earned(total, shares, scale), joint.bars_per_year
    known = joint.known[begin:]
    seed = int.from_bytes(hashlib.sha256(known.astype("datetime64[us]").tobytes()).digest()[:4])
    together = covariance(total) if n > 1 else np.full((k, k), np.nan)
    mean = shares.mean(axis=0)
    risks = risk_contributions(mean, together)
    return {
        "first": str(known[0]),
        "last": str(known[-1]),
        "returns": n,
        "warm_up": begin,
        "bars_per_year": per_year,
        "evidence": "SUFFICIENT" if n >= ENOUGH else "INSUFFICIENT",
        **_account(returns, earned(excess, shares, scale), per_year, seed),
        "scale": finite_or_none(float(scale.mean())),
        "diversification_ratio": finite_or_none(diversification_ratio(mean, together)),
        "correlation": _correlation(excess, labels, seed),
        "deepest": _deepest(returns, total, known, labels),
        "members": [
            {
                "label": label,
                "share": finite_or_none(float(mean[i])),
                "risk": finite_or_none(float(risks[i])),
                "left_out": joint.left_out[i],
                **_account(total[:, i], excess[:, i], per_year, None),
            }
            for i, label in enumerate(labels)
        ],
    }, returns


def _account(total: Floats, excess: Floats, per_year: float, seed: int | None) -> dict[str, Any]:
    """Return the figures of an account; with a seed also how deep its resampled histories fall."""
    low, high = sharpe_interval(excess, per_year, CONFIDENCE)
    equity = equity_curve(total)
    found = {
        "sharpe": sharpe(excess, per_year),
        "sharpe_low": low,
        "sharpe_high": high,
        "volatility": volatility(total, per_year),
        "total_return": float(equity[-1] - 1),
        "cagr": cagr(equity, per_year),
        "max_drawdown": max_drawdown(equity),
    }
    if seed is not None:
        found["drawdown_deep"] = drawdown_quantile(total, seed, 0.95)
        found["drawdown_shallow"] = drawdown_quantile(total, seed, 0.05)
    return {name: finite_or_none(value) for name, value in found.items()}


def _correlation(excess: Floats, labels: list[str], seed: int) -> dict[str, Any]:
    found = correlations(excess, seed, DRAWS, CONFIDENCE)
    k = len(labels)
    return {
        "block": finite_or_none(found.block),
        "draws": DRAWS,
        "confidence": CONFIDENCE,
        "pairs": [
            {
                "a": labels[i],
                "b": labels[j],
                "correlation": finite_or_none(float(found.found[i, j])),
                "low": finite_or_none(float(found.low[i, j])),
                "high": finite_or_none(float(found.high[i, j])),
            }
            for i in range(k)
            for j in range(i + 1, k)
        ],
    }


def _deepest(returns: Floats, total: Floats, known: Any, labels: list[str]) -> dict[str, Any] | None:
    """Return when the portfolio fell the deepest, and what each member earned from the peak to the trough."""
    fall = worst_drawdown(equity_curve(returns))
    if fall is None:
        return None
    between = total[fall.peak : fall.trough]
    return {
        "peak": str(known[fall.peak]),
        "trough": str(known[fall.trough]),
        "recovered": None if fall.recovery is None else str(known[fall.recovery]),
        "depth": finite_or_none(fall.depth),
        "members": {label: finite_or_none(float(np.prod(1 + between[:, i]) - 1)) for i, label in enumerate(labels)},
    }
