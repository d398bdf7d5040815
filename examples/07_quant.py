"""For a quant: a rule of your own beside an ensemble, on the same bars, at the same costs, then at four times them.

``python examples/07_quant.py`` runs it; ``quorate check examples/07_quant.py`` tells whether the rule is sound.
"""

import numpy as np

import quorate


def crossing(score, threshold, close, fast=20, slow=100):
    """Hold while the mean of the last `fast` closes is above that of the last `slow`; forecasts play no part."""
    above = quorate.rolling.mean(close, fast) > quorate.rolling.mean(close, slow)
    return np.where(np.isnan(score), 0.0, above.astype(float))


@quorate.hookimpl
def quorate_strategies():
    gaps = {"reacts": "a rule of prices alone, to be held beside those that read forecasts"}
    yield quorate.StrategySpec("crossing", crossing, inputs=("close",), known_gaps=gaps)


RECIPE = {
    "name": "quant",
    "data": {"source": "bundled", "dataset": "nasdaq", "since": "2005-01-03"},
    "holdout": {"start": "2014-01-02"},
    "features": {"use": ["return_*", "zscore_*", "volatility_*"]},
    "folds": {"initial": 1000, "test": 250},
    "models": {"logistic": {}, "ridge": {}},
    "strategy": {"name": "long-flat", "compare": ["crossing"], "risk": {"stop": 0.08}},
    "costs": {"fees": 0.0005, "slippage": 0.0002},
    "execution": {"executor": "serial"},  # starting processes would take longer than these fits
}


def main():
    usual = quorate.run(RECIPE, plugins=[__file__])
    # The fits are those of the run before: what trading costs changes no forecast.
    costly = quorate.run({**RECIPE, "name": "costly", "costs": {"fees": 0.002, "slippage": 0.0008}}, plugins=[__file__])
    for report in (usual, costly):
        print(f"\n{report.provenance['recipe']['name']}: {report.verdict}")
        columns = ["name", "strategy", "sharpe", "max-drawdown", "turnover", "closed-trades"]
        shown = report.metrics.query("part == 'development' and name in ('past-performance', 'buy-and-hold')")
        print(shown[columns].to_string(index=False))
    print(f"\n{quorate.compare(usual.run_id, costly.run_id).sentence}")


if __name__ == "__main__":
    main()
