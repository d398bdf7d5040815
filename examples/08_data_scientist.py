"""For a data scientist: features from a DataFrame, one of which knows the future; cell by cell, as in a notebook.

A run refuses a feature that changes when the bars after it are cut off, and says which one, where, and by how much.
"""

import pandas as pd

import quorate

# %% Two features with pandas: a frame has a row per bar and a column per symbol.


def distance(close, span):
    """How far the close is from its exponential mean; each value is made of what came before."""
    frame = pd.DataFrame(close)
    return (frame / frame.rolling(span).mean() - 1).to_numpy()


def centred(close, span):
    """The same, but from a mean that reaches as far ahead as back: a slip of one argument."""
    frame = pd.DataFrame(close)
    return (frame / frame.rolling(span, center=True, min_periods=1).mean() - 1).to_numpy()


def features(*specs):
    """A plugin in memory, enough to try things."""

    class Mine:
        @staticmethod
        @quorate.hookimpl
        def quorate_features():
            yield from specs

    return Mine


honest = [
    quorate.FeatureSpec(f"distance_{span}", distance, {"span": span}, inputs=("close",), lookback=span)
    for span in (5, 20)
]
slip = quorate.FeatureSpec("centred_5", centred, {"span": 5}, inputs=("close",), lookback=5)

# %% A small recipe on a simulated market with a known signal. Features of a plugin join unasked.

recipe = {
    "name": "features",
    "data": {"source": "simulated", "n_bars": 900, "signal": 0.4},
    "holdout": {"bars": 150},
    "features": {"use": ["return_1", "volatility_20"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}, "lightgbm": {"n_estimators": 20}},
}

# %% With the slip among them: nothing is fitted.

try:
    quorate.run(recipe, plugins=[features(*honest, slip)])
except quorate.IntegrityError as refused:
    print(f"refused: {refused}\n")

# %% Without it: forecasts are a frame, to be looked at in any way.

report = quorate.run(recipe, plugins=[features(*honest)])
forecasts = report.predictions
by_year = forecasts.dropna(subset=["label"]).groupby(lambda time: time.year)
print("rank correlation of the forecast with what came of it, by year")
agree = by_year.apply(lambda year: year["ensemble/past-performance"].corr(year["label"], method="spearman"))
print(agree.round(3).to_string(), "\n")

# %% Is the whole pipeline sound, from the features to the trades? Where there is nothing to find, it must find nothing.

audit = quorate.audit(recipe, plugins=[features(*honest)], draws=5)
print(f"{len(audit.findings)} detectors of leaks, {sum(finding.state == 'alarm' for finding in audit.findings)} alarms")

# Put the features into a file, and a run keeps it: then quorate.reproduce and quorate.explain have something to go on.
