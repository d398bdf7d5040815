"""How much the walk-forward proves: chance, choice among candidates, and everything tried before."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

import quorate
from quorate_plugins.gates._base import LEAST, Draws, Fraction, chance, counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from quorate.evidence.evidence import Earlier, Tried

DRAWS = 2000
Blocks = Annotated[int, Field(ge=2, le=20, multiple_of=2)]  # 20 make 184,756 splits


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
        return result.failed(f"enough for a first look, and this is the {look}th of recipes on this holdout")
    needed = found.bars(asked)
    if not math.isfinite(needed):
        return result.failed("it lost: no longer record would help")
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

    p, market = evidence.performance, evidence.benchmark.returns
    if len(p.returns) < LEAST:
        return _too_little("alpha", "<", size, evidence, f"needs {LEAST} bars to say anything")
    found = statistics.alpha_test(p.returns, market)
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


def spa(evidence: quorate.Evidence, size: Fraction = 0.05, draws: Draws = DRAWS) -> quorate.GateResult:
    """Pass, if the best candidate beats cash, and buy and hold of equal volatility (Hansen 2005).

    Buy and hold is scaled to each candidate's volatility: else the same strategy with twice the leverage
    would look better. The larger of the two p-values is judged.

    Parameters
    ----------
    size : float, p-value
        What the larger p-value must be below.
    draws : int
        Samples that the bootstrap draws.
    """
    import numpy as np

    from quorate import statistics

    _, matrix = _candidates(evidence)
    if matrix is None:
        return _too_little("spa", "<", size, evidence)
    market = evidence.benchmark.returns
    if not np.isfinite(market).all():
        return _too_little("spa", "<", size, evidence, "what buy and hold earned is not known on every bar")
    cash = statistics.spa(np.zeros(len(matrix)), -matrix, evidence.seed, draws)
    deviation = float(np.std(market))
    hold = cash
    if deviation > 0:
        excess = matrix - market[:, None] * (np.std(matrix, axis=0) / deviation)
        hold = statistics.spa(np.zeros(len(matrix)), -excess, evidence.seed, draws)
    return quorate.judge(
        "spa",
        max(cash.p_value, hold.p_value),
        "<",
        size,
        undefined="no candidate's returns vary",
        unit="p-value",
        uncertainty=f"vs cash {chance(cash.p_value)}, vs hold {chance(hold.p_value)}",
        sample=f"{counted(matrix.shape[1], 'candidate')}, B={draws}, block {cash.block:.0f}",
        inputs=_inputs(evidence, draws, cash.block, p_cash=cash.p_value, p_hold=hold.p_value, block_hold=hold.block),
    )


def stepm(evidence: quorate.Evidence, size: Fraction = 0.05, draws: Draws = DRAWS) -> quorate.GateResult:
    """Pass, if the judged ensemble itself beats cash with all candidates considered (Romano and Wolf 2005).

    Parameters
    ----------
    size : float, p-value
        What the p-value must be below.
    draws : int
        Samples that the bootstrap draws.
    """
    import numpy as np

    from quorate import statistics

    names, matrix = _candidates(evidence)
    if matrix is None:
        return _too_little("stepm", "<", size, evidence)
    found = statistics.spa(np.zeros(len(matrix)), -matrix, evidence.seed, draws)
    others = [name for name, p in zip(names, found.p_models, strict=True) if p < size and name != evidence.judged]
    result = quorate.judge(
        "stepm",
        found.p_models[names.index(evidence.judged)],
        "<",
        size,
        undefined="its returns do not vary",
        unit="p-value",
        sample=f"{counted(len(names), 'candidate')}, B={draws}, block {found.block:.0f}",
        inputs=_inputs(evidence, draws, found.block, p_models=dict(zip(names, found.p_models, strict=True))),
    )
    if result.verdict == "FAIL" and others:
        return result.failed(f"others beat cash: {', '.join(others[:3])}; the judged ensemble is not told from chance")
    return result


def mcs(evidence: quorate.Evidence, size: Fraction = 0.10, draws: Draws = DRAWS) -> quorate.GateResult:
    """Pass, if the model confidence set contains the judged ensemble (Hansen, Lunde and Nason 2011).

    A warning says when equal weights are in it, too: simpler would be as good.

    Parameters
    ----------
    size : float, p-value
        What the p-value of a candidate in the set is above.
    draws : int
        Samples that the bootstrap draws.
    """
    import numpy as np

    from quorate import statistics

    names, matrix = _candidates(evidence)
    if matrix is None:
        return _too_little("mcs", ">", size, evidence)
    # Of equal volatility: else the same strategy with half the leverage would be the worse one.
    found = statistics.mcs(-matrix / np.std(matrix, axis=0), evidence.seed, draws)
    kept = [names[i] for i in found.included(size)]
    result = quorate.judge(
        "mcs",
        found.p_models[names.index(evidence.judged)],
        ">",
        size,
        undefined="it could not be computed",
        unit="p-value",
        sample=f"{counted(len(names), 'candidate')}, {len(kept)} in the set, B={draws}",
        inputs=_inputs(evidence, draws, found.block, p_models=dict(zip(names, found.p_models, strict=True))),
    )
    if result.verdict == "FAIL" and result.value is not None:
        return result.failed(f"others are clearly better: {', '.join(kept[:3])}")
    simple = [name for name in kept if name.startswith("mean/") and name != evidence.judged]
    return result.warned(f"{simple[0]} is in the confidence set, too: simpler is as good") if simple else result


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
    import numpy as np

    from quorate import statistics

    returns, tried = evidence.performance.returns, evidence.trials
    if tried is None or not tried.effective >= 1:
        return _too_little("selection", "<", size, evidence, "how much was tried is not known")
    if len(returns) < LEAST:
        return _too_little("selection", "<", size, evidence, f"needs {LEAST} bars to say anything")
    found, moments = statistics.sharpe_test(returns), statistics.moments(returns)
    per_bar = [statistics.sharpe(r, 1.0) for r in evidence.candidates.values()]
    spread = float(np.nanvar(per_bar, ddof=1)) if np.isfinite(per_bar).sum() > 1 else math.nan
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
        why = "the walk-forward was not judged by it" if before is None else before.reason or "how much was tried"
        return quorate.judge("selection", math.nan, "<", size).insufficient(why)
    return _selected({**before.inputs}, tried, size)


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _quantile(freedom: int, p: float) -> float:
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, p))


def pbo(
    evidence: quorate.Evidence, most: Fraction = 0.20, loss: Fraction = 0.10, blocks: Blocks = 16
) -> quorate.GateResult:
    """Pass, if the best candidate of one half of the bars is seldom a poor one in the other.

    Combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de Prado and Zhu 2017). With fewer
    than ten candidates, or near clones (median correlation above .95), it only warns: near clones of
    one good strategy give about one half, exact ones 1.

    Parameters
    ----------
    most : float, probability
        What the probability of overfitting must be below.
    loss : float, probability
        What the probability that the best of one half loses in the other must be below.
    blocks : int
        Parts into which the bars are cut; an even number.
    """
    import numpy as np

    from quorate import statistics

    names, matrix = _candidates(evidence)
    if matrix is None or len(names) < 2:
        return _too_little("pbo", "<", most, evidence, "fewer than two candidates traded")
    found = statistics.pbo(matrix, blocks)
    correlations = np.atleast_2d(np.corrcoef(matrix.T))
    alike = float(np.median(correlations[np.triu_indices(len(names), 1)]))
    result = quorate.judge(
        "pbo",
        found.pbo,
        "<",
        most,
        undefined="there are too few bars or candidates",
        unit="fraction",
        uncertainty=f"P(loss) {found.p_loss:.1%}, slope {found.slope:.2f}",
        sample=f"{counted(found.candidates, 'candidate')}, {found.splits:,} splits",
        inputs={**vars(found), "median_correlation": alike},
    )
    if result.value is None:
        return result.insufficient(result.reason)
    poor = result.verdict != "PASS" or not found.p_loss < loss
    if poor and (found.candidates < 10 or alike > 0.95):
        why = "too few candidates" if found.candidates < 10 else "candidates too alike"
        return result.failed(f"{why} to judge by it").advisory(f"{why} to judge by it")
    if result.verdict == "PASS" and poor:
        return result.failed(f"the best of one half loses in the other in {found.p_loss:.0%} of splits")
    return result


def _candidates(evidence: quorate.Evidence) -> tuple[list[str], NDArray[np.float64] | None]:
    """Return names and returns, (n_bars, n), of the candidates that traded, the judged one always; None if too few."""
    import numpy as np

    series = {
        name: returns
        for name, returns in evidence.candidates.items()
        if name == evidence.judged or (np.isfinite(returns).all() and np.std(returns) > 1e-12)
    }
    judged = series.get(evidence.judged)
    if judged is None or len(judged) < LEAST or not np.isfinite(judged).all() or not np.std(judged) > 1e-12:
        return list(series), None
    return list(series), np.column_stack(list(series.values()))


def _too_little(
    gate: str, condition: str, threshold: float, evidence: quorate.Evidence, why: str = ""
) -> quorate.GateResult:
    n = len(evidence.performance.returns)
    result = quorate.judge(gate, math.nan, condition, threshold, sample=counted(n, "bar"))
    return result.insufficient(why or f"needs {LEAST} bars of an ensemble that trades, among known candidates")


def _inputs(evidence: quorate.Evidence, draws: int, block: float, **more: Any) -> dict[str, Any]:
    return {"draws": draws, "block": block, "seed": evidence.seed, "candidates": list(evidence.candidates), **more}
