"""What `bench_nasdaq.toml` computes, as a plain script: scikit-learn and friends, pandas, vectorbt.

    OMP_NUM_THREADS=1 python tests/benchmarks/plain_nasdaq.py [--jobs 2] [--threads 2] [--out FILE.npz]

It is meant to be good: nothing is fitted or simulated twice, all series and thresholds of a strategy are one
portfolio, and every library is loaded at the start (joblib replaces processes that grow later). ``--threads 2`` gives
the forest other last bits. The torch network is borrowed from the built-in models.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plain
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from quorate_plugins.deep.models import mlp

FIRST, STOP, TEST = 1000, 5000, 100
THRESHOLDS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.10, 0.15, 0.20)
DEFAULT = 0.02
# What quorate derives from the run's seed and the models' names; the slowest come first.
SEEDS = {
    "random-forest": 2115373057,
    "catboost": 1722539481,
    "mlp": 1030869908,
    "gradient-boosting": 2006423688,
    "lightgbm": 1738771597,
    "xgboost": 530351856,
    "logistic": 1146259084,
}


def make(name: str, threads: int) -> Any:
    """Return an unfitted model."""
    seed = SEEDS[name]
    if name == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500, random_state=seed))
    if name == "random-forest":
        return RandomForestClassifier(200, max_depth=6, min_samples_leaf=20, random_state=seed, n_jobs=threads)
    if name == "gradient-boosting":
        return HistGradientBoostingClassifier(
            max_iter=200, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=40, l2_regularization=1.0,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
    if name == "xgboost":
        return XGBClassifier(
            n_estimators=200, max_depth=3, learning_rate=0.05, subsample=0.8, colsample_bytree=0.8, reg_lambda=1.0,
            min_child_weight=20.0, tree_method="hist", random_state=seed, n_jobs=threads,
        )  # fmt: skip
    if name == "lightgbm":
        return LGBMClassifier(
            n_estimators=200, num_leaves=8, learning_rate=0.05, min_child_samples=40, subsample=0.8, subsample_freq=1,
            colsample_bytree=0.8, reg_lambda=1.0, deterministic=True, force_row_wise=True, random_state=seed,
            n_jobs=threads, verbosity=-1,
        )  # fmt: skip
    if name == "catboost":
        return CatBoostClassifier(
            iterations=200, depth=4, learning_rate=0.05, l2_leaf_reg=3.0, random_strength=1.0, rsm=1.0,
            border_count=254, random_seed=seed, thread_count=threads, allow_writing_files=False,
            logging_level="Silent",
        )  # fmt: skip
    return mlp(task="classification", random_state=seed, n_jobs=threads)


def fit(X: np.ndarray, y: np.ndarray, threads: int, name: str, first: int) -> np.ndarray:
    """Fit on all rows whose label has ended before the fold and return the probabilities of its rows."""
    train = slice(plain.WARM_UP, first - 2)
    model = make(name, threads).fit(X[train], y[train])
    if name not in ("logistic", "mlp"):
        return model.predict_proba(X[first : first + TEST])[:, 1]
    # As many rows as quorate predicts at once: a product of another shape may have other last bits.
    block = np.zeros((256, X.shape[1]), dtype=X.dtype)
    block[:TEST] = X[first : first + TEST]
    return model.predict_proba(block)[:TEST, 1]


def combine(predictions: pd.DataFrame, y: np.ndarray) -> np.ndarray:
    """Return the mean weighted by exp(-eta * log loss so far), with weights anew for every fold."""
    values = predictions.to_numpy()
    p, label = values.clip(1e-6, 1 - 1e-6), y[predictions.index, None]
    loss = -(label * np.log(p) + (1 - label) * np.log(1 - p))
    out = np.empty(len(p))
    for start in range(0, len(p), TEST):
        known = max(start - 1, 0)  # the label of a bar is known two bars later
        total = loss[:known].sum(axis=0)
        weight = np.exp(-np.sqrt(8 * np.log(p.shape[1]) / max(known, 1)) * (total - total.min()))
        out[start : start + TEST] = values[start : start + TEST] @ (weight / weight.sum())
    return out


def main() -> None:
    options = plain.arguments(__doc__, FIRST)
    bars, X, earned = plain.read(STOP)
    y = (earned > 0).astype(int)
    firsts = range(options.first, STOP, TEST)
    predictions = plain.fit_all(partial(fit, X, y, options.threads), list(SEEDS), firsts, STOP, options.jobs)
    both = pd.DataFrame(
        {"past-performance": combine(predictions, y), "mean": predictions.mean(axis=1)}, index=predictions.index
    )
    score, of_both = 2 * both.join(predictions) - 1, 2 * both - 1
    rule = (THRESHOLDS, DEFAULT, TEST)
    short = plain.choose(bars, of_both, plain.long_short, *rule).add_suffix("/long-short")
    wanted = plain.choose(bars, score, plain.long_flat, *rule).join(short)
    plain.report(bars, wanted, predictions, options.out)


if __name__ == "__main__":
    main()
