"""Bars of your own, from a CSV file, with the recipe as a dict; then the weight for the next bar."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import quorate

# Stand-in for your file: any OHLCV table will do, daily or intraday.
rng = np.random.default_rng(1)
days = pd.bdate_range("2015-01-01", periods=900)
close = 50 * np.exp(np.cumsum(rng.normal(0.0004, 0.012, len(days))))
open_ = np.concatenate(([50.0], close[:-1])) * np.exp(rng.normal(0, 0.004, len(days)))
mine = pd.DataFrame({"Date": days.strftime("%Y-%m-%d"), "Open": open_, "Close": close})
mine["High"] = mine[["Open", "Close"]].max(axis=1) * 1.003
mine["Low"] = mine[["Open", "Close"]].min(axis=1) * 0.997
mine["Vol"] = rng.integers(1_000, 9_000, len(days))

folder = Path(tempfile.mkdtemp())
mine.to_csv(folder / "ACME.csv", index=False)

report = quorate.run(
    {
        "name": "acme",
        "data": {"source": "csv", "path": str(folder / "ACME.csv")},
        "holdout": {"bars": 150},
        "folds": {"initial": 400, "test": 100},
        "models": {"logistic": {}, "lightgbm": {"n_estimators": 40}},
    }
)
print(f"{report.provenance['data']['symbols']}: {report.verdict}")
for target in quorate.predict(report.run_id).targets:
    print(f"{target['symbol']}: desired weight {target['weight']:+.2f} (score {target['score']:+.3f})")
