"""For an academic: one question, all of its runs, and a table with the evidence, corrected for how many were tried.

Does the horizon of the forecast matter? Three runs differ in that alone. The home is a fresh one, so that the ledger
counts these three and nothing else; in a lasting home it counts all that was ever tried on the same bars.
"""

import tempfile

import pandas as pd

import quorate

HORIZONS = (1, 5, 20)
home = tempfile.mkdtemp()


def recipe(horizon):
    return {
        "name": f"horizon-{horizon}",
        "seed": 7,
        "data": {"source": "bundled", "dataset": "nasdaq", "since": "2005-01-03"},
        "holdout": {"start": "2014-01-02"},
        "labels": {"horizon": horizon},
        "features": {"use": ["return_*", "zscore_*", "volatility_*"]},
        "folds": {"initial": 1000, "test": 250},
        "models": {"logistic": {}, "ridge": {}},
        "execution": {"executor": "serial"},
    }


reports = [quorate.run(recipe(horizon), home=home) for horizon in HORIZONS]

rows = []
for horizon, report in zip(HORIZONS, reports, strict=True):
    gates = report.gates.query("part == 'development'").set_index("gate")
    # Later runs have more trials behind them: as high a Sharpe ratio is less of a surprise.
    rows.append(
        {
            "horizon": horizon,
            "Sharpe": gates.at["sharpe", "value"],
            "90% CI": gates.at["sharpe", "uncertainty"].removeprefix("90% CI "),
            "probabilistic": gates.at["psr", "value"],
            "selection p": gates.at["selection", "value"],
            "alpha p": gates.at["alpha", "value"],
            "SPA p": gates.at["spa", "value"],
            "verdict": report.verdict,
            "digest": report.digest[:12],
        }
    )
print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))

compared = quorate.compare(*(report.run_id for report in reports), home=home)
print(f"\n{compared.sentence}")
print(compared.recipe.to_string(index=False))
