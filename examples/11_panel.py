"""For who holds many stocks: does it pay to be neutral in each sector, and do the forecasts rank stocks at all?

Two runs of a simulated panel differ in that alone: the second fits nothing. Any bars with a column ``sector`` do, with
``data.categories = ["sector"]``.
"""

import quorate

SMALLER = ["data.n_bars=800", "holdout.bars=120", "folds.initial=400", "folds.test=140", "models.xgboost=false"]

by_sector = quorate.run("panel", overrides=SMALLER)
as_one = quorate.run("panel", overrides=[*SMALLER, "strategy.params.group="])

# %% Forecasts rank stocks the same in both; what is traded of them differs.

ranks = by_sector.ic.query("series == 'mean'")
print("rank correlation across 52 stocks, by year")
print(ranks.groupby(ranks["time"].dt.year)["ic"].agg(["mean", "std", "count"]).round(3).to_string(), "\n")

for name, report in (("in each sector", by_sector), ("as one market", as_one)):
    judged = report.metrics.iloc[0]
    print(f"neutral {name}: Sharpe {judged['sharpe']:.2f}, volatility {judged['volatility']:.1%} a year")
    weights = report.weights.groupby("time")["weight"]
    print(f"  gross {weights.agg(lambda w: w.abs().sum()).max():.2f}, net {abs(weights.sum()).max():.0e}")

# %% Is a mean rank correlation that large chance? And who contributed?

gate = by_sector.gates.set_index("gate").loc["rank-ic"]
print(f"\n{gate['verdict']}: the mean is above {gate['value']:.3f} with 95 % confidence ({gate['uncertainty']})")
symbols = sorted(by_sector.results["development"]["symbols"], key=lambda one: one["contribution"])
for one in (symbols[-1], symbols[0]):
    print(f"{one['symbol']} contributed {one['contribution']:+.2%}")
