"""Built-in gates, in four tiers: integrity, headline figures, statistical evidence, robustness.

Several say one thing in different words, and must not be counted as independent: the Sharpe ratio and its
probability, alone and among all trials; the track record still missing is the probability turned round.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import quorate

HERE = "quorate_plugins.gates"
WALK_FORWARD = ("development",)


@quorate.hookimpl
def quorate_gates() -> Iterator[quorate.GateSpec]:
    """Yield the built-in gates."""
    yield _gate("A", "integrity:integrity", "the checks of the run held, and its returns are finite and vary")
    text = "markets without anything to find give nothing: quorate audit"
    yield _gate("A", "integrity:null_market", text, parts=("holdout",))
    yield _gate("B", "headline:sharpe", "annualised net Sharpe ratio > 1.0")
    yield _gate("B", "headline:max_drawdown", "deepest drawdown < 30 %")
    yield _gate("B", "headline:win_rate", "closed round trips that won > 50 %")
    yield _gate("B", "headline:sample_size", "enough bars and closed trades to judge")
    yield _gate("C", "single:psr", "the Sharpe ratio is above 0 with 95 % probability")
    text = "it earns more than the share of buy and hold in it does"
    yield _gate("C", "single:alpha", text, parts=WALK_FORWARD)
    text = "it earns more than its betas to the recipe's factors explain; in no preset"
    yield _gate("C", "factors:factor_alpha", text, parts=WALK_FORWARD)
    text = "better than cash, and than buy and hold of equal volatility, all candidates considered (Hansen's SPA)"
    yield _gate("C", "statistical:spa", text, parts=WALK_FORWARD)
    text = "the judged ensemble itself beats cash, all candidates considered (Romano and Wolf)"
    yield _gate("C", "statistical:stepm", text, parts=WALK_FORWARD)
    yield _gate("C", "statistical:mcs", "no candidate is clearly better (model confidence set)", parts=WALK_FORWARD)
    text = "as many trials without skill would hardly show as high a Sharpe ratio"
    yield _gate("C", "single:selection", text)
    text = "deflated by as many trials without skill (Bailey and Lopez de Prado); in no preset, see selection"
    yield _gate("C", "single:dsr", text, parts=WALK_FORWARD)
    yield _gate("C", "statistical:pbo", "the best of one half is good in the other (CSCV)", parts=WALK_FORWARD)
    text = "most combinatorial paths gain (CPCV); their fits train on later data, too"
    yield _gate("C", "paths:cpcv", text, parts=WALK_FORWARD, paths=True)
    yield _gate("C", "forecasts:forecast", "forecasts better than the naive one (Clark and West)", parts=WALK_FORWARD)
    yield _gate("C", "forecasts:coverage", "intervals hold as many labels as they say; in no preset")
    yield _gate("C", "cross_section:rank_ic", "symbols ranked higher earn more, lower bound > 0; in no preset")
    text = "what was learnt earns on symbols that nothing was learnt from (holdout.symbols); in no preset"
    yield _gate("C", "unseen:unseen_symbols", text)
    yield _gate("D", "robustness:cost_stress", "twice the costs leave a Sharpe ratio > 0.5")
    yield _gate("D", "robustness:delay", "orders filled a bar later leave half the Sharpe ratio")
    yield _gate("D", "robustness:concentration", "a gain is left without the five best trades, or the best month")
    yield _gate("D", "robustness:halves", "both halves gain")
    text = "no regime of volatility or trend lost beyond chance, and no break left nothing; in strict only"
    yield _gate("D", "regimes:regimes", text, parts=WALK_FORWARD)


def _gate(tier: Any, function: str, description: str, **more: Any) -> quorate.GateSpec:
    name = function.partition(":")[2].replace("_", "-")
    return quorate.GateSpec(name, f"{HERE}.{function}", description=description, tier=tier, **more)
