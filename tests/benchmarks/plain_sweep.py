"""What a sweep of LightGBM on nasdaq fits, as a plain script: Optuna around scikit-learn's cross-validation.

OMP_NUM_THREADS=1 python tests/benchmarks/plain_sweep.py FIRST TRIALS FOLDS [tune]

With `tune` Ray Tune runs the trials, by its OptunaSearch, else Optuna's own loop on two threads.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import plain
from lightgbm import LGBMClassifier
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

CORES = 2


def loss_of(first: int, folds: int) -> Callable[[dict[str, Any]], float]:
    """Return what parameters cost, by cross-validation."""
    _, X, earned = plain.read(first)
    rows = slice(plain.WARM_UP, first - 2)
    X, y = X[rows], (earned[rows] > 0).astype(int)
    test = int(len(X) * 2 / 3) // folds
    split = TimeSeriesSplit(n_splits=folds, test_size=test, gap=2)

    def loss(params: dict[str, Any]) -> float:
        model = LGBMClassifier(
            **params, subsample_freq=1, deterministic=True, force_row_wise=True, random_state=7, n_jobs=1, verbosity=-1
        )
        return float(-np.mean(cross_val_score(model, X, y, cv=split, scoring="neg_log_loss")))

    return loss


def suggested(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "n_estimators": trial.suggest_int("n_estimators", 20, 300, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 32, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 10, 100, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.5, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-2, 10.0, log=True),
    }


def by_optuna(first: int, trials: int, folds: int) -> tuple[float, float]:
    """Return the seconds that Optuna's loop takes, and the best loss."""
    loss = loss_of(first, folds)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=7, multivariate=True))
    start = time.perf_counter()
    study.optimize(lambda trial: loss(suggested(trial)), n_trials=trials, n_jobs=CORES)
    return time.perf_counter() - start, study.best_value


def by_tune(first: int, trials: int, folds: int) -> tuple[float, float]:
    """Return the seconds that Ray Tune takes once Ray is there, and the best loss."""
    import ray
    from ray import tune
    from ray.tune.search import ConcurrencyLimiter
    from ray.tune.search.optuna import OptunaSearch

    ray.init(num_cpus=CORES, include_dashboard=False, logging_level="error")
    here = sys.path[0]

    def objective(params: dict[str, Any]) -> dict[str, float]:
        sys.path.insert(0, here)
        import plain_sweep

        return {"loss": plain_sweep.loss_of(first, folds)(params)}

    search = OptunaSearch(suggested, metric="loss", mode="min", seed=7)
    tuner = tune.Tuner(
        tune.with_resources(objective, {"cpu": 1}),
        tune_config=tune.TuneConfig(search_alg=ConcurrencyLimiter(search, CORES), num_samples=trials),
        run_config=tune.RunConfig(verbose=0, storage_path=tempfile.mkdtemp(prefix="tune-")),
    )
    start = time.perf_counter()
    best = tuner.fit().get_best_result("loss", "min").metrics
    assert best is not None
    return time.perf_counter() - start, best["loss"]


def main() -> None:
    first, trials, folds = map(int, sys.argv[1:4])
    seconds, best = (by_tune if sys.argv[4:] == ["tune"] else by_optuna)(first, trials, folds)
    print(f"{seconds:.2f} {best:.6f}")


if __name__ == "__main__":
    main()
