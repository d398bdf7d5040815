"""What each feature adds to a forecast, by the libraries' own TreeSHAP; of quantiles, to the median."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def xgboost_contributions(model: Any, X: NDArray[Any]) -> NDArray[np.float64]:
    """Return SHAP values of the log-odds, or the number, (n, n_features + 1), by XGBoost's path-dependent TreeSHAP."""
    from xgboost import DMatrix

    values: NDArray[np.float64] = model.get_booster().predict(
        DMatrix(X, nthread=model.n_jobs, enable_categorical=model.enable_categorical), pred_contribs=True
    )
    return _of_median(values, model.get_params().get("quantile_alpha"))


def lightgbm_contributions(model: Any, X: NDArray[Any]) -> NDArray[np.float64]:
    """Return SHAP values of the log-odds, or the number, (n, n_features + 1), by LightGBM's path-dependent TreeSHAP."""
    model = getattr(model, "median_", model)
    values: NDArray[np.float64] = model.booster_.predict(X, pred_contrib=True, num_threads=model.n_jobs)
    return values


def catboost_contributions(model: Any, X: NDArray[Any]) -> NDArray[np.float64]:
    """Return SHAP values of the log-odds, or the number, (n, n_features + 1), by CatBoost's TreeSHAP."""
    from catboost import Pool

    threads = model.get_param("thread_count") or 1
    pool = Pool(X, cat_features=model.get_cat_feature_indices())
    values: NDArray[np.float64] = model.get_feature_importance(pool, type="ShapValues", thread_count=threads)
    loss = model.get_param("loss_function") or ""
    levels = [float(level) for level in loss.partition("alpha=")[2].split(",")] if "alpha=" in loss else None
    return _of_median(values, levels)


def _of_median(values: NDArray[np.float64], levels: list[float] | None) -> NDArray[np.float64]:
    """Return the contributions to the median, where there are those to several quantiles, (n, n_levels, ...)."""
    return values if levels is None else values[:, levels.index(0.5)]
