"""How much the candidates of a walk-forward prove: whether the best is chance, and whether it was well chosen."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

import quorate
from quorate_plugins.gates._base import LEAST, Draws, Fraction, chance, counted, too_little

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 2000
BLOCKS = 25  # of a bootstrap; where returns last, fewer of them hold too little that is independent
ALIKE = 0.95  # correlation from which on two candidates are one
Blocks = Annotated[int, Field(ge=2, le=20, multiple_of=2)]  # 20 make 184,756 splits


def spa(evidence: quorate.Evidence, size: Fraction = 0.05, draws: Draws = DRAWS) -> quorate.GateResult:
    """Pass, if the best candidate beats cash, and buy and hold of equal volatility (Hansen 2005).

    Buy and hold is scaled to each candidate's volatility: else the same strategy with twice the leverage
    would look better. The larger of the two p-values is judged. Bars that are fewer than 25 of the blocks which the
    candidates' own dependence asks for decide nothing.

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
        return too_little("spa", "<", size, evidence)
    market = evidence.benchmark.returns
    if not np.isfinite(market).all():
        return too_little("spa", "<", size, evidence, "what buy and hold earned is not known on every bar")
    cash = statistics.spa(np.zeros(len(matrix)), -matrix, evidence.seed, draws, dependence="any")
    deviation = float(np.std(market))
    hold = cash
    if deviation > 0:
        excess = matrix - market[:, None] * (np.std(matrix, axis=0) / deviation)
        hold = statistics.spa(np.zeros(len(matrix)), -excess, evidence.seed, draws, dependence="any")
    block = max(cash.block, hold.block)
    result = quorate.judge(
        "spa",
        max(cash.p_value, hold.p_value),
        "<",
        size,
        undefined="no candidate's returns vary",
        unit="p-value",
        uncertainty=f"vs cash {chance(cash.p_value)}, vs hold {chance(hold.p_value)}",
        sample=f"{counted(matrix.shape[1], 'candidate')}, B={draws}, block {cash.block:.0f}",
        inputs=_inputs(evidence, draws, cash.block, p_cash=cash.p_value, p_hold=hold.p_value, block_hold=hold.block,
                       least=_least(block)),
    )  # fmt: skip
    return _enough(result, len(matrix), block)


def stepm(evidence: quorate.Evidence, size: Fraction = 0.05, draws: Draws = DRAWS) -> quorate.GateResult:
    """Pass, if the judged ensemble itself beats cash with all candidates considered (Romano and Wolf 2005).

    Bars that are fewer than 25 of the blocks which the candidates' own dependence asks for decide nothing.

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
        return too_little("stepm", "<", size, evidence)
    found = statistics.spa(np.zeros(len(matrix)), -matrix, evidence.seed, draws, dependence="any")
    others = [name for name, p in zip(names, found.p_models, strict=True) if p < size and name != evidence.judged]
    result = quorate.judge(
        "stepm",
        found.p_models[names.index(evidence.judged)],
        "<",
        size,
        undefined="its returns do not vary",
        unit="p-value",
        sample=f"{counted(len(names), 'candidate')}, B={draws}, block {found.block:.0f}",
        inputs=_inputs(evidence, draws, found.block, p_models=dict(zip(names, found.p_models, strict=True)),
                       least=_least(found.block)),
    )  # fmt: skip
    result = _enough(result, len(matrix), found.block)
    if result.verdict == "FAIL" and others:
        return result.failed(f"others beat cash: {', '.join(others[:3])}; the judged ensemble is not told from chance")
    return result


def mcs(evidence: quorate.Evidence, size: Fraction = 0.10, draws: Draws = DRAWS) -> quorate.GateResult:
    """Pass, if the model confidence set contains the judged ensemble (Hansen, Lunde and Nason 2011).

    Strategies are among the candidates as ensembles are: who judges long-flat where long-short clearly earns more does
    not judge the best, and is told which line of the recipe has that one judged. A warning says when equal weights are
    in it, too: simpler would be as good.

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
        return too_little("mcs", ">", size, evidence)
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
        gain = dict(zip(names, matrix.mean(axis=0) / np.std(matrix, axis=0), strict=True))
        return _others_better(result, evidence, sorted(kept, key=lambda name: -gain[name]))
    simple = [name for name in kept if name.startswith("mean/") and name != evidence.judged]
    return result.warned(f"{simple[0]} is in the confidence set, too: simpler is as good") if simple else result


def _others_better(result: quorate.GateResult, evidence: quorate.Evidence, better: list[str]) -> quorate.GateResult:
    """Return the result with the candidates that are better, the best first, and the way to have one of them judged.

    None of them is told from the best, so it is the one that changes the recipe least. ``instead`` among the inputs has
    the keys that have it judged, with their values; nothing where all are members.
    """
    told = f"others are clearly better: {', '.join(better[:3])}"
    ways = {name: _changed(name, evidence.judged) for name in better if name.rpartition("/")[0] not in evidence.members}
    if not ways:
        name = better[0].rpartition("/")[0]
        return result.failed(f"{told}; to have {name} judged, leave the other members out of [models]")
    chosen = min(ways, key=lambda name: len(ways[name]))
    instead = ways[chosen]
    lines = " and ".join(f'{key} = "{value}"' for key, value in instead.items())
    without = " and ".join(key.split(".")[0] + ".compare" for key in instead)
    told += f"; {lines} has {chosen} judged, and what could not be traded should not be in {without}"
    return replace(result, inputs={**result.inputs, "instead": instead}).failed(told)


def _changed(name: str, judged: str) -> dict[str, str]:
    """Return the keys of a recipe in which one candidate differs from another, with their values for the first."""
    parts = zip(
        ("ensemble.method", "strategy.name"), name.rpartition("/")[::2], judged.rpartition("/")[::2], strict=True
    )
    return {key: new for key, new, old in parts if new != old}


def pbo(
    evidence: quorate.Evidence, most: Fraction = 0.20, loss: Fraction = 0.10, blocks: Blocks = 16
) -> quorate.GateResult:
    """Pass, if the best candidate of one half of the bars is seldom a poor one in the other.

    Combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de Prado and Zhu 2017) of the candidates that
    anybody would have considered, each once: the judged one, and those that gained over all bars and are not like any
    before them (correlation up to .95). Losers and clones change nothing: where most are losers, the best of one half
    seldom is a poor one in the other, whatever it is worth. Candidates of like skill change places, too: where the best
    of one half still gains in the other, it only warns, as it does of fewer than ten.

    Parameters
    ----------
    most : float, probability
        What the probability of overfitting must be below, or it warns.
    loss : float, probability
        What the probability that the best of one half loses in the other must be below.
    blocks : int
        Parts into which the bars are cut; an even number.
    """
    from quorate import statistics

    names, matrix = _candidates(evidence)
    serious = [] if matrix is None else _serious(matrix, names.index(evidence.judged))
    if matrix is None or len(serious) < 2:
        return too_little("pbo", "<", most, evidence, "fewer than two candidates gained, each in its own way")
    found = statistics.pbo(matrix[:, serious], blocks)
    result = quorate.judge(
        "pbo",
        found.pbo,
        "<",
        most,
        undefined="there are too few bars or candidates",
        unit="fraction",
        uncertainty=f"P(loss) {found.p_loss:.1%}, slope {found.slope:.2f}",
        sample=f"{found.candidates} of {counted(len(names), 'candidate')}, {found.splits:,} splits",
        inputs={**vars(found), "family": [names[k] for k in serious]},
    )
    if result.value is None:
        return result.insufficient(result.reason)
    loses = not found.p_loss < loss
    if (loses or result.verdict != "PASS") and found.candidates < 10:
        return result.failed("too few candidates to judge by it").advisory("too few candidates to judge by it")
    if loses:
        return result.failed(f"the best of one half loses in the other in {found.p_loss:.0%} of splits")
    if result.verdict != "PASS":
        return result.advisory("the best of one half is none in the other, and gains: they are as good as each other")
    return result


def _serious(matrix: NDArray[np.float64], judged: int) -> list[int]:
    """Return the candidates that gained, none like another before it; the judged one first, whatever it did."""
    import numpy as np

    alike = np.abs(np.atleast_2d(np.corrcoef(matrix, rowvar=False))) > ALIKE
    kept = [judged]
    for k in range(matrix.shape[1]):
        if matrix[:, k].mean() > 0 and not alike[k, kept].any():
            kept.append(k)
    return kept


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


def _least(block: float) -> int:
    """Return how many bars a bootstrap of such blocks takes to say anything."""
    return max(LEAST, math.ceil(BLOCKS * block)) if math.isfinite(block) else LEAST


def _enough(result: quorate.GateResult, bars: int, block: float) -> quorate.GateResult:
    """Return the result, INSUFFICIENT where the bars are too few for how they depend on each other."""
    if result.value is None or bars >= _least(block):
        return result
    why = f"needs {_least(block):,} bars: returns depend on each other in blocks of {block:.0f}"
    return result.insufficient(f"{why}, and fewer than {BLOCKS} of these say too little")


def _inputs(evidence: quorate.Evidence, draws: int, block: float, **more: Any) -> dict[str, Any]:
    return {"draws": draws, "block": block, "seed": evidence.seed, "candidates": list(evidence.candidates), **more}
