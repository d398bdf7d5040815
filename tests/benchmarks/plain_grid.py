"""What `grid.toml` computes, as a plain script: scikit-learn and friends, pandas, vectorbt.

OMP_NUM_THREADS=1 python tests/benchmarks/plain_grid.py [--jobs 2] [--out FILE.npz]
"""

from __future__ import annotations

from functools import partial

import grid_models
import numpy as np
import plain

FIRST, STOP, TEST = 1541, 2201, 132
THRESHOLDS = (0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.007, 0.01)
DEFAULT = 0.001
# What quorate derives from the run's seed and the models' names.
SEEDS = {
    "xgb-100-2": 521763868,
    "xgb-100-3": 1960693456,
    "xgb-100-4": 1753633893,
    "xgb-200-2": 676857111,
    "xgb-200-3": 163498456,
    "xgb-200-4": 91251158,
    "forest-6": 1834422963,
    "forest-10": 1195300183,
    "lgbm-8": 1717678410,
    "lgbm-16": 1443034264,
}


def fit(X: np.ndarray, y: np.ndarray, name: str, first: int) -> np.ndarray:
    """Fit on all rows whose label has ended before the fold and predict its rows."""
    spec = next(spec for spec in grid_models.quorate_models() if spec.name == name)
    train = slice(plain.WARM_UP, first - 2)
    seed = {"random_state": SEEDS[name]} if name in SEEDS else {}
    model = spec.function(**spec.params, **seed).fit(X[train], y[train])
    # As many rows as quorate predicts at once: a product of another shape may have other last bits.
    block = np.zeros((256, X.shape[1]), dtype=X.dtype)
    block[:TEST] = X[first : first + TEST]
    return np.asarray(model.predict(block)[:TEST], dtype=np.float64)


def main() -> None:
    options = plain.arguments(__doc__, FIRST)
    bars, X, y = plain.read(STOP)
    names = [spec.name for spec in grid_models.quorate_models()]
    predictions = plain.fit_all(partial(fit, X, y), names, range(options.first, STOP, TEST), STOP, options.jobs)
    score = predictions.assign(mean=predictions.mean(axis=1))
    wanted = plain.choose(bars, score, plain.long_flat, THRESHOLDS, DEFAULT, TEST)
    plain.report(bars, wanted, predictions, options.out)


if __name__ == "__main__":
    main()
