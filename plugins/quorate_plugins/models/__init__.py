"""Built-in models: the factories import their libraries when they are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import quorate
from quorate_plugins.models.spaces import AUDIT, SPACES

LEARN = ("scikit-learn",)
# Which functions keep a model, by its name: of one module ``NAME_state`` and ``load_NAME``; `onnx_graphs` has ``NAME``.
KEPT = {
    **dict.fromkeys(("logistic", "linear", "ridge", "lasso", "elastic-net"), ("states", "linear")),
    **{name: ("states", name) for name in ("xgboost", "lightgbm", "catboost")},
    "random-forest": ("tree_states", "forest"),
    "gradient-boosting": ("tree_states", "histogram"),
    "gradient-boosting-exact": ("tree_states", "boosting"),
}
FAMILIES: dict[str, Any] = {
    **dict.fromkeys(("logistic", "linear", "ridge", "lasso", "elastic-net"), "linear"),
    **dict.fromkeys(("gradient-boosting", "gradient-boosting-exact", "xgboost", "lightgbm", "catboost"), "boosting"),
}
# Which option adds nothing to the fold before, at 0. Histogram boosting cannot go on: scikit-learn reads the trees that
# there are by bins, and those of other rows are other ones.
WARM: dict[str, str] = {
    **dict.fromkeys(("gradient-boosting-exact", "xgboost", "lightgbm", "catboost"), "warm_rounds"),
    "random-forest": "warm_trees",
}
XGBOOST = ("xgboost|xgboost-cpu",)
QUANTILES = f"{__name__}.quantiles:outputs"


@quorate.hookimpl
def quorate_models() -> Iterator[quorate.ModelSpec]:
    """Yield the built-in models."""
    yield _model("logistic", "linear:logistic", LEARN, "L2 logistic regression on standardised features")
    text = "least squares on standardised features"
    yield _model("linear", "linear:linear", LEARN, text, task="regression", steps=True)
    text = "ridge regression on standardised features"
    yield _model("ridge", "linear:ridge", LEARN, text, task="regression", steps=True)
    text = "lasso on standardised features and label"
    yield _model("lasso", "linear:lasso", LEARN, text, task="regression", steps=True)
    text = "elastic net on standardised features and label"
    yield _model("elastic-net", "linear:elastic_net", LEARN, text, task="regression", steps=True)
    yield _model("random-forest", "forests:random_forest", LEARN, "bagged decision trees", task="any", steps=True)
    text = "histogram gradient boosting of scikit-learn"
    yield _model("gradient-boosting", "forests:gradient_boosting", LEARN, text, task="any", outputs=QUANTILES)
    text = "gradient boosting of scikit-learn with exact splits"
    yield _model("gradient-boosting-exact", "forests:gradient_boosting_exact", LEARN, text, task="any")
    yield _tree("xgboost", XGBOOST, "XGBoost, histogram trees")
    yield _tree("lightgbm", ("lightgbm",), "LightGBM, leaf-wise trees")
    yield _tree("catboost", ("catboost",), "CatBoost, symmetric trees")
    yield _ranker("lightgbm-ranker", ("lightgbm",), "LightGBM's LambdaMART: the order of the symbols at each bar")
    yield _ranker("xgboost-ranker", XGBOOST, "XGBoost's pairwise ranker: the order of the symbols at each bar")
    text = "baseline of a class: the share of positive labels so far"
    yield _model("majority", "baselines:Majority", (), text, baseline=True)
    text = "baseline of a number: the mean of the labels so far"
    yield _model("past-mean", "baselines:PastMean", (), text, baseline=True, task="regression")
    text = "baseline: the last bar's direction goes on, or its return"
    yield _model("persistence", "baselines:Persistence", (), text, baseline=True, task="any", input="bars", lookback=2)


def _tree(name: str, requires: tuple[str, ...], description: str) -> quorate.ModelSpec:
    """Return a tree model whose library computes SHAP values itself, and reads categories as they are."""
    told = f"{__name__}.contributions:{name}_contributions"
    more = {"contributions": told, "task": "any", "categories": True, "outputs": QUANTILES}
    return _model(name, f"trees:{name}", requires, description, **more)


def _ranker(name: str, requires: tuple[str, ...], description: str) -> quorate.ModelSpec:
    kind = f"{__name__}.ranking:"
    own = name.replace("-", "_")
    more: dict[str, Any] = {"state_dict": f"{kind}{own}_state", "load_state_dict": f"{kind}load_{own}"}
    return _model(name, f"ranking:{own}", requires, description, task="regression", places=("bar",), ranks=True, **more)


def _model(name: str, factory: str, requires: tuple[str, ...], description: str, **more: Any) -> quorate.ModelSpec:
    if name in KEPT:
        module, kind = KEPT[name]
        more["state_dict"] = f"{__name__}.{module}:{kind}_state"
        more["load_state_dict"] = f"{__name__}.{module}:load_{kind}"
        more["onnx"] = f"{__name__}.onnx_graphs:{kind}"
    if FAMILIES.get(name) == "boosting":
        more["history"] = f"{__name__}.rounds:history"
    return quorate.ModelSpec(
        name,
        f"{__name__}.{factory}",
        requires=requires,
        space=SPACES.get(name, {}),
        audit_params=AUDIT.get(name, {}),
        warm={WARM[name]: 0} if name in WARM else {},
        family=FAMILIES.get(name, ""),
        description=description,
        **more,
    )
