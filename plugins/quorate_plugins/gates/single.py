"""How much the judged series proves by itself: against chance, against holding, and against all that was tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import quorate
from quorate_plugins.gates._base import LEAST, Fraction, chance, counted, too_little

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quorate.evidence.evidence import Earlier, Tried


def psr(evidence: quorate.Evidence, confidence: Fraction = 0.95) -> quorate.GateResult:
    """Pass, if the Sharpe ratio is above zero with this probability (Bailey and Lopez de Prado 2012).

    Returns may depend on each other: the error is the long-run one, see `quorate.statistics.sharpe_test`. In a holdout
    that other recipes were judged on before, the probability must be higher, so that all looks at it together are wrong
    no more often than one: see `quorate.statistics.look_level`.

    Parameters
    ----------
    confidence : float, probability
        Least probability that the Sharpe ratio is above zero; of a holdout, for all looks at it together.
    """
    from quorate import statistics

    returns = evidence.performance.returns
    found, look = statistics.sharpe_test(returns), evidence.look
    asked = 1 - statistics.look_level(look, 1 - confidence) if look else confidence
    if len(returns) < LEAST:
        return quorate.judge("psr", math.nan, ">=", asked).insufficient(f"needs {LEAST} bars to say anything")
    moments = statistics.moments(returns)
    result = quorate.judge(
        "psr",
        found.probability,
        ">=",
        asked,
        undefined="the Sharpe ratio is undefined: the returns do not vary",
        unit="fraction",
        benchmark=statistics.sharpe_test(evidence.benchmark.returns).probability,
        uncertainty=f"look {look}: {1 - asked:.2%} of {1 - confidence:.0%}" if look else "",
        sample=counted(len(returns), "bar"),
        inputs={
            **moments._asdict(),
            "deviation": found.deviation,
            "freedom": found.freedom,
            "independent": statistics.psr(returns),
            **({"look": look, "next": statistics.look_level(look + 1, 1 - confidence)} if look else {}),
        },
    )
    if result.verdict != "FAIL" or result.value is None:
        return result
    if look > 1 and result.value >= confidence:
        return result.failed(f"enough for a first look at this holdout, and this is look {look}")
    needed = found.bars(asked)
    if not math.isfinite(needed):
        lost = "it lost" if evidence.performance.carry is None else "it earned no more than cash"
        return result.failed(f"{lost}: no longer record would help")
    missing = max(math.ceil(needed) - len(returns), 1)
    return result.failed(f"about {missing:,} more {'bar' if missing == 1 else 'bars'} like these would be needed")


def alpha(evidence: quorate.Evidence, size: Fraction = 0.05) -> quorate.GateResult:
    """Pass, if more was earned than the share of buy and hold that is in it explains.

    The constant of a regression on buy and hold (Jensen 1968), with a standard error for returns that depend on each
    other: see `quorate.statistics.alpha_test`. Who holds a part of the market, or all of it most of the time, earns
    what the market does, and has no constant.

    Parameters
    ----------
    size : float, p-value
        What the one-sided p-value must be below.
    """
    from quorate import statistics

    p = evidence.performance
    if len(p.returns) < LEAST:
        return too_little("alpha", "<", size, evidence, f"needs {LEAST} bars to say anything")
    found = statistics.alpha_test(p.returns, p.market)
    yearly = found.alpha * p.bars_per_year
    result = quorate.judge(
        "alpha",
        found.p_value,
        "<",
        size,
        undefined="it is undefined: the returns are those of buy and hold, or what that earned is not known",
        unit="p-value",
        uncertainty=f"alpha {yearly:+.1%} a year, beta {found.beta:.2f}" if math.isfinite(yearly) else "",
        sample=counted(found.n, "bar"),
        inputs={**vars(found), "bars_per_year": p.bars_per_year},
    )
    if result.value is None:
        return result.insufficient(result.reason)
    return result if result.verdict == "PASS" else result.failed("no evidence that it earns more than holding does")


def selection(evidence: quorate.Evidence, size: Fraction = 0.05) -> quorate.GateResult:
    """Pass, if as many trials without skill would hardly have shown as high a Sharpe ratio.

    The chance that the best of them is as high: ``1 - (1 - p) ** N``, with the judged series' own p-value (see
    `quorate.statistics.sharpe_test`) and as many independent trials as would be as lucky as all that were tried on
    related data (see `quorate.statistics.effective_trials`). A promotion judges the walk-forward once more, by all that
    was tried up to then: the order in which variants were run decides nothing.

    The deflated Sharpe ratio of Bailey and Lopez de Prado (2014), with the raw number and the variance among the
    trials, is printed beside it: it holds the series against the mean of the best of chance, and is wrong less often
    than it says.

    Parameters
    ----------
    size : float, p-value
        What the chance must be below.
    """
    if evidence.earlier is not None:
        return _selection_by_now(evidence.earlier, size)
    from quorate import statistics

    returns, tried = evidence.performance.returns, evidence.trials
    if tried is None or not tried.effective >= 1:
        return too_little("selection", "<", size, evidence, "how much was tried is not known")
    if len(returns) < LEAST:
        return too_little("selection", "<", size, evidence, f"needs {LEAST} bars to say anything")
    found, moments = statistics.sharpe_test(returns), statistics.moments(returns)
    spread = _spread(evidence)
    told = {
        **moments._asdict(),
        "deviation": found.deviation,
        "freedom": found.freedom,
        "bars_per_year": evidence.performance.bars_per_year,
        "variance_observed": spread,
        "deflated": statistics.deflated_sharpe(*moments, n_trials=tried.n, variance=spread),
        "p_alone": found.p_value,
    }
    return _selected(told, tried, size)


def _selected(told: Mapping[str, Any], tried: Tried, size: float) -> quorate.GateResult:
    """Hold the p-value of a series by itself against how much was tried."""
    from quorate import statistics

    alone, deflated = _known(told["p_alone"]), _known(told["deflated"])
    result = quorate.judge(
        "selection",
        statistics.best_of(alone, tried.effective),
        "<",
        size,
        undefined="the Sharpe ratio is undefined: the returns do not vary",
        unit="p-value",
        uncertainty=f"alone {chance(alone)}" + (f", DSR {deflated:.2f}" if math.isfinite(deflated) else ""),
        sample=f"{tried.effective:.3g} of {counted(tried.n, 'trial')}, {counted(told['n'], 'bar')}",
        inputs={**told, "n_trials": tried.n, "effective": tried.effective},
    )
    if result.value is None or result.verdict == "PASS":
        return result
    each = statistics.p_alone(size, tried.effective)
    error = told["deviation"] / math.sqrt(told["n"])
    best = _quantile(told["freedom"], each) * error * math.sqrt(told["bars_per_year"])
    count = "1 trial" if tried.effective == 1 else f"{tried.effective:g} trials"
    return result.failed(f"{count} without skill show a Sharpe ratio of {best:.2f} one time in {1 / size:.0f}")


def _selection_by_now(earlier: Earlier, size: float) -> quorate.GateResult:
    """Judge the walk-forward again by what was tried up to the promotion: what came first must not pass for that."""
    before, tried = earlier.gates.get("selection"), earlier.trials
    if before is None or before.value is None or not tried.effective >= 1:
        unknown = "how much was tried is not known"
        why = "the walk-forward was not judged by it" if before is None else before.reason or unknown
        return quorate.judge("selection", math.nan, "<", size).insufficient(why)
    return _selected({**before.inputs}, tried, size)


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _quantile(freedom: int, p: float) -> float:
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, p))


def dsr(evidence: quorate.Evidence, confidence: Fraction = 0.90, sure: Fraction = 0.95) -> quorate.GateResult:
    """Pass, if the Sharpe ratio is above the best that as many trials without skill would show.

    Deflated by the number of independent trials and the variance that the Sharpe ratio has without skill,
    1 / (bars - 1). The form of Bailey and Lopez de Prado (2014), with the raw number and the variance among
    the trials, is printed beside it: as a gate it would reward clones and punish having tried bad models. Stricter than
    it says, see `selection`, which the presets have in its place.

    Parameters
    ----------
    confidence : float, probability
        Least with which it passes.
    sure : float, probability
        Below it passes with a warning.
    """
    from quorate import statistics

    returns = evidence.performance.returns
    found = statistics.moments(returns)
    trials = evidence.trials
    if trials is None or not trials.effective >= 1:
        return too_little("dsr", ">=", confidence, evidence, "how much was tried is not known")
    null = 1.0 / max(len(returns) - 1, 1)
    spread = _spread(evidence)
    value = statistics.deflated_sharpe(*found, n_trials=trials.effective, variance=null)
    paper = statistics.deflated_sharpe(*found, n_trials=trials.n, variance=spread)
    bars = evidence.performance.bars_per_year
    best = statistics.expected_max(trials.effective) * math.sqrt(null * bars)
    result = quorate.judge(
        "dsr",
        value,
        ">=",
        confidence,
        undefined="the Sharpe ratio is undefined: the returns do not vary",
        unit="fraction",
        uncertainty=f"raw N={trials.n}: {paper:.2f}" if math.isfinite(paper) else "",
        sample=f"{trials.effective:.3g} of {counted(trials.n, 'trial')}, {counted(len(returns), 'bar')}",
        inputs={**found._asdict(), "n_trials": trials.n, "effective": trials.effective, "variance_null": null,
                "variance_observed": spread, "paper": paper, "best_of_chance": best},
    )  # fmt: skip
    if result.value is None:
        return result
    if result.verdict == "FAIL":
        tried = "1 trial" if trials.effective == 1 else f"{trials.effective:g} trials"
        return result.failed(f"{tried} without skill would show a Sharpe ratio of {best:.2f}")
    return result.warned(f"below {sure:.0%}: what was tried weighs on it") if result.value < sure else result


def _spread(evidence: quorate.Evidence) -> float:
    """Return the variance of the candidates' Sharpe ratios, per bar."""
    import numpy as np

    from quorate import statistics

    per_bar = [statistics.sharpe(r, 1.0) for r in evidence.candidates.values()]
    return float(np.nanvar(per_bar, ddof=1)) if np.isfinite(per_bar).sum() > 1 else math.nan
