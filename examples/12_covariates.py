"""Covariates: news that are published a day late, and read as they were known.

``python examples/12_covariates.py`` runs it, offline: market and news are simulated.
"""

import tempfile
from pathlib import Path

import pandas as pd

import quorate

MARKET = {"source": "simulated", "n_bars": 1500, "n_symbols": 2, "seed": 6, "signal": 0.0}
RECIPE = {
    "name": "covariates",
    "data": MARKET,
    "holdout": {"bars": 200},
    # Scores of each session, published 20 hours after its close; one in five is revised three days later.
    "covariates": {"news": {**MARKET, "strength": 0.3, "max_age": "10d"}},
    "features": {"use": ["return_1", "return_5", "news_age"]},  # and news itself
    "folds": {"initial": 500, "test": 200},
    "models": {"logistic": {}},
    "execution": {"executor": "serial"},
}


def main():
    report = quorate.run(RECIPE)
    [told] = report.provenance["data"]["covariates"]
    print(f"{told['records']:,} records, known {told['delay']['median'] * 24:.0f} h after what they are of")
    frame = report.predictions
    print(f"{((frame['member/logistic'] > 0.5) == (frame['label'] > 0.5)).mean():.1%} of forecasts were right")

    # The same from a file of one's own. Without a word on when a value was known, it is refused.
    folder = Path(tempfile.mkdtemp())
    frame = pd.DataFrame({"date": pd.bdate_range("2000-01-03", periods=1500), "mood": range(1500)})
    frame.to_csv(folder / "mood.csv", index=False)
    for lag in ({}, {"lag": "2h"}):
        mood = {"path": str(folder / "mood.csv"), **lag}
        try:
            plan = quorate.plan({**RECIPE, "covariates": {"mood": mood}, "features": {"use": ["return_1"]}})
            print(f"with {lag}: {plan.data['covariates'][0]['records']:,} records")
        except quorate.DataError as e:
            print(f"without a lag: {e}")

    # Hours by the day: a day counts when its session is over, with what was published by then. And dates to come.
    hours = pd.date_range("2000-01-03", periods=24 * 2200, freq="h", tz="UTC")
    told = {"time": hours, "published_at": hours + pd.Timedelta(minutes=5), "mood": hours.hour}
    pd.DataFrame(told).to_csv(folder / "hours.csv", index=False)
    days = pd.bdate_range("2000-02-01", periods=60, freq="25B")
    pd.DataFrame({"date": days, "announced": days - pd.Timedelta(days=20)}).to_csv(folder / "dates.csv", index=False)
    covariates = {
        "mood": {"path": str(folder / "hours.csv"), "resample": "1d", "aggregate": "mean"},
        "events": {"path": str(folder / "dates.csv"), "values": [], "missing": 40},
    }
    plan = quorate.plan({**RECIPE, "covariates": covariates, "features": {"use": ["return_1"]}})
    for one in plan.data["covariates"]:
        how = f"by the {one['resample']}" if "resample" in one else "as dates"
        print(f"{one['name']}: {one['records']:,} records, read {how}, known on {one['known']:.0%} of bars")


if __name__ == "__main__":
    main()
