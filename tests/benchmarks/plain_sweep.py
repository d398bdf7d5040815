"""What a sweep of LightGBM on nasdaq fits, as a plain script: Optuna's own loop around scikit-learn's cross-validation.

OMP_NUM_THREADS=1 python tests/benchmarks/plain_sweep.py FIRST TRIALS FOLDS
"""

from __future__ import annotations

import sys
import time

import numpy as np
import optuna
import plain
from lightgbm import LGBMClassifier
from sklearn.model_selection import TimeSeriesSplit, cross_val_score


def main() -> None:
    first, trials, folds = map(int, sys.argv[1:])
    _, X, earned = plain.read(first)
    rows = slice(plain.WARM_UP, first - 2)
    X, y = X[rows], (earned[rows] > 0).astype(int)
    test = int(len(X) * 2 / 3) // folds
    split = TimeSeriesSplit(n_splits=folds, test_size=test, gap=2)

    def objective(trial: optuna.Trial) -> float:
        model = LGBMClassifier(
            n_estimators=trial.suggest_int("n_estimators", 20, 300, log=True),
            num_leaves=trial.suggest_int("num_leaves", 4, 32, log=True),
            learning_rate=trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            min_child_samples=trial.suggest_int("min_child_samples", 10, 100, log=True),
            subsample=trial.suggest_float("subsample", 0.5, 1.0), subsample_freq=1,
            colsample_bytree=trial.suggest_float("colsample_bytree", 0.5, 1.0),
            reg_lambda=trial.suggest_float("reg_lambda", 1e-2, 10.0, log=True),
            deterministic=True, force_row_wise=True, random_state=7, n_jobs=1, verbosity=-1,
        )  # fmt: skip
        return float(-np.mean(cross_val_score(model, X, y, cv=split, scoring="neg_log_loss")))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=7, multivariate=True))
    start, cpu = time.perf_counter(), time.process_time()
    study.optimize(objective, n_trials=trials, n_jobs=2)
    seconds = time.perf_counter() - start
    print(f"{seconds:.2f} {(time.process_time() - cpu):.2f} {study.best_value:.6f}")


if __name__ == "__main__":
    main()
